import { MemoryEngine } from '#adapters/memory/memory-engine.ts';
import { MemoryFilesystem, MemoryProber } from '#adapters/memory/memory-probes.ts';
import { VirtualClock } from '#adapters/memory/virtual-clock.ts';
import { Fleet } from '#controller/fleet.ts';
import type { LogDropReason } from '#controller/signals/log-budget.ts';
import { createSignalCollector } from '#controller/signals/signal-collector.ts';
import { emptyHistory } from '#core/journal/reduce-workload.ts';
import { type CompiledPolicy, compilePolicySet } from '#core/policy/compile.ts';
import type { WorkloadView } from '#core/workload/view.ts';

const NEVER = new AbortController().signal;

/** A policy for every container, with these thresholds. */
export function policyWith(
  thresholds: readonly Record<string, unknown>[],
  spec: Record<string, unknown> = {},
): CompiledPolicy {
  const value = {
    apiVersion: 'sre-sentinel.io/v1alpha1',
    kind: 'SentinelPolicy',
    metadata: { name: 'all' },
    spec: {
      selector: { names: ['*'] },
      startPeriod: '0s',
      thresholds: thresholds.map((threshold) => ({ severity: 'warning', ...threshold })),
      ...spec,
    },
  };
  const document = {
    file: 'p.yaml',
    value,
    commit: '',
    positionOf: () => ({ line: 1, column: 1 }),
  };
  const set = compilePolicySet([document], { tool: () => undefined, builtinTools: [] });
  const [policy] = set.policies;
  if (policy === undefined) throw new Error(JSON.stringify(set.problems));
  return policy;
}

/** The collector over adapters in memory, without a controller around it. */
export class SignalBench {
  readonly clock = new VirtualClock();
  readonly engine = new MemoryEngine(this.clock);
  readonly prober = new MemoryProber();
  readonly filesystem = new MemoryFilesystem();
  readonly fleet = new Fleet('box');
  readonly enqueued: string[] = [];
  readonly warnings: string[] = [];
  readonly dropped: Partial<Record<LogDropReason, number>> = {};
  lines = 0;
  /** When an action ended that helped, or may yet. */
  cutMs: number | undefined;
  policy: CompiledPolicy;
  readonly collector;
  readonly #stop = new AbortController();
  #done: Promise<void> | undefined;

  constructor(policy: CompiledPolicy) {
    this.policy = policy;
    this.collector = createSignalCollector({
      runtime: this.engine,
      clock: this.clock,
      fleet: this.fleet,
      prober: this.prober,
      filesystem: this.filesystem,
      governing: () => ({ kind: 'governed', policy: this.policy }),
      historyOf: () => emptyHistory(),
      cutMsOf: () => this.cutMs,
      enqueue: (key) => this.enqueued.push(key),
      nowMs: () => this.clock.wallMs(),
      daemonNowMs: () => this.clock.wallMs(),
      host: () => ({ cpus: 4, memoryBytes: 2 ** 34 }),
      listener: {
        onLogLines: (_, count) => {
          this.lines += count;
        },
        onLogLinesDropped: (_, reason, count) => {
          this.dropped[reason] = (this.dropped[reason] ?? 0) + count;
        },
        onWarning: (message, cause) => this.warnings.push(`${message}: ${String(cause)}`),
      },
    });
  }

  async start(): Promise<void> {
    await this.look();
    this.#done = this.collector.start(this.#stop.signal);
    await this.clock.advance(0);
  }

  /** Takes every container in as it is now, as a reconcile does. */
  async look(): Promise<void> {
    const present = await this.engine.list(NEVER);
    for (const { id } of this.fleet.containers()) {
      if (!present.some((one) => one.id === id)) this.fleet.drop(id);
    }
    for (const { id } of present) {
      const container = await this.engine.inspect(id, NEVER);
      const nowMs = this.clock.wallMs();
      if (container !== undefined) this.fleet.put(container, { nowMs, daemonMs: nowMs });
    }
    this.collector.reconcileWants();
    await this.clock.advance(0);
  }

  view(name = 'web'): WorkloadView {
    const view = this.fleet.views().get(`box/${name}`);
    if (view === undefined) throw new Error(`no workload ${name}`);
    return view;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }
}
