import { SAMPLE_GROUPS, type SampleGroup } from '#core/health/sample.ts';
import type { CelReads } from '#core/policy/cel.ts';
import type { CompiledPolicy, CompiledThreshold } from '#core/policy/compile.ts';
import { type CompiledPattern, compilePattern } from '#core/policy/pattern.ts';
import type { Probe } from '#core/policy/schema.ts';
import { signalFacts } from '#core/policy/signals.ts';

/** What a policy wants collected for each workload that it governs. */
export interface Wants {
  /** Parts of a sample that a threshold or an expression reads; empty: none is taken. */
  readonly stats: ReadonlySet<SampleGroup>;
  readonly probes: readonly ProbeWant[];
  readonly disks: readonly string[];
  readonly logs?: LogWants;
  readonly startPeriodMs: number;
}

export interface ProbeWant {
  /** The threshold's name. */
  readonly name: string;
  readonly signal: 'probe.http' | 'probe.tcp';
  /** Durations in milliseconds. */
  readonly probe: Probe;
}

/** Windows in which something is counted; nothing is counted where there is none. */
export interface LogWants {
  /** Two policies whose wants are equal in this count the same. */
  readonly fingerprint: string;
  readonly lineWindowsMs: readonly number[];
  readonly errorWindowsMs: readonly number[];
  readonly anomalyWindowsMs: readonly number[];
  readonly patterns: readonly {
    readonly pattern: CompiledPattern;
    readonly windowsMs: readonly number[];
  }[];
}

const NOTHING: Wants = { stats: new Set(), probes: [], disks: [], startPeriodMs: 0 };
const known = new WeakMap<CompiledPolicy, Wants>();

export function wantsOf(policy: CompiledPolicy): Wants {
  const before = known.get(policy);
  if (before !== undefined) return before;
  const wants = policy.spec.remediation.mode === 'Off' ? NOTHING : derive(policy);
  known.set(policy, wants);
  return wants;
}

function derive(policy: CompiledPolicy): Wants {
  const { thresholds, needs, spec } = policy;
  const logs = needs.logs ? logWantsOf(policy) : undefined;
  return {
    stats: needs.stats ? sampleGroupsOf(policy) : NOTHING.stats,
    probes: thresholds.flatMap(probeWantOf),
    disks: [
      ...new Set(
        thresholds.flatMap(({ signal, path }) =>
          signal === 'disk.writable' && path !== undefined ? [path] : [],
        ),
      ),
    ],
    ...(logs === undefined ? {} : { logs }),
    startPeriodMs: spec.startPeriod,
  };
}

/** `memory.utilization` needs `memory`; an expression needs every group that it names. */
function sampleGroupsOf({ thresholds, actions }: CompiledPolicy): ReadonlySet<SampleGroup> {
  const names = new Set([
    ...thresholds.map(({ signal }) => signal?.split('.', 1)[0]),
    ...thresholds.flatMap(({ reads }) => [...reads.names]),
    ...actions.flatMap(({ template }) => template.reads.flatMap((reads) => [...reads.names])),
  ]);
  return new Set(SAMPLE_GROUPS.filter((group) => names.has(group)));
}

function probeWantOf({ name, signal, probe }: CompiledThreshold): ProbeWant[] {
  if (probe === undefined || (signal !== 'probe.http' && signal !== 'probe.tcp')) return [];
  return [{ name, signal, probe }];
}

function logWantsOf({ thresholds, actions }: CompiledPolicy): LogWants {
  const windowsOf = (signal: CompiledThreshold['signal']) =>
    thresholds.flatMap((threshold) =>
      threshold.signal === signal && threshold.window !== undefined ? [threshold.window] : [],
    );
  // An expression does not tell which of its windows are for the rate, and which for the errors.
  const expressions: readonly CelReads[] = [
    ...thresholds.filter(({ signal }) => signal === undefined).map(({ reads }) => reads),
    ...actions.flatMap(({ template }) => template.reads),
  ];
  const windowsMs = expressions.flatMap((reads) => reads.logWindowsMs);
  const patterns = new Map<string, number[]>();
  for (const { logPatterns } of [...thresholds.map(({ reads }) => reads), ...expressions]) {
    for (const { pattern, windowMs } of logPatterns) {
      patterns.set(pattern, [...(patterns.get(pattern) ?? []), windowMs]);
    }
  }
  const windows = {
    lineWindowsMs: distinct([...windowsOf('log.rate'), ...windowsMs]),
    errorWindowsMs: distinct([...windowsOf('log.errors'), ...windowsMs]),
    anomalyWindowsMs: distinct(windowsOf('log.anomaly')),
  };
  const wanted = [...patterns].map(([source, of]) => [source, distinct(of)] as const);
  return {
    ...windows,
    patterns: wanted.flatMap(([source, of]) => {
      const result = compilePattern(source);
      return result.ok ? [{ pattern: result.pattern, windowsMs: of }] : [];
    }),
    fingerprint: JSON.stringify([windows, wanted]),
  };
}

/** Whether a threshold is judged on what is collected for it, and so may change with it. */
export function isJudgedOn(
  threshold: CompiledThreshold,
  source: 'stats' | 'logs' | 'probe' | 'filesystem',
): boolean {
  const { signal, reads } = threshold;
  if (signal !== undefined) return signalFacts(signal).source === source;
  return (source === 'stats' && reads.stats) || (source === 'logs' && reads.logDerived);
}

function distinct(windowsMs: readonly number[]): number[] {
  return [...new Set(windowsMs)].sort((a, b) => a - b);
}
