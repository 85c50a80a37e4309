import { ADVICE, LASTING } from '#core/diagnosis/catalogue.ts';
import { refusalWords } from './refusal-words.ts';
import type { CandidateObject, IncidentObject } from './schema.ts';

type Status = IncidentObject['status'];

/** Reasons that pass by time alone; a person who does nothing does right. */
const PASSING = new Set([
  'DeploymentInProgress',
  'EngineRestarting',
  'Settling',
  'ActionInFlight',
  'DeniedWindow',
  'Backoff',
  'Cooldown',
]);

/** What a person can do now, the most useful first. Each is a whole sentence. */
export function nextSteps(incident: IncidentObject): string[] {
  const { status, metadata } = incident;
  if (status.phase === 'Resolved') return afterResolution(incident);
  const steps = [
    ...decision(incident),
    ...advised(status),
    ...(status.phase === 'Escalated' ? afterEscalation(incident) : []),
    ...remedies(incident),
    ...mending(incident),
    ...looking(incident),
  ];
  return [...new Set(steps.length === 0 ? missing(incident) : steps)].map((step) =>
    step.replaceAll('INCIDENT', metadata.name),
  );
}

/**
 * Whether the ladder has passed a candidate by trying it. Of the variants of one action each has an
 * id of its own; a container that was recreated gives the same action another id.
 */
export function wasTried(
  { attempts, candidates, timeline }: Pick<Status, 'attempts' | 'candidates' | 'timeline'>,
  { id, action }: Pick<CandidateObject, 'id' | 'action'>,
): boolean {
  const since = timeline.findLast(({ event }) => event === 'Reopened')?.at ?? '';
  const hasVariants = candidates.filter((one) => one.action === action).length > 1;
  return attempts.some(
    (attempt) =>
      attempt.startedAt >= since &&
      attempt.rollbackOf === undefined &&
      attempt.outcome !== 'NotExecuted' &&
      (attempt.candidate === id || (!hasVariants && attempt.action === action)),
  );
}

/** What people were told of the action that is under way: it may not end by itself. */
export function hangingWords({
  phase,
  attempts,
  escalations,
}: Pick<Status, 'phase' | 'attempts' | 'escalations'>): string | undefined {
  const last = attempts.at(-1);
  if (phase !== 'Remediating' || last === undefined) return undefined;
  return escalations.findLast(({ at }) => at > last.startedAt)?.message;
}

function decision({ status, metadata }: IncidentObject): string[] {
  const { approval } = status;
  if (hangingWords(status) !== undefined) {
    return ['See why the engine does not answer (its log says): Sentinel goes on when it does.'];
  }
  if (status.phase === 'Remediating' || status.phase === 'Verifying') {
    return ['Wait: what is under way ends by itself, and you are told if it does not help.'];
  }
  if (approval?.state !== 'Requested') return [];
  const { name } = metadata;
  const { candidate } = approval;
  // By its id, so that the answer is to what was read here and to nothing that has taken its place.
  return [
    `Decide about ${candidate}: sentinel approve ${name} --candidate ${candidate}, or sentinel deny ${name} --reason TEXT.`,
  ];
}

/** Nothing depends on it: Sentinel goes on. */
function advised({ escalations, timeline }: Status): string[] {
  const since = timeline.findLast(({ event }) => event === 'Reopened')?.at ?? '';
  const last = escalations.findLast(({ at }) => at >= since);
  return last?.reason === 'ModelAdvice' ? [LOOK_BY_ADVICE] : [];
}

/** What a person can do of whom a model thinks that they should look. */
const LOOK_BY_ADVICE =
  'Have a look: a model thinks that a person should. Sentinel goes on with its ladder meanwhile.';

function afterEscalation({ status, spec }: IncidentObject): string[] {
  const { reason } = status.escalations.at(-1) ?? {};
  const { container } = spec.workload;
  const steps = ESCALATION_STEPS[reason ?? '']?.map((step) => step.replaceAll('NAME', container));
  return steps ?? [];
}

