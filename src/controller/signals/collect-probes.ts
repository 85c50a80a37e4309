import type { Fleet } from '#controller/fleet.ts';
import { ProbeUnroutableError } from '#core/errors.ts';
import type { ObservedContainer } from '#core/workload/container.ts';
import type { ProbeReading } from '#core/workload/view.ts';
import type { HttpProbeTarget, ProbeOutcome } from '#ports/prober.ts';
import type { Collection } from './collect-stats.ts';
import type { SignalContext } from './context.ts';
import { repeat } from './repeat.ts';
import type { ProbeWant } from './wants.ts';

/** Runs one probe against one run of a container until `signal` aborts. */
export async function collectProbe(
  context: SignalContext,
  want: ProbeWant,
  collection: Collection<ProbeReading> & {
    /** While true, failures are expected and not counted. */
    readonly isStarting: () => boolean;
  },
  signal: AbortSignal,
): Promise<void> {
  const { clock, probes, nowMs } = context;
  const { interval } = want.probe;
  let failures = 0;
  /** This run was reached before: that there is no way to it any more is a failure. */
  let wasReached = false;
  await repeat(
    clock,
    { firstInMs: context.spreadMs(interval), everyMs: interval },
    signal,
    async () => {
      const container = collection.container();
      if (container === undefined) return;
      const outcome = await probes.run(() => probe(context, want, container, signal));
      if (signal.aborted) return;
      wasReached ||= isAnswer(outcome);
      const reading = readingOf(outcome, { failures, wasReached }, collection.isStarting());
      if (reading.unroutable === true) {
        collection.onFailure(new ProbeUnroutableError(reading.message));
      }
      failures = reading.failures;
      collection.publish({ ...reading, atMs: nowMs() });
    },
  );
}

function isAnswer(outcome: ProbeOutcome): boolean {
  return outcome.kind === 'Success' || ['Refused', 'BadStatus'].includes(outcome.reason);
}

function readingOf(
  outcome: ProbeOutcome,
  { failures, wasReached }: { readonly failures: number; readonly wasReached: boolean },
  isStarting: boolean,
): Omit<ProbeReading, 'atMs'> {
  if (outcome.kind === 'Success') return { failures: 0, message: '' };
  const { message, reason } = outcome;
  if (reason === 'NoRoute' && !wasReached) return { failures: 0, unroutable: true, message };
  return isStarting
    ? { failures: 0, notCounted: true, message }
    : { failures: failures + 1, message };
}

async function probe(
  { fleet, prober }: SignalContext,
  { signal: kind, probe: options }: ProbeWant,
  container: ObservedContainer,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  const place = placeOf(container, fleet);
  if (place.addresses.length === 0) {
    const message = 'the container has no address on any network';
    return { kind: 'Failure', reason: 'NoRoute', message };
  }
  const { port, scheme, path, status, timeout } = options;
  const target: HttpProbeTarget = {
    addresses: place.addresses,
    port,
    timeoutMs: timeout,
    scheme,
    path,
    ...(status === undefined ? {} : { status }),
  };
  const outcome = await (kind === 'probe.http'
    ? prober.http(target, signal)
    : prober.tcp(target, signal));
  if (outcome.kind !== 'Failure' || outcome.reason !== 'NoRoute') return outcome;
  const networks = place.networks.join(' or ');
  return {
    ...outcome,
    message: `${outcome.message}: Sentinel must share a network with ${networks}`,
  };
}

interface Place {
  readonly addresses: readonly string[] | 'Host';
  readonly networks: readonly string[];
}

/** A container that joined another's network is found at that one's address. */
function placeOf(container: ObservedContainer, fleet: Fleet): Place {
  const owner = networkOwner(container, fleet);
  if (owner?.networks['host'] !== undefined) return { addresses: 'Host', networks: ['host'] };
  const attached = Object.entries(owner?.networks ?? {}).filter(
    ([, { address }]) => address !== '',
  );
  return {
    addresses: attached.map(([, { address }]) => address),
    networks: attached.map(([name]) => name),
  };
}

/** Who is joined may have joined another: the last of the chain has the network. */
function networkOwner(container: ObservedContainer, fleet: Fleet): ObservedContainer | undefined {
  const passed = new Set<string>();
  let owner: ObservedContainer | undefined = container;
  while (owner !== undefined && !passed.has(owner.id)) {
    passed.add(owner.id);
    const shared = owner.shares.find(({ kind }) => kind === 'network');
    if (shared === undefined) return owner;
    owner = containerOf(shared.owner, fleet);
  }
  return undefined;
}

function containerOf(ref: string, fleet: Fleet): ObservedContainer | undefined {
  return fleet.container(ref) ?? fleet.containers().find(({ name }) => name === ref);
}
