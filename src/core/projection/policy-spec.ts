import type { CompiledPolicy } from '#core/policy/compile.ts';
import { formatDuration } from '#lib/duration.ts';

type Spec = CompiledPolicy['spec'];
type Json = Readonly<Record<string, unknown>>;

/**
 * The spec in force as people write it, defaults filled in: what the policy holds in milliseconds
 * and as a ratio is a duration and a percentage again, so that it could stand in a file.
 */
export function policySpec(spec: Spec): Record<string, unknown> {
  const { remediation, modelRouting } = spec;
  const { minHealthy } = remediation.budget;
  return structuredClone({
    ...durations(spec, 'startPeriod'),
    thresholds: spec.thresholds.map((threshold) => ({
      ...durations(threshold, 'within', 'for', 'window'),
      ...(threshold.probe === undefined
        ? {}
        : { probe: durations(threshold.probe, 'interval', 'timeout') }),
    })),
    remediation: {
      ...durations(remediation, 'approvalTimeout'),
      allowed: remediation.allowed.map((action) => ({
        ...durations(action, 'cooldown'),
        limit: durations(action.limit, 'per'),
      })),
      backoff: durations(remediation.backoff, 'initial', 'max'),
      budget: {
        ...remediation.budget,
        ...(minHealthy === undefined ? {} : { minHealthy: `${Math.round(minHealthy * 100)}%` }),
      },
      storm: durations(remediation.storm, 'within', 'coolFor'),
      verify: durations(remediation.verify, 'within', 'healthyFor'),
    },
    modelRouting: durations(modelRouting, 'decisionTimeout'),
  });
}

/** The same members, those that are named written as durations. */
function durations<Value extends object>(value: Value, ...names: (keyof Value & string)[]): Json {
  const written = names.flatMap((name) => {
    const ms = value[name];
    return typeof ms === 'number' ? [[name, formatDuration(ms)] as const] : [];
  });
  return { ...value, ...Object.fromEntries(written) };
}
