import { z } from 'zod';
import { closest } from '#lib/edit-distance.ts';
import { API_VERSION, Bound, Duration, Globs, Name, PositiveDuration } from './schema-values.ts';
import { SIGNAL_NAMES } from './signals.ts';
import { checkThreshold } from './threshold-rules.ts';

export { API_VERSION } from './schema-values.ts';

const MatchExpression = z
  .strictObject({
    key: z.string().min(1).describe('Name of the label.'),
    operator: z
      .enum(['In', 'NotIn', 'Exists', 'DoesNotExist'])
      .describe('NotIn also holds where the label is absent.'),
    values: z.array(z.string()).max(64).optional().describe('For In and NotIn.'),
  })
  .superRefine((expression, ctx) => {
    const takesValues = expression.operator === 'In' || expression.operator === 'NotIn';
    const has = (expression.values?.length ?? 0) > 0;
    if (takesValues && !has) {
      ctx.addIssue({ code: 'custom', message: `${expression.operator} needs values` });
    }
    if (!takesValues && expression.values !== undefined) {
      ctx.addIssue({
        code: 'custom',
        path: ['values'],
        message: `${expression.operator} takes no values`,
      });
    }
  });

const Terms = {
  hosts: Globs.optional().describe('Globs over the Docker endpoint’s name.'),
  projects: Globs.optional().describe('Globs over the Compose project.'),
  services: Globs.optional().describe('Globs over the Compose service.'),
  names: Globs.optional().describe('Globs over the container’s name.'),
  images: Globs.optional().describe('Globs over the image reference; * does not cross a slash.'),
  matchLabels: z
    .record(z.string(), z.string())
    .refine((labels) => Object.keys(labels).length > 0, 'must name at least one label')
    .optional()
    .describe('Labels with these values.'),
  matchExpressions: z
    .array(MatchExpression)
    .min(1)
    .max(32)
    .optional()
    .describe('Conditions on labels, all of which must hold.'),
};

export const Selector = z
  .strictObject({
    ...Terms,
    exclude: z
      .strictObject(Terms)
      .optional()
      .describe('A workload for which any of these fields matches is not selected.'),
  })
  .refine((selector) => Object.keys(selector).some((field) => field !== 'exclude'), {
    message: 'must name at least one field: an empty selector would govern every container',
  })
  .describe('Which workloads are governed: every field that is given must match.');
export type Selector = z.infer<typeof Selector>;

const Expected = z
  .strictObject({
    project: z.string().min(1).optional().describe('Compose project; with service.'),
    service: z.string().min(1).optional().describe('Compose service; with project.'),
    name: z.string().min(1).optional().describe('Container name, for containers outside Compose.'),
    count: z.int().min(1).max(1000).default(1).describe('How many there must be.'),
  })
  .superRefine(({ project, service, name, count }, ctx) => {
    const compose = project !== undefined && service !== undefined;
    const partial = (project === undefined) !== (service === undefined);
    if (partial || compose === (name !== undefined)) {
      ctx.addIssue({ code: 'custom', message: 'needs either project and service, or name' });
    } else if (name !== undefined && count > 1) {
      ctx.addIssue({ code: 'custom', path: ['count'], message: 'a name is there only once' });
    }
  });

const Severity = z
  .enum(['warning', 'critical'])
  .describe('critical makes the workload count as unhealthy in budgets.');
export type Severity = z.infer<typeof Severity>;

export const Probe = z.strictObject({
  port: z.int().min(1).max(65535).describe('The port inside the container.'),
  scheme: z.enum(['http', 'https']).default('http').describe('For probe.http.'),
  path: z.string().startsWith('/').default('/').describe('For probe.http.'),
  status: z
    .array(z.int().min(100).max(599))
    .min(1)
    .optional()
    .describe('Accepted answers; any of 200 to 399 unless given.'),
  interval: PositiveDuration.prefault('10s').describe('From one attempt to the next.'),
  timeout: PositiveDuration.prefault('2s').describe('Of one attempt.'),
  failureThreshold: z.int().min(1).max(100).default(3).describe('Failures in a row to count.'),
});
export type Probe = z.infer<typeof Probe>;

