import type { ObservedContainer } from './container.ts';
import { LABEL } from './container.ts';

/** An address that Sentinel itself depends on. */
export interface OwnEndpoint {
  /** What it is, for people: `its Redis`. */
  readonly what: string;
  readonly host: string;
  readonly port?: number;
}

const LOOPBACK = /^(?:localhost|127\.|::1$|0\.0\.0\.0$)/;

/**
 * The containers that Sentinel must never touch, whatever a policy or a model says: its own, the
 * owner of its network, and what its own connections lead to.
 *
 * @param selfId id of the container that Sentinel runs in; absent outside a container
 * @returns id → what it is
 */
export function protectedContainers(
  containers: readonly ObservedContainer[],
  selfId: string | undefined,
  endpoints: readonly OwnEndpoint[],
): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const self = containers.find(({ id }) => selfId !== undefined && id === selfId);
  if (self !== undefined) {
    found.set(self.id, 'Sentinel itself');
    for (const { owner, kind } of self.shares) {
      const lender = containers.find(({ id, name }) => id === owner || name === owner);
      if (lender !== undefined) found.set(lender.id, `the owner of Sentinel’s ${kind} namespace`);
    }
  }
  for (const container of containers) {
    const endpoint = endpoints.find((one) => leadsTo(one, container, self));
    if (endpoint !== undefined && !found.has(container.id)) found.set(container.id, endpoint.what);
  }
  return found;
}

/** By name, by Compose service within our own project, by address, or by a published port. */
function leadsTo(
  { host, port }: OwnEndpoint,
  container: ObservedContainer,
  self: ObservedContainer | undefined,
): boolean {
  if (container.name === host || (container.id.startsWith(host) && /^[0-9a-f]{12,64}$/.test(host)))
    return true;
  if (Object.values(container.networks).some(({ address }) => address !== '' && address === host)) {
    return true;
  }
  const project = self?.labels[LABEL.composeProject];
  if (
    project !== undefined &&
    container.labels[LABEL.composeProject] === project &&
    container.labels[LABEL.composeService] === host
  ) {
    return true;
  }
  return (
    self === undefined &&
    port !== undefined &&
    LOOPBACK.test(host) &&
    container.publishedPorts.includes(port)
  );
}
