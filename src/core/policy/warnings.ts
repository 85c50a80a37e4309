import { formatDuration } from '#lib/duration.ts';
import { closest } from '#lib/edit-distance.ts';
import type { JsonObject } from '#lib/json.ts';
import { compileArguments } from './arguments.ts';
import type {
  CompileContext,
  CompiledAction,
  CompiledPolicy,
  CompiledThreshold,
} from './compiled.ts';
import type { Finding } from './problems.ts';
import { stagesOf } from './routes.ts';
import { signalFacts } from './signals.ts';

/**
 * What is valid, and yet probably not what was meant.
 *
 * @param endlessWindows positions of deny windows that never end
 */
export function policyWarnings(
  policy: CompiledPolicy,
  context: CompileContext,
  endlessWindows: readonly number[],
): Finding[] {
  return [
    ...selectorWarnings(policy),
    ...thresholdWarnings(policy),
    ...verifyWarnings(policy),
    ...policy.actions.flatMap((action, index) =>
      actionWarnings(policy, action, context).map((finding) => ({
        ...finding,
        path: ['spec', 'remediation', 'allowed', index, ...finding.path],
      })),
    ),
    ...remediationWarnings(policy, context),
    ...endlessWindows.map((index) => ({
      path: ['spec', 'remediation', 'windows', 'deny', index],
      message: 'never ends: nothing would ever be done',
    })),
    ...routingWarnings(policy, context),
    ...notifyWarnings(policy, context),
  ];
}

function selectorWarnings({ spec }: CompiledPolicy): Finding[] {
  const { hosts, projects, services, names, images, matchLabels, matchExpressions } = spec.selector;
  const byLabels = matchLabels !== undefined || matchExpressions !== undefined;
  // A field that takes everything narrows nothing.
  const isNarrowed = [hosts, projects, services, names, images].some(
    (globs) => globs !== undefined && !globs.some((glob) => /^\*+$/.test(glob)),
  );
  if (!byLabels || isNarrowed || spec.remediation.mode === 'Off') return [];
  const message =
    'selects by labels alone: whoever may set a label on a container, an image’s author included, ' +
    'can put it under this policy; name projects, names, images or hosts as well';
  return [{ path: ['spec', 'selector'], part: 'key', message }];
}

function thresholdWarnings({ thresholds }: CompiledPolicy): Finding[] {
  return thresholds.flatMap((threshold, index): Finding[] => {
    const path = ['spec', 'thresholds', index];
    const { signal, above, compiledPattern } = threshold;
    const [never] = comparisonWarnings(threshold);
    if (never !== undefined) return [{ path: [...path, 'when'], message: never }];
    if (compiledPattern?.matches('') === true) {
      return [{ path: [...path, 'pattern'], message: 'matches the empty text, so every line' }];
    }
    const isRatio = signal !== undefined && signalFacts(signal).unit === 'ratio';
    if (isRatio && above !== undefined && above >= 1) {
      const message = `${signal} is a ratio, which does not rise above 1: write 0.9 for 90 %`;
      return [{ path: [...path, 'above'], message }];
    }
    return [];
  });
}

/** What Docker may say, in the words of its API; an expression can compare with nothing else. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  health: ['starting', 'healthy', 'unhealthy'],
  state: ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'],
};

function comparisonWarnings({ reads }: CompiledThreshold): string[] {
  return reads.comparisons.flatMap(({ fact, text }) => {
    const known = Object.hasOwn(WORDS, fact) ? WORDS[fact] : undefined;
    if (known === undefined || known.includes(text)) return [];
    const near = closest(text, known);
    const hint = near === undefined ? '' : `; did you mean ${near}?`;
    return [`${fact} is never "${text}"; it is one of ${known.join(', ')}${hint}`];
  });
}

function verifyWarnings({ spec, thresholds, actions }: CompiledPolicy): Finding[] {
  const { within, healthyFor } = spec.remediation.verify;
  const path = ['spec', 'remediation', 'verify', 'healthyFor'];
  if (actions.length === 0) return [];
  if (healthyFor >= within) {
    const message =
      `is not shorter than within (${formatDuration(within)}): what does not help is given up ` +
      'sooner than what helps is known to have helped';
    return [{ path, message }];
  }
  // Of another trigger something is seen at once; a count begins anew when the action has ended.
  const counted = thresholds.filter(
    ({ name, window = 0, logDerived }) =>
      window > healthyFor &&
      (!logDerived || spec.remediation.allowLogTriggered) &&
      actions.some(
        ({ on }) => on.includes(name) && on.every((other) => isCounted(thresholds, other)),
      ),
  );
  return counted.map(({ name, window = 0 }) => ({
    path,
    message:
      `is shorter than the ${formatDuration(window)} over which ${name} is counted: what comes ` +
      'back more slowly passes for mended',
  }));
}

function isCounted(thresholds: readonly CompiledThreshold[], wanted: string): boolean {
  return thresholds.some(({ name, window }) => name === wanted && window !== undefined);
}

function actionWarnings(
  { spec, thresholds }: CompiledPolicy,
  action: CompiledAction,
  { tool, enabledTools = [], servers }: CompileContext,
): Finding[] {
  const findings: Finding[] = [];
  const triggers = thresholds.filter(({ name }) => action.on.includes(name));
  const { mode, allowLogTriggered } = spec.remediation;
  if (triggers.length === 0) {
    findings.push({ path: [], message: 'can never be eligible: no threshold is left for it' });
  } else if (!allowLogTriggered && triggers.every(({ logDerived }) => logDerived)) {
    const message =
      'can never be eligible: every threshold in on is derived from logs, and allowLogTriggered ' +
      'is false';
    findings.push({ path: ['on'], message });
  }
  if (action.approval === 'Required' && mode === 'Shadow') {
    findings.push({ path: ['approval'], message: 'has no effect in mode Shadow' });
  }
  const needsEnable = tool(action.tool)?.needsEnable === true;
  if (needsEnable && !enabledTools.includes(action.tool)) {
    const message = `${action.tool} must also be named in tools.enable of the SentinelConfig`;
    findings.push({ path: ['tool'], message });
  }
  return [...findings, ...serverWarnings(action, servers), ...schemaWarnings(action, tool)];
}

/** Arguments that a tool of another server would not take; its candidates are refused. */
function schemaWarnings(action: CompiledAction, tool: CompileContext['tool']): Finding[] {
  const description = tool(action.tool);
  if (description === undefined || description.builtin) return [];
  const result = compileArguments(action.arguments as JsonObject, description);
  if (result.ok) return [];
  return result.problems.map((problem) => ({
    ...problem,
    path: ['arguments', ...problem.path],
    message: `${action.tool} will not be called: ${problem.message}`,
  }));
}