export const Threshold = z
  .strictObject({
    name: Name.describe('What actions and metrics call it.'),
    signal: z.enum(SIGNAL_NAMES).optional().describe('What is measured; or use `when`.'),
    when: z
      .string()
      .min(1)
      .max(2000)
      .optional()
      .describe('A CEL expression that is true when something is wrong; instead of `signal`.'),
    equals: z
      .string()
      .optional()
      .describe('For health (healthy, unhealthy, starting) and state (running, exited, …).'),
    nonZero: z.boolean().optional().describe('For exit: only exit codes other than 0.'),
    exitCodes: z.array(z.int().min(0).max(255)).min(1).optional().describe('For exit: only these.'),
    above: Bound.optional().describe('Breached above this; for bytes also as 512m or 1Gi.'),
    below: Bound.optional().describe('Breached below this.'),
    clearBelow: Bound.optional().describe('With above: where it clears.'),
    clearAbove: Bound.optional().describe('With below: where it clears.'),
    within: PositiveDuration.optional().describe(
      'For memory.trend and pids.trend: breached when the limit is reached within this, if use ' +
        'grows on as it did in the last minutes; clears when it is more than twice as far away.',
    ),
    for: Duration.optional().describe('How long it must hold before it counts; 0s unless given.'),
    window: PositiveDuration.optional().describe('For window signals: the span that is counted.'),
    pattern: z.string().min(1).max(1000).optional().describe('For log.matches: RE2 syntax.'),
    path: z.string().startsWith('/').optional().describe('For disk.writable: a directory.'),
    probe: Probe.optional().describe('For probe.http and probe.tcp.'),
    severity: Severity,
  })
  .superRefine(checkThreshold)
  .describe('One way in which a workload can be wrong.');
export type Threshold = z.infer<typeof Threshold>;

const Limit = z.strictObject({
  max: z.int().min(1).max(1000).describe('Starts.'),
  per: PositiveDuration.describe('A rolling window.'),
});

export const RemediationAction = z.strictObject({
  name: Name.describe('Attempts, cooldowns and limits are kept by it.'),
  tool: z
    .string()
    .regex(/^[a-z0-9][-a-z0-9]*\/[A-Za-z0-9_][-A-Za-z0-9_.]*$/, 'must be server/tool')
    .describe('`docker/…` is built in; other servers are those of the SentinelConfig.'),
  on: z
    .array(Name)
    .min(1)
    .optional()
    .describe('Thresholds that it answers to; all but trends and log-derived ones unless given.'),
  arguments: z
    .record(z.string(), z.json())
    .default({})
    .describe('Literals, or {$expr: CEL}, {$oneOf: [...]}, {$target: FIELD}, {$secret: NAME}.'),
  cooldown: Duration.prefault('2m').describe('Rest of this action on one workload after a start.'),
  limit: Limit.prefault({ max: 3, per: '1h' }).describe('Most starts on one workload.'),
  approval: z
    .enum(['Required', 'NotRequired'])
    .default('NotRequired')
    .describe('Required: a person is asked, also in mode Auto.'),
});
export type RemediationAction = z.infer<typeof RemediationAction>;

const MinHealthy = z
  .string()
  .regex(/^(?:100|[1-9]?\d)%$/, 'must be a whole percentage such as 50%')
  .transform((text) => Number.parseInt(text, 10) / 100)
  .describe('Share of the other governed workloads that must be healthy.');

const DenyWindow = z
  .string()
  .max(128)
  .describe('Five cron fields, the length, and a zone: `0 9 * * 1-5 / 8h Europe/Berlin`.');

const Mode = z
  .enum(['Shadow', 'Approve', 'Auto', 'Off'])
  .describe(
    'Shadow: decide and record, do nothing. Approve: ask a person before each action. Auto: act. ' +
      'Off: leave alone what it governs.',
  );
export type Mode = z.infer<typeof Mode>;

/** More could not be counted: so many openings of a policy are remembered. */
export const STORM_ABOVE_MAX = 500;

