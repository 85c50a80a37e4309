import { type NamedRoute, routesOf } from '#core/policy/routes.ts';
import { createLimiter } from '#lib/limiter.ts';
import type { Clock } from '#ports/clock.ts';
import type { ModelClient, RouteReadiness } from '#ports/model-client.ts';
import type { PolicySet, PolicySource } from '#ports/policy-source.ts';

export interface ModelProbesOptions {
  readonly models: Pick<ModelClient, 'probe' | 'readiness'>;
  readonly policies: Pick<PolicySource, 'current' | 'onChange'>;
  readonly clock: Pick<Clock, 'after'>;
  readonly listener: {
    /** All routes that the policies in force name; at the start, and whenever policies change. */
    readonly onRoutes: (routes: readonly NamedRoute[]) => void;
    /** Once per change, `NotProbed` left out. */
    readonly onReadiness: (route: string, readiness: RouteReadiness) => void;
  };
}

/** What is asked of a provider at once is little. */
const AT_ONCE_MAX = 4;
/** How often it is looked whether requests have found a route unready. */
const LOOK_MS = 60_000;
const AGAIN_MS = 60_000;
const AGAIN_MS_MAX = 15 * 60_000;
/** Known without asking, and so until Sentinel is started again. */
const LASTING: ReadonlySet<string> = new Set([
  'ProviderUnknown',
  'ProviderInvalid',
  'AddressMissing',
  'KeyMissing',
]);

interface Watched {
  /** In a row; a route that is found well has none only when it was so a minute later too. */
  failures: number;
  /** What was told of it last. */
  told: string;
  cancel: () => void;
}

/**
 * Finds out which models can be asked: probes each route that the policies in force name at once, and
 * again while it is not ready, first after a minute, at last every quarter of an hour. Asks nothing
 * where no policy names a route. Disposed of, it gives up what is under way.
 */
export function startModelProbes(options: ModelProbesOptions): Disposable {
  const { models, policies, clock, listener } = options;
  const watched = new Map<string, Watched>();
  const stopping = new AbortController();
  const slots = createLimiter(AT_ONCE_MAX);

  function follow({ policies: inForce }: Pick<PolicySet, 'policies'>): void {
    const routes = routesOf(inForce);
    const names = new Set(routes.map(({ name }) => name));
    listener.onRoutes(routes);
    for (const [route, { cancel }] of watched) {
      if (names.has(route)) continue;
      cancel();
      watched.delete(route);
    }
    for (const route of names) {
      if (watched.has(route)) continue;
      const one: Watched = { failures: 0, told: '', cancel: () => undefined };
      watched.set(route, one);
      void probe(route, one);
    }
  }

  async function probe(route: string, one: Watched): Promise<void> {
    const known = models.readiness(route);
    if (known.ready) {
      found(route, one, known);
      return;
    }
    const readiness = await slots.run(() => models.probe(route, stopping.signal));
    if (stopping.signal.aborted || watched.get(route) !== one) return;
    found(route, one, readiness);
  }

  function look(route: string, one: Watched): void {
    const readiness = models.readiness(route);
    if (readiness.ready) one.failures = 0;
    found(route, one, readiness);
  }

  function found(route: string, one: Watched, readiness: RouteReadiness): void {
    tell(route, one, readiness);
    if (readiness.ready) {
      one.cancel = clock.after(LOOK_MS, () => look(route, one));
      return;
    }
    if (LASTING.has(readiness.reason)) return;
    const waitMs = Math.min(AGAIN_MS * 2 ** one.failures, AGAIN_MS_MAX);
    one.failures = Math.min(one.failures + 1, 10);
    one.cancel = clock.after(waitMs, () => void probe(route, one));
  }

  function tell(route: string, one: Watched, readiness: RouteReadiness): void {
    const word = readiness.ready ? 'Ready' : readiness.reason;
    if (word === one.told || word === 'NotProbed') return;
    one.told = word;
    listener.onReadiness(route, readiness);
  }

  const unfollow = policies.onChange(follow);
  follow(policies.current());
  return {
    [Symbol.dispose]() {
      unfollow();
      stopping.abort();
      for (const { cancel } of watched.values()) cancel();
      watched.clear();
    },
  };
}
