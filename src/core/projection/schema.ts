import { z } from 'zod';
import { TRIAGE_SEVERITIES, TRIAGE_TYPES } from '#core/incident/incident.ts';
import { API_VERSION } from '#core/policy/schema.ts';

/**
 * The objects that the API serves, the command line shows and Redis carries. One schema is the type
 * and the documentation; field names are public.
 */
const Time = z.string().describe('RFC 3339, UTC.');
const Severity = z.enum(['warning', 'critical']);
const ApiVersion = z.literal(API_VERSION);

export const Condition = z.object({
  type: z.string(),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string().describe('One word in PascalCase.'),
  message: z.string().describe('For people.'),
  lastTransitionTime: Time.describe('When the status last changed.'),
  observedGeneration: z.int().describe('Generation of the policy that it speaks of.'),
});
export type Condition = z.infer<typeof Condition>;

const PolicyReference = z.object({
  name: z.string(),
  generation: z.int(),
  digest: z.string().describe('sha256:… of the canonical policy.'),
  commit: z.string().describe('Where the file came from; empty outside a git checkout.'),
});

const WorkloadReference = z.object({
  key: z.string().describe('HOST/PROJECT/SERVICE/NUMBER, or HOST/NAME outside Compose.'),
  host: z.string(),
  project: z.string().optional(),
  service: z.string().optional(),
  container: z.string().describe('Name of the container.'),
  id: z.string().describe('Id of the container; empty when there is none.'),
  image: z.string(),
});

const Evidence = z.object({
  id: z.string(),
  signal: z.string(),
  value: z.union([z.string(), z.number(), z.boolean(), z.null()]),
  at: Time,
  note: z.string().optional(),
  blob: z.object({ digest: z.string(), bytes: z.int() }).optional(),
});

const Affected = z.object({
  workload: z.string(),
  container: z.string().describe('Id of the container.'),
  name: z.string(),
  state: z.string().describe('Its state when the action was intended.'),
});

const Verification = z.object({
  state: z.enum(['None', 'Pending', 'Passed', 'Failed']),
  at: Time.optional(),
  message: z.string().optional(),
});

const AttemptFields = {
  intent: z.string(),
  candidate: z.string(),
  action: z.string(),
  tool: z.string(),
  trigger: z.string().describe('The threshold that made the action eligible.'),
  affects: z.array(Affected),
  startedAt: Time,
  rollbackOf: z.string().optional().describe('The intent that it undoes.'),
  byModel: z.boolean().optional().describe('A model has picked it among what was permitted.'),
  outcome: z
    .enum(['Succeeded', 'Failed', 'NotExecuted', 'OutcomeUnknown'])
    .optional()
    .describe('Absent while the call is under way.'),
  reason: z.string().optional(),
  message: z.string().optional(),
  endedAt: Time.optional(),
  result: z.record(z.string(), z.unknown()).optional(),
  verification: Verification,
};
const Attempt = z.object(AttemptFields);
export type AttemptObject = z.infer<typeof Attempt>;

const Candidate = z.object({
  id: z.string(),
  action: z.string(),
  tool: z.string(),
  variant: z.int().optional().describe('Which combination of its `$oneOf` options, from 0.'),
  arguments: z.unknown().describe('Redacted; null when they cannot be made.'),
  affects: z.array(z.string()).describe('Workloads, its own first.'),
  verdict: z.enum(['Permitted', 'Refused']),
  blockedBy: z
    .array(z.object({ reason: z.string(), message: z.string() }))
    .describe('Every guard that refuses it, in order.'),
});
export type CandidateObject = z.infer<typeof Candidate>;

const Diagnosis = z.object({
  source: z.enum(['rules', 'model']),
  rootCause: z.string(),
  explanation: z.string(),
  confidence: z.number(),
  evidenceRefs: z.array(z.string()),
  hypotheses: z.array(
    z.object({
      cause: z.string(),
      explanation: z.string(),
      confidence: z.number(),
      evidenceRefs: z.array(z.string()),
      remedy: z.string().optional(),
    }),
  ),
  logLines: z.int().optional().describe('Lines of its log that were at hand.'),
  model: z.string().optional().describe('The model that concluded.'),
  promptDigest: z.string().optional().describe('What it concluded from.'),
  affectedComponents: z.array(z.string()).optional().describe('By a model.'),
  prevention: z.string().optional().describe('By a model.'),
  summary: z.string().optional().describe('For those who are not engineers, in a model’s words.'),
  triage: z
    .object({
      isAnomaly: z.boolean(),
      confidence: z.number(),
      type: z.enum(TRIAGE_TYPES),
      severity: z.enum(TRIAGE_SEVERITIES),
      summary: z.string(),
    })
    .optional()
    .describe('What a fast model made of the unusual lines before.'),
  advice: z
    .object({
      choice: z.string().describe('Id of a candidate, none or escalate.'),
      confidence: z.number(),
    })
    .optional()
    .describe('What a model would do. It permits nothing.'),
  models: z
    .array(
      z.object({
        stage: z.enum(['triage', 'rootCause', 'explain']),
        outcome: z.string(),
        route: z.string().optional(),
        model: z.string().optional(),
        requests: z.int(),
        promptTokens: z.int(),
        completionTokens: z.int(),
        costUsd: z.number().optional().describe('Absent where nobody knows a price.'),
        promptDigest: z.string(),
        message: z.string().optional(),
      }),
    )
    .optional()
    .describe('What models were asked for it, and what that took.'),
  at: Time,
});

