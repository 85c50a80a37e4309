import type { z } from 'zod';
import { closest } from '#lib/edit-distance.ts';
import { type SignalClass, type SignalName, signalFacts } from './signals.ts';

/** The fields of a threshold that depend on its signal; see schema.ts for their shapes. */
export interface ThresholdFields {
  readonly signal?: SignalName | undefined;
  readonly when?: string | undefined;
  readonly equals?: string | undefined;
  readonly nonZero?: boolean | undefined;
  readonly exitCodes?: readonly number[] | undefined;
  readonly above?: number | undefined;
  readonly below?: number | undefined;
  readonly clearBelow?: number | undefined;
  readonly clearAbove?: number | undefined;
  readonly within?: number | undefined;
  readonly for?: number | undefined;
  readonly window?: number | undefined;
  readonly pattern?: string | undefined;
  readonly path?: string | undefined;
  readonly probe?: object | undefined;
}
type Field = Exclude<keyof ThresholdFields, 'signal' | 'when'>;

/** Fields that a class of signals takes; what only one signal takes is in OWN_FIELDS. */
const CLASS_FIELDS: Readonly<Record<SignalClass, readonly Field[]>> = {
  state: ['for'],
  gauge: ['above', 'below', 'clearBelow', 'clearAbove', 'for'],
  event: [],
  window: ['above', 'window'],
  trend: ['within', 'for'],
};
const OWN_FIELDS: Partial<Record<SignalName, readonly Field[]>> = {
  health: ['equals'],
  state: ['equals'],
  exit: ['nonZero', 'exitCodes'],
  'log.matches': ['pattern'],
  'disk.writable': ['path'],
  'probe.http': ['probe'],
  'probe.tcp': ['probe'],
};
const REQUIRED: Partial<Record<SignalName, readonly Field[]>> = {
  'memory.trend': ['within'],
  'pids.trend': ['within'],
  state: ['equals'],
  'log.matches': ['pattern'],
  'probe.http': ['probe'],
  'probe.tcp': ['probe'],
};
const ALL_FIELDS = new Set([...Object.values(CLASS_FIELDS), ...Object.values(OWN_FIELDS)].flat());
const EQUALS: Partial<Record<SignalName, readonly string[]>> = {
  health: ['starting', 'healthy', 'unhealthy'],
  state: ['running', 'exited', 'dead', 'paused', 'restarting'],
};

/** What twenty minutes of samples can tell: a pace is believed for four times as long. */
const WITHIN_MS_MAX = 60 * 60_000;

/** Says which fields are wrong or missing for the signal that the threshold names. */
export function checkThreshold(
  threshold: ThresholdFields,
  ctx: z.core.$RefinementCtx<unknown>,
): void {
  const { signal, when } = threshold;
  if ((signal === undefined) === (when === undefined)) {
    ctx.addIssue({ code: 'custom', message: 'needs either signal or when' });
    return;
  }
  const problems = signal === undefined ? forWhen(threshold) : forSignal(threshold, signal);
  for (const [field, message] of problems) {
    ctx.addIssue({ code: 'custom', path: field === undefined ? [] : [field], message });
  }
}

type Problem = readonly [Field | undefined, string];

function forWhen(threshold: ThresholdFields): Problem[] {
  return [...ALL_FIELDS]
    .filter((field) => field !== 'for' && threshold[field] !== undefined)
    .map((field) => [field, `goes with signal, not with when`]);
}

function forSignal(threshold: ThresholdFields, signal: SignalName): Problem[] {
  const kind = signalFacts(signal).class;
  const takes = new Set([...CLASS_FIELDS[kind], ...(OWN_FIELDS[signal] ?? [])]);
  const foreign = [...ALL_FIELDS]
    .filter((field) => threshold[field] !== undefined && !takes.has(field))
    .map((field): Problem => [field, notTaken(field, signal, kind)]);
  const missing = (REQUIRED[signal] ?? [])
    .filter((field) => threshold[field] === undefined)
    .map((field): Problem => [undefined, `signal ${signal} needs ${field}`]);
  return [...foreign, ...missing, ...limits(threshold, signal), ...equals(threshold, signal)];
}

function notTaken(field: Field, signal: SignalName, kind: SignalClass): string {
  if (field === 'for' && kind === 'event') {
    return `${signal} is an event, which does not last: for does not apply`;
  }
  return `signal ${signal} takes no ${field}`;
}

function limits(threshold: ThresholdFields, signal: SignalName): Problem[] {
  const { above, below } = threshold;
  const problems = hysteresis(threshold);
  const kind = signalFacts(signal).class;
  if (kind === 'gauge' && (above === undefined) === (below === undefined)) {
    problems.push([undefined, `signal ${signal} needs either above or below`]);
  }
  if (kind === 'window' && threshold.window === undefined) {
    problems.push([undefined, `signal ${signal} needs window`]);
  }
  if (threshold.within !== undefined && threshold.within > WITHIN_MS_MAX) {
    problems.push(['within', 'must be at most 1h: the samples tell no more']);
  }
  if (kind === 'window' && above === undefined && signal !== 'log.anomaly') {
    problems.push([undefined, `signal ${signal} needs above`]);
  }
  return problems;
}

function hysteresis({ above, below, clearBelow, clearAbove }: ThresholdFields): Problem[] {
  const problems: Problem[] = [];
  if (clearBelow !== undefined && (above === undefined || clearBelow > above)) {
    problems.push(['clearBelow', 'goes with above, and must not be greater']);
  }
  if (clearAbove !== undefined && (below === undefined || clearAbove < below)) {
    problems.push(['clearAbove', 'goes with below, and must not be smaller']);
  }
  return problems;
}

function equals(threshold: ThresholdFields, signal: SignalName): Problem[] {
  const values = EQUALS[signal];
  const { equals: value } = threshold;
  if (values === undefined || value === undefined || values.includes(value)) return [];
  const near = closest(value, values);
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  return [['equals', `must be one of ${values.join(', ')}${hint}`]];
}
