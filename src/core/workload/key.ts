import { type ContainerSummary, LABEL } from './container.ts';

/**
 * `HOST/PROJECT/SERVICE/NUMBER` from Compose's labels, else `HOST/NAME`; segments are
 * percent-encoded, so a slash always separates. It survives a recreation of the container.
 */
export type WorkloadKey = string;

export interface WorkloadIdentity {
  readonly host: string;
  readonly project?: string;
  readonly service?: string;
  readonly number?: number;
  /** The container's name; for a workload that does not exist, the name it would have. */
  readonly name: string;
}

/** A name that Compose gives the old container in the middle of a recreation. */
const COMPOSE_SET_ASIDE = /^[0-9a-f]{12}_/;
/** A name that Sentinel gives a container which it made or set aside. */
const SENTINEL_SET_ASIDE = /\.sentinel-[a-z0-9]+(?:-old)?$/;

export function identityOf(
  host: string,
  { name, labels }: Pick<ContainerSummary, 'name' | 'labels'>,
): WorkloadIdentity {
  const workload = name.replace(SENTINEL_SET_ASIDE, '');
  const project = labels[LABEL.composeProject];
  const service = labels[LABEL.composeService];
  const number = Number(labels[LABEL.composeNumber]);
  if (!project || !service || !Number.isSafeInteger(number) || number < 1) {
    return { host, name: workload };
  }
  return { host, project, service, number, name: workload };
}

export function keyOf(identity: WorkloadIdentity): WorkloadKey {
  const { host, project, service, number, name } = identity;
  const segments =
    project !== undefined && service !== undefined
      ? [host, project, service, String(number ?? 1)]
      : [host, name];
  return segments.map(encodeSegment).join('/');
}

/** A lone surrogate in a hostile label would make `encodeURIComponent` throw. */
function encodeSegment(segment: string): string {
  return encodeURIComponent(segment.toWellFormed());
}

/** The intent that a container is named after which Sentinel made or set aside. */
export function intentOfSetAside(name: string): string | undefined {
  return /\.sentinel-(?<intent>[a-z0-9]+)(?:-old)?$/.exec(name)?.groups?.['intent'];
}

/** A run of `docker compose run`: Compose says so of each container, yes or no. */
export function isOneOff(labels: ContainerSummary['labels']): boolean {
  return labels[LABEL.composeOneOff]?.toLowerCase() === 'true';
}

/** Containers that stand beside a workload for a moment and never are the workload. */
export function isSetAside({ name, labels }: Pick<ContainerSummary, 'name' | 'labels'>): boolean {
  return isOneOff(labels) || COMPOSE_SET_ASIDE.test(name) || SENTINEL_SET_ASIDE.test(name);
}