export const IncidentObject = z
  .object({
    apiVersion: ApiVersion,
    kind: z.literal('Incident'),
    metadata: z.object({
      name: z.string(),
      uid: z.string(),
      creationTimestamp: Time,
      resourceVersion: z.string().describe('Rises with each change.'),
    }),
    spec: z.object({
      workload: WorkloadReference,
      policy: PolicyReference,
      threshold: z.string().describe('The threshold that opened it.'),
      severity: Severity,
      fingerprint: z.string(),
      evidence: z.array(Evidence),
    }),
    status: z.object({
      phase: z.enum([
        'Open',
        'Diagnosing',
        'AwaitingApproval',
        'Remediating',
        'Verifying',
        'Resolved',
        'Escalated',
      ]),
      summary: z
        .string()
        .describe(
          'For those who are not engineers, in a few sentences of ours, but for one quotation: what ' +
            'a model says of the cause, where one was asked.',
        ),
      conditions: z.array(Condition),
      breached: z.array(z.string()).describe('Every threshold breached since it was last opened.'),
      reopens: z.int(),
      diagnosis: Diagnosis.optional(),
      candidates: z.array(Candidate),
      attempts: z.array(Attempt),
      approval: z
        .object({
          state: z.enum(['Requested', 'Granted', 'Denied', 'Expired']),
          candidate: z.string(),
          tool: z.string().optional(),
          arguments: z.unknown().optional().describe('As they were shown, and would be used.'),
          at: Time,
          by: z.string().optional(),
        })
        .optional(),
      escalations: z.array(z.object({ reason: z.string(), message: z.string(), at: Time })),
      resolvedAt: Time.optional(),
      resolution: z
        .enum(['Remediated', 'SelfRecovered', 'HumanAction', 'WorkloadRemoved', 'PolicyChanged'])
        .optional(),
      timeline: z.array(z.object({ at: Time, event: z.string(), message: z.string() })),
    }),
  })
  .meta({ id: 'Incident' });
export type IncidentObject = z.infer<typeof IncidentObject>;
/** All that an incident is summed up from. */
export type UnsummedIncident = Omit<IncidentObject, 'status'> & {
  readonly status: Omit<IncidentObject['status'], 'summary'>;
};

export const RemediationObject = z
  .object({
    apiVersion: ApiVersion,
    kind: z.literal('Remediation'),
    metadata: z.object({
      name: z.string().describe('The intent’s id.'),
      creationTimestamp: Time,
      resourceVersion: z.string().describe('That of its incident.'),
    }),
    spec: z.object({
      incident: z.string(),
      workload: WorkloadReference,
      policy: z.string(),
      candidate: z.string(),
      action: z.string(),
      tool: z.string(),
      trigger: z.string(),
      affects: z.array(Affected),
      rollbackOf: z.string().optional(),
    }),
    status: z.object({
      phase: z.enum(['Running', 'Verifying', 'Done']),
      outcome: AttemptFields.outcome,
      reason: z.string().optional(),
      message: z.string().optional(),
      endedAt: Time.optional(),
      result: z.record(z.string(), z.unknown()).optional(),
      verification: Verification,
    }),
  })
  .meta({ id: 'Remediation' });
export type RemediationObject = z.infer<typeof RemediationObject>;

const Reading = z.object({
  value: z.number().nullable().describe('null: it is not known.'),
  reason: z.string().optional().describe('Why it is not known.'),
});

export const WorkloadObject = z
  .object({
    apiVersion: ApiVersion,
    kind: z.literal('Workload'),
    metadata: z.object({ name: z.string().describe('The workload key.'), uid: z.string() }),
    spec: z.object({
      host: z.string(),
      project: z.string().optional(),
      service: z.string().optional(),
      number: z.int().optional(),
      container: z.string(),
      image: z.string(),
    }),
    status: z.object({
      governance: z.enum(['Governed', 'Ungoverned', 'PolicyConflict']),
      policy: z.string().optional(),
      policies: z.array(z.string()).optional().describe('Those that tie, in a conflict.'),
      mode: z.string().optional().describe('Shadow for all where the operator says so.'),
      state: z
        .string()
        .describe('Docker’s state; Absent where it is expected, Ambiguous where several claim it.'),
      health: z.string().optional().describe('Absent without a HEALTHCHECK.'),
      exitCode: z.int().optional(),
      error: z.string().optional().describe('Docker’s own words, redacted.'),
      startedAt: Time.optional(),
      restarts: z.int().describe('Starts after a crash that are remembered.'),
      incident: z.string().optional().describe('The open one.'),
      gauges: z.record(z.string(), Reading),
      findings: z
        .array(z.string())
        .describe('What the local detectors make of its gauges and log now, in words; redacted.'),
      conditions: z.array(Condition),
    }),
  })
  .meta({ id: 'Workload' });
export type WorkloadObject = z.infer<typeof WorkloadObject>;

const Problem = z.object({
  file: z.string(),
  line: z.int(),
  column: z.int(),
  path: z.string(),
  message: z.string(),
  severity: z.enum(['error', 'warning']),
});

export const PolicyObject = z
  .object({
    apiVersion: ApiVersion,
    kind: z.literal('SentinelPolicy'),
    metadata: z.object({
      name: z.string(),
      generation: z.int(),
      labels: z.record(z.string(), z.string()),
    }),
    spec: z.record(z.string(), z.unknown()).describe('As it is in force, defaults applied.'),
    status: z.object({
      observedGeneration: z.int(),
      conditions: z.array(Condition),
      lastAppliedRevision: z.string(),
      lastAttemptedRevision: z.string(),
      digest: z.string(),
      file: z.string(),
      mode: z.string().describe('The effective one.'),
      workloads: z.int(),
      openIncidents: z.int(),
      problems: z.array(Problem).describe('Of its file, as last read.'),
    }),
  })
  .meta({ id: 'SentinelPolicy' });
export type PolicyObject = z.infer<typeof PolicyObject>;
export const PolicyFileProblem = Problem.meta({ id: 'PolicyProblem' });