function serverWarnings({ tool }: CompiledAction, servers: CompileContext['servers']): Finding[] {
  const [server = ''] = tool.split('/');
  if (server === 'docker' || servers === undefined || servers.includes(server)) return [];
  const known = servers.length === 0 ? 'there is none' : `there are: ${servers.join(', ')}`;
  const message = `no MCP server ${server} is configured, so the tool can never be called (${known})`;
  return [{ path: ['tool'], message }];
}

function remediationWarnings(
  { spec, actions }: CompiledPolicy,
  { tool }: CompileContext,
): Finding[] {
  const { mode, budget, verify } = spec.remediation;
  const path = ['spec', 'remediation'];
  const findings: Finding[] = [];
  if (budget.minHealthy === 1) {
    const message = 'one other unhealthy workload is enough to forbid every action';
    findings.push({ path: [...path, 'budget', 'minHealthy'], message });
  }
  if ((mode === 'Auto' || mode === 'Approve') && actions.length === 0) {
    findings.push({ path: [...path, 'mode'], message: 'has no effect: nothing is allowed' });
  }
  // A tool that is not known yet may be reversible.
  const irreversible = actions.every((action) => tool(action.tool)?.reversible === false);
  if (verify.onFailure === 'Rollback' && irreversible) {
    const message = 'Rollback is the same as Next: no action here can be undone';
    findings.push({ path: [...path, 'verify', 'onFailure'], message });
  }
  return findings;
}

function routingWarnings(policy: CompiledPolicy, { providers }: CompileContext): Finding[] {
  const { modelRouting, diagnosis } = policy.spec;
  const findings: Finding[] = [];
  if (modelRouting.rootCause.length === 0) {
    if (modelRouting.choose === 'Model') {
      const message = 'has no effect: rootCause names no model, so the ladder decides';
      findings.push({ path: ['spec', 'modelRouting', 'choose'], message });
    }
    if (diagnosis.investigate !== undefined) {
      const message =
        'has no effect: modelRouting.rootCause names no model that would look further';
      findings.push({ path: ['spec', 'diagnosis', 'investigate'], part: 'key', message });
    }
  }
  return providers === undefined ? findings : [...findings, ...routeWarnings(policy, providers)];
}

function routeWarnings({ spec }: CompiledPolicy, providers: readonly string[]): Finding[] {
  return stagesOf(spec).flatMap(({ stage, routes }) =>
    routes.flatMap((route, index) => {
      const [provider = ''] = route.split('/', 1);
      if (providers.includes(provider)) return [];
      const near = closest(provider, providers);
      const hint = near === undefined ? '' : `; did you mean ${near}?`;
      const message = `the SentinelConfig names no provider ${provider}, so nobody is asked${hint}`;
      return [{ path: ['spec', 'modelRouting', stage, index], message }];
    }),
  );
}

function notifyWarnings({ spec }: CompiledPolicy, { notifiers }: CompileContext): Finding[] {
  if (notifiers === undefined) return [];
  return spec.notify.flatMap((name, index) =>
    notifiers.includes(name)
      ? []
      : [{ path: ['spec', 'notify', index], message: `there is no notifier ${name}` }],
  );
}
