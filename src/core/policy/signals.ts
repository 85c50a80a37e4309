/**
 * The class of a signal decides which fields its threshold takes and how it is judged:
 * - `state`: holds or does not hold right now; `for` applies.
 * - `gauge`: a number right now; `for`, `clearBelow`, `clearAbove` apply.
 * - `event`: happened; breached until the container has run `verify.healthyFor` without another.
 * - `window`: a count over `window`.
 * - `trend`: when a gauge reaches its limit, if it grows on as it did; `within`, `for` apply.
 */
export type SignalClass = 'state' | 'gauge' | 'event' | 'window' | 'trend';

interface SignalFacts {
  readonly class: SignalClass;
  /** What must be collected for it, besides container state, which always is. */
  readonly source: 'container' | 'stats' | 'logs' | 'probe' | 'filesystem' | 'events';
  /** Ignored while the container is within `startPeriod`. */
  readonly hushedAtStart: boolean;
  readonly unit?: 'ratio' | 'bytes' | 'bytesPerSecond' | 'count' | 'perSecond' | 'duration';
}

const gauge = (unit: NonNullable<SignalFacts['unit']>) =>
  ({ class: 'gauge', source: 'stats', hushedAtStart: true, unit }) as const;
const trend = { class: 'trend', source: 'stats', hushedAtStart: true, unit: 'duration' } as const;
const logWindow = {
  class: 'window',
  source: 'logs',
  hushedAtStart: true,
  unit: 'count',
} as const;

export const SIGNALS = {
  health: { class: 'state', source: 'container', hushedAtStart: false },
  state: { class: 'state', source: 'container', hushedAtStart: false },
  'namespace.lost': { class: 'state', source: 'container', hushedAtStart: false },
  absent: { class: 'state', source: 'container', hushedAtStart: false },
  'disk.writable': { class: 'state', source: 'filesystem', hushedAtStart: false },
  'probe.http': { class: 'state', source: 'probe', hushedAtStart: true },
  'probe.tcp': { class: 'state', source: 'probe', hushedAtStart: true },
  'cpu.utilization': gauge('ratio'),
  'cpu.throttled': gauge('ratio'),
  'memory.utilization': gauge('ratio'),
  'memory.workingSet': gauge('bytes'),
  'pids.utilization': gauge('ratio'),
  'network.rx': gauge('bytesPerSecond'),
  'network.tx': gauge('bytesPerSecond'),
  'blkio.read': gauge('bytesPerSecond'),
  'blkio.write': gauge('bytesPerSecond'),
  'memory.trend': trend,
  'pids.trend': trend,
  exit: { class: 'event', source: 'events', hushedAtStart: false },
  oomKilled: { class: 'event', source: 'events', hushedAtStart: false },
  restarts: { class: 'window', source: 'events', hushedAtStart: false, unit: 'count' },
  'log.rate': { ...logWindow, unit: 'perSecond' },
  'log.matches': logWindow,
  'log.errors': logWindow,
  'log.anomaly': logWindow,
} as const satisfies Record<string, SignalFacts>;

export type SignalName = keyof typeof SIGNALS;
export const SIGNAL_NAMES = Object.keys(SIGNALS) as [SignalName, ...SignalName[]];

export type GaugeName = {
  [Name in SignalName]: (typeof SIGNALS)[Name]['class'] extends 'gauge' ? Name : never;
}[SignalName];

/** The gauge, a share of its limit, that a trend follows. */
export const TREND_GAUGES = {
  'memory.trend': 'memory.utilization',
  'pids.trend': 'pids.utilization',
} as const satisfies Partial<Record<SignalName, GaugeName>>;
export type TrendName = keyof typeof TREND_GAUGES;

export function signalFacts(name: SignalName): SignalFacts {
  return SIGNALS[name];
}
