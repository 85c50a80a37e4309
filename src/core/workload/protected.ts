import type { ObservedContainer } from './container.ts';
import { LABEL } from './container.ts';

/** An address that Sentinel itself depends on. */
export interface OwnEndpoint {
  /** What it is, for people: `its Redis`. */
  readonly what: string;
  readonly host: string;
  readonly port?: number;
  /** The host is an address of the machine that Sentinel runs on. */
  readonly isThisHost?: boolean;
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

/** By name, by address, by a name on a network that we are on too, or by a published port. */
function leadsTo(
  endpoint: OwnEndpoint,
  container: ObservedContainer,
  self: ObservedContainer | undefined,
): boolean {
  const { host } = endpoint;
  const isId = /^[0-9a-f]{12,64}$/.test(host) && container.id.startsWith(host);
  const hasAddress = Object.values(container.networks).some(({ address }) => address === host);
  return (
    container.name === host ||
    isId ||
    (host !== '' && hasAddress) ||
    (self !== undefined && answersTo(host, container, self)) ||
    isPublished(endpoint, container, self)
  );
}

/** Docker's own name server knows aliases on a shared network; Compose makes each service one. */
function answersTo(host: string, container: ObservedContainer, self: ObservedContainer): boolean {
  const hasAlias = Object.entries(container.networks).some(
    ([network, { aliases = [] }]) => network in self.networks && aliases.includes(host),
  );
  const project = self.labels[LABEL.composeProject];
  const isService =
    project !== undefined &&
    container.labels[LABEL.composeProject] === project &&
    container.labels[LABEL.composeService] === host;
  return hasAlias || isService;
}

/** The loopback is the host's only outside of a container. */
function isPublished(
  { host, port, isThisHost = false }: OwnEndpoint,
  container: ObservedContainer,
  self: ObservedContainer | undefined,
): boolean {
  if (port === undefined || !container.publishedPorts.includes(port)) return false;
  return (
    isThisHost || host === 'host.docker.internal' || (self === undefined && LOOPBACK.test(host))
  );
}