export const Remediation = z.strictObject({
  mode: Mode.default('Shadow'),
  allowed: z
    .array(RemediationAction)
    .max(32)
    .prefault([])
    .describe('The ladder, in order. What is not here is never done.'),
  backoff: z
    .strictObject({
      initial: PositiveDuration.prefault('30s').describe('After the first attempt.'),
      factor: z.number().min(1).max(100).default(2).describe('Growth with each further one.'),
      max: PositiveDuration.prefault('15m').describe('It grows no longer than this.'),
    })
    .refine(({ initial, max }) => initial <= max, { path: ['initial'], message: 'exceeds max' })
    .prefault({})
    .describe('Rest between attempts on one workload, whatever the action.'),
  budget: z
    .strictObject({
      maxConcurrent: z.int().min(1).max(1000).default(1).describe('Intents not yet verified.'),
      minHealthy: MinHealthy.optional(),
    })
    .prefault({})
    .describe('How much may be touched at once.'),
  storm: z
    .strictObject({
      above: z.int().min(1).max(STORM_ABOVE_MAX).default(5).describe('Incidents.'),
      within: PositiveDuration.prefault('1m').describe('A rolling window.'),
      coolFor: PositiveDuration.prefault('10m').describe('How long actions are held.'),
    })
    .prefault({})
    .describe('More incidents than `above` within `within`: hold every action for `coolFor`.'),
  verify: z
    .strictObject({
      within: PositiveDuration.prefault('90s').describe(
        'Deadline to be well, from the end of the action. What is well then may go on to prove ' +
          'itself for healthyFor; what is not has failed. It is later where Docker itself takes ' +
          'longer to find the container unhealthy (start period, retries), where startPeriod hides ' +
          'the trigger, or where a threshold is not known until its window has passed.',
      ),
      healthyFor: PositiveDuration.prefault('15s').describe(
        'It must be well for as long, without a break, also beyond within.',
      ),
      onFailure: z
        .enum(['Rollback', 'Next', 'Escalate'])
        .default('Next')
        .describe(
          'Rollback: undo the change if the tool can, then as Next. Next: the next rung, after the ' +
            'last one as Escalate. Escalate: tell people.',
        ),
    })
    .prefault({})
    .describe('How an action is found to have helped, by looking, not by asking the tool.'),
  windows: z
    .strictObject({
      deny: z
        .array(DenyWindow)
        .max(32)
        .default([])
        .describe('cron / length zone; UTC unless given.'),
    })
    .prefault({})
    .describe('When nothing is done.'),
  approvalTimeout: PositiveDuration.prefault('1h').describe('When an unanswered request expires.'),
  allowLogTriggered: z
    .boolean()
    .default(false)
    .describe('Whether log lines alone, which anyone can write, may set an action off.'),
});
export type Remediation = z.infer<typeof Remediation>;

const Routes = z
  .array(z.string().regex(/^[a-z0-9][-a-z0-9]*\/[-A-Za-z0-9_.:/]+$/, 'must be provider/model'))
  .max(8)
  .default([]);

const DECISION_TIMEOUT_MAX_MS = 10 * 60_000;

const ModelRouting = z.strictObject({
  triage: Routes.describe('For suspicious log windows: tried in order, none switches it off.'),
  rootCause: Routes.describe('For the cause of an incident.'),
  explain: Routes.describe('For the explanation in plain words.'),
  choose: z
    .enum(['Ladder', 'Model'])
    .default('Ladder')
    .describe(
      'Who picks the first attempt among what is permitted; the ladder whenever the model does not.',
    ),
  decisionTimeout: PositiveDuration.refine(
    (durationMs) => durationMs <= DECISION_TIMEOUT_MAX_MS,
    'must be at most 10m: the first attempt waits for it',
  )
    .prefault('20s')
    .describe('How long the first attempt of an incident waits for a model, from its opening.'),
  minConfidence: z
    .number()
    .min(0)
    .max(1)
    .default(0.6)
    .describe('Below this the ladder decides, not the model.'),
  budget: z
    .strictObject({
      tokensPerHour: z.int().min(0).max(100_000_000).default(200_000).describe('In and out.'),
      usdPerDay: z.number().min(0).max(10_000).default(2).describe('By the configured prices.'),
    })
    .prefault({})
    .describe('What models may cost for this policy; beyond it, rules alone.'),
});