const ESCALATION_STEPS: Readonly<Record<string, readonly string[]>> = {
  LadderExhausted: [
    'Everything that the policy allows was tried. Mend the cause, then start it: docker restart NAME.',
  ],
  LimitReached: [
    'Mend the cause, then start it: docker restart NAME. Sentinel acts again when it has stayed well for 10 minutes.',
  ],
  VerificationFailed: ['Mend the cause, then start it: docker restart NAME.'],
  Blocked: ['See what stands in the way: Sentinel goes on by itself when it is gone.'],
  ForeignEvent: [
    'Somebody or something else acted on NAME at the same moment; find out who before anything else.',
  ],
  HumanAction: ['If it was removed on purpose, take it out of `expected` in the policy.'],
};

/** Each remedy once, however many candidates are refused for the same reason. */
function remedies({ status }: IncidentObject): string[] {
  const secret = missingSecret(status);
  if (secret !== undefined) return [secret];
  const { phase, approval } = status;
  const isActing = phase === 'Remediating' || phase === 'Verifying';
  const told = new Set([
    ...(phase === 'Escalated' ? ['LimitReached'] : []),
    ...(approval?.state === 'Requested' || isActing ? ['ApprovalRequired'] : []),
  ]);
  if (endsByItself(status) && (phase === 'Open' || phase === 'Diagnosing')) {
    return ['Nothing needs to be done: Sentinel goes on by itself when the time has come.'];
  }
  return refusedFor(status)
    .filter((reason) => !told.has(reason))
    .flatMap((reason) => refusalWords(reason).remedy ?? []);
}

/** All that keeps Sentinel from acting passes by time alone. */
export function endsByItself(status: Pick<Status, 'attempts' | 'candidates' | 'timeline'>) {
  const reasons = refusedFor(status);
  return reasons.length > 0 && reasons.every((reason) => PASSING.has(reason));
}

function refusedFor(status: Pick<Status, 'attempts' | 'candidates' | 'timeline'>): string[] {
  return status.candidates
    .filter((candidate) => !wasTried(status, candidate))
    .flatMap(({ blockedBy }) => blockedBy.map(({ reason }) => reason));
}

/** An argument names a secret that the operator was not given: no waiting mends that. */
function missingSecret({ attempts, candidates }: Status): string | undefined {
  const last = attempts.at(-1);
  const messages = candidates.flatMap(({ blockedBy }) => blockedBy.map(({ message }) => message));
  if (last?.outcome === 'NotExecuted') messages.push(last.message ?? '');
  const name = messages
    .map((message) => /^secret (?<name>\S+) is not set$/.exec(message)?.groups?.['name'])
    .find((found) => found !== undefined);
  return (
    name &&
    `Set the environment variable ${name} of Sentinel itself (or ${name}_FILE, the path of a file that holds it), and start Sentinel anew.`
  );
}

function mending({ status, spec }: IncidentObject): string[] {
  // The cause may be a model's word.
  const cause = status.diagnosis?.rootCause ?? '';
  const step = Object.hasOwn(ADVICE, cause) ? ADVICE[cause] : undefined;
  return step === undefined ? [] : [step.replaceAll('NAME', spec.workload.container)];
}

function looking({ spec }: IncidentObject): string[] {
  const { container, id } = spec.workload;
  return id === '' ? [] : [`Read its log: docker logs --tail 100 ${container}.`];
}

/** Nothing else is left to say of a container that is not there. */
function missing({ spec }: IncidentObject): string[] {
  const { project, service, container } = spec.workload;
  const start =
    project === undefined || service === undefined
      ? `Start ${container} again by hand`
      : `Start it again with its Compose file: docker compose -p ${project} up -d ${service}`;
  return [
    `${start}, or take it out of \`expected\` in the policy.`,
    'See what is on record: sentinel describe incident INCIDENT.',
  ];
}

function afterResolution(incident: IncidentObject): string[] {
  const again = ['Remediated', 'SelfRecovered'].includes(incident.status.resolution ?? '')
    ? ['Nothing needs to be done. If it happens again within 10 minutes, this incident goes on.']
    : ['Nothing needs to be done.'];
  return LASTING.has(incident.status.diagnosis?.rootCause ?? '')
    ? [...again, ...mending(incident)]
    : again;
}
