import type { PolicyRef } from '#core/journal/record.ts';
import { formatProblem, type PolicyProblem } from '#core/policy/problems.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';

/** What is told of a load of the policies. */
export interface PolicyLoad {
  readonly policies: readonly PolicyRef[];
  readonly problems: readonly PolicyProblem[];
  readonly warnings: readonly PolicyProblem[];
  readonly loadedOk: boolean;
}

/** Follows the policy folder: what is in force, and what is wrong with it. */
export function policyTelemetry(metrics: Metrics, log: Logger): (load: PolicyLoad) => void {
  return (set) => {
    metrics.policyReloads.inc({ result: set.loadedOk ? 'success' : 'failure' });
    metrics.policyInfo.reset();
    for (const { name, digest, commit } of set.policies) {
      metrics.policyInfo.set({ policy: name, digest, commit }, 1);
    }
    for (const problem of set.problems) log.error(fields(problem), 'a policy is invalid');
    for (const warning of set.warnings) log.warn(fields(warning), 'a policy is doubtful');
    if (!set.loadedOk) {
      log.error(
        { policies: set.policies.map(({ name }) => name) },
        'the last good policies stay in force',
      );
    }
  };
}

function fields(problem: PolicyProblem): object {
  return { problem: formatProblem(problem) };
}
