import { roughly } from '#core/detection/exhaustion.ts';
import { SIGNALS, type SignalName, signalFacts } from '#core/policy/signals.ts';
import type { ThresholdFields } from '#core/policy/threshold-rules.ts';
import { formatBytes } from '#lib/quantity.ts';

/** A threshold of a policy object: as in the policy, with durations as people write them. */
export interface ThresholdSpec
  extends Omit<
    ThresholdFields,
    'signal' | 'within' | 'for' | 'window' | 'pattern' | 'path' | 'probe'
  > {
  readonly name: string;
  readonly signal?: string | undefined;
  readonly within?: string | undefined;
  readonly for?: string | undefined;
  readonly window?: string | undefined;
  readonly severity?: string | undefined;
}

/** `above 90 % for 1m, until below 80 %`: what a threshold asks for; empty for what says it itself. */
export function limitWords(threshold: ThresholdSpec): string {
  const { signal, above, below, clearBelow, clearAbove, window, when } = threshold;
  const show = (value: number) => valueWords(signal ?? '', value);
  const parts = [
    ...(above === undefined ? [] : [`above ${show(above)}`]),
    ...(below === undefined ? [] : [`below ${show(below)}`]),
    ...(threshold.within === undefined ? [] : [`limit reached within ${threshold.within}`]),
    ...(window === undefined ? [] : [`within ${window}`]),
    ...(threshold.for === undefined ? [] : [`for ${threshold.for}`]),
  ];
  const clears = [
    ...(clearBelow === undefined ? [] : [`until below ${show(clearBelow)}`]),
    ...(clearAbove === undefined ? [] : [`until above ${show(clearAbove)}`]),
  ];
  if (when !== undefined) return `when ${when}`;
  return [parts.join(' '), ...clears].filter((part) => part !== '').join(', ');
}

/** A value with its unit, as a person reads it. */
export function valueWords(signal: string, value: string | number | boolean | null): string {
  if (value === null) return 'not known';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return value;
  if (signal === 'container.memoryLimit') return formatBytes(value);
  const unit = isSignal(signal) ? signalFacts(signal).unit : undefined;
  return unit === undefined ? String(value) : UNITS[unit](value);
}

const UNITS = {
  ratio: (value: number) => `${Number((value * 100).toPrecision(3))} %`,
  bytes: formatBytes,
  bytesPerSecond: (value: number) => `${formatBytes(value)}/s`,
  perSecond: (value: number) => `${Number(value.toPrecision(3))}/s`,
  count: String,
  duration: (value: number) => (value === 0 ? 'at the limit' : `${roughly(value)} from the limit`),
} as const;

function isSignal(name: string): name is SignalName {
  return Object.hasOwn(SIGNALS, name);
}
