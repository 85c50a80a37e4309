import type { PolicyRef } from '#core/journal/record.ts';
import { formatProblem, type PolicyProblem } from '#core/policy/problems.ts';
import { REFUSAL_REASONS } from '#core/remediation/refusal.ts';
import { splitToolName } from '#core/remediation/tools.ts';
import { forgetSeries } from './forget-series.ts';
import { ESCALATION_REASONS, OUTCOMES } from './label-values.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';

/** What is told of a policy in force. */
export interface LoadedPolicy extends PolicyRef {
  readonly actions: readonly { readonly name: string; readonly tool: string }[];
}

/** What is told of a load of the policies. */
export interface PolicyLoad {
  readonly policies: readonly LoadedPolicy[];
  readonly problems: readonly PolicyProblem[];
  readonly warnings: readonly PolicyProblem[];
  readonly loadedOk: boolean;
  readonly isKnown: boolean;
  readonly keptSince?: string;
}

/** Follows the policy folder: what is in force, and what is wrong with it. */
export function policyTelemetry(metrics: Metrics, log: Logger): (load: PolicyLoad) => void {
  let known: readonly string[] = [];
  return (set) => {
    const names = set.policies.map(({ name }) => name);
    // A removed policy leaves no series behind.
    for (const name of known.filter((one) => !names.includes(one))) {
      void forgetSeries(metrics.registry, 'policy', name);
    }
    known = names;
    metrics.policyReloads.inc({ result: set.loadedOk ? 'success' : 'failure' });
    metrics.policyInfo.reset();
    for (const policy of set.policies) {
      const { name, digest, commit } = policy;
      metrics.policyInfo.set({ policy: name, digest, commit }, 1);
      beginSeries(metrics, policy);
    }
    for (const problem of set.problems) log.error(fields(problem), 'a policy is invalid');
    for (const warning of set.warnings) log.warn(fields(warning), 'a policy is doubtful');
    if (!set.isKnown) {
      log.error('no policies could be loaded: nothing is watched or done until they can be');
    } else if (set.keptSince !== undefined) {
      const message = 'the policies could not be loaded: those of an earlier run are in force';
      log.warn({ policies: names, since: set.keptSince }, message);
    } else if (!set.loadedOk) {
      log.error({ policies: names }, 'the last good policies stay in force');
    }
  };
}

/** A series that begins at one has not increased: the first escalation would alert nobody. */
function beginSeries(metrics: Metrics, { name: policy, actions }: LoadedPolicy): void {
  for (const reason of ESCALATION_REASONS) metrics.escalations.inc({ policy, reason }, 0);
  for (const reason of REFUSAL_REASONS) metrics.blocked.inc({ policy, reason }, 0);
  for (const { name: action, tool: fullName } of actions) {
    const [server, tool] = splitToolName(fullName);
    for (const outcome of OUTCOMES) {
      metrics.remediations.inc({ policy, action, outcome }, 0);
      metrics.mcpCalls.inc({ server, tool, outcome }, 0);
    }
  }
}

function fields(problem: PolicyProblem): object {
  return { problem: formatProblem(problem) };
}