const Diagnosis = z.strictObject({
  logLines: z.int().min(0).max(5000).default(500).describe('Newest lines kept as evidence.'),
  composeFile: z
    .string()
    .regex(/\.ya?ml$/, 'must be a .yaml or .yml file')
    .optional()
    .describe('Context for the model, redacted; relative to the file of the policy.'),
  investigate: z
    .strictObject({
      tools: z.array(z.string()).max(16).default([]).describe('Tools that only read.'),
      maxSteps: z.int().min(0).max(16).default(4).describe('Calls for one incident.'),
    })
    .optional()
    .describe('What the model may look up by itself.'),
});

export const PolicySpec = z.strictObject({
  selector: Selector,
  priority: z
    .int()
    .min(-1000)
    .max(1000)
    .default(0)
    .describe(
      'Of all policies that select a workload, the highest governs it, whole. Where several are ' +
        'tied, none does: nothing is watched or done until one is raised, or the label ' +
        '`sre-sentinel.policy` on the container names one of them.',
    ),
  expected: z
    .array(Expected)
    .max(256)
    .default([])
    .describe('Workloads that must exist: what `absent` is measured against.'),
  startPeriod: Duration.prefault('30s').describe('Grace after each start of a container.'),
  thresholds: z.array(Threshold).min(1).max(64).describe('What is wrong.'),
  remediation: Remediation.prefault({}).describe('What may be done about it.'),
  modelRouting: ModelRouting.prefault({}).describe('Which language models are asked, if any.'),
  diagnosis: Diagnosis.prefault({}).describe('What a diagnosis is made from.'),
  notify: z.array(Name).max(16).default([]).describe('Notifiers of the SentinelConfig, by name.'),
});
export type PolicySpec = z.infer<typeof PolicySpec>;

export const SentinelPolicy = z
  .strictObject({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal('SentinelPolicy'),
    metadata: z.strictObject({
      name: Name.describe('Unique among all policies.'),
      labels: z.record(z.string(), z.string()).default({}).describe('For people and tools.'),
      annotations: z.record(z.string(), z.string()).default({}).describe('For people and tools.'),
    }),
    spec: PolicySpec,
  })
  .superRefine(checkReferences);
export type SentinelPolicy = z.infer<typeof SentinelPolicy>;

/** Names are unique in their list, and `on` names thresholds that exist. */
function checkReferences(
  { spec }: { readonly spec: PolicySpec },
  ctx: z.core.$RefinementCtx<unknown>,
): void {
  const refuse = (path: (string | number)[], message: string) =>
    ctx.addIssue({ code: 'custom', path: ['spec', ...path], message });
  const { allowed } = spec.remediation;
  const thresholds = new Set<string>();
  const actions = new Set<string>();

  spec.thresholds.forEach(({ name, signal }, index) => {
    if (thresholds.has(name)) {
      refuse(['thresholds', index, 'name'], `threshold ${name} is already defined`);
    }
    thresholds.add(name);
    if (signal === 'absent' && spec.expected.length === 0) {
      refuse(['thresholds', index, 'signal'], 'absent needs spec.expected to be measured against');
    }
  });
  allowed.forEach((action, index) => {
    const path = ['remediation', 'allowed', index];
    if (actions.has(action.name)) {
      refuse([...path, 'name'], `action ${action.name} is already defined`);
    }
    actions.add(action.name);
    action.on?.forEach((name, at) => {
      if (!thresholds.has(name)) {
        const near = closest(name, thresholds);
        const hint =
          near === undefined ? `there are: ${[...thresholds].join(', ')}` : `did you mean ${near}?`;
        refuse([...path, 'on', at], `no threshold is called ${name}; ${hint}`);
      }
    });
  });
}
