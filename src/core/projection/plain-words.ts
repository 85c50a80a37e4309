import { LASTING } from '#core/diagnosis/catalogue.ts';
import { plainCause } from '#core/diagnosis/plain-causes.ts';
import { shadowWords } from '#core/remediation/call-words.ts';
import { counted } from '#lib/counted.ts';
import { quoted } from '#lib/plain-text.ts';
import { times } from './explain-formats.ts';
import { endsByItself, hangingWords, wasTried } from './explain-next.ts';
import { actionPhrase, escalationPhrase, OTHER_TROUBLE, TROUBLE_PHRASES } from './plain-phrases.ts';
import { plainDuration, plainTime } from './plain-time.ts';
import { refusalWords } from './refusal-words.ts';
import type { AttemptObject, UnsummedIncident } from './schema.ts';

type Status = UnsummedIncident['status'];

/**
 * An incident for those who are not engineers, in a few short sentences: what is wrong with what and
 * since when, the likely cause, what Sentinel does about it, how it stands, what to expect. Nothing
 * in it comes from a log or from a label but names of the usual form, and one quotation: a model's
 * words about the cause, where there are any. What was done, and whether it is over, no model says.
 */
export function plainWords(incident: UnsummedIncident): string[] {
  return [
    trouble(incident),
    ...cause(incident.status),
    ...done(incident),
    ...standing(incident),
    ...outlook(incident.status),
  ];
}

/** Names as Compose and Docker allow them; a label may hold anything, a whole sentence too. */
const NAME = /^[\p{L}\p{N}][\p{L}\p{N}_.-]{0,62}$/u;

function nameOf({ service, project, container, host }: UnsummedIncident['spec']['workload']) {
  const isName = (name: string | undefined): name is string => NAME.test(name ?? '');
  const what = [service, container].find(isName);
  const name = what === undefined ? 'a service' : `the service ${what}`;
  const of = service === what && isName(project) ? ` of the project ${project}` : '';
  return `${name}${of}${isName(host) ? ` on the machine ${host}` : ''}`;
}

/** What goes wrong is told by its gravest sides; more would be no help. */
const TROUBLES_MAX = 2;

function trouble({ metadata, spec, status }: UnsummedIncident): string {
  const isOver = status.phase === 'Resolved';
  const lead = isOver ? 'There was' : 'There has been';
  const what = spec.severity === 'critical' ? 'a serious problem' : 'a problem';
  const since = `${isOver ? ', first seen at' : ' since'} ${plainTime(metadata.creationTimestamp)}`;
  const again = status.reopens === 0 ? '' : ` (it came back ${times(status.reopens)})`;
  const phrases = troubles({ spec, status }).map((one) => (isOver ? one.past : one.present));
  return `${lead} ${what} with ${nameOf(spec.workload)}${since}${again}: it ${phrases.join(' and ')}.`;
}

/** The notes of its evidence say which signal each threshold reads. */
function troubles({ spec, status }: Pick<UnsummedIncident, 'spec' | 'status'>) {
  const breached = new Set(status.breached);
  const signals = new Set(
    spec.evidence
      .filter(({ note = '' }) => breached.has(/^threshold ([^\s:]+)/.exec(note)?.[1] ?? ''))
      .map(({ signal }) => signal),
  );
  const found = Object.entries(TROUBLE_PHRASES).flatMap(([signal, phrase]) =>
    signals.has(signal) ? [phrase] : [],
  );
  return found.length === 0 ? [OTHER_TROUBLE] : found.slice(0, TROUBLES_MAX);
}

const SUMMARY_CHARS_MAX = 700;

function cause({ diagnosis, phase }: Status): string[] {
  const isOver = phase === 'Resolved';
  if (diagnosis !== undefined) {
    const { source, rootCause, confidence, summary } = diagnosis;
    const known = plainCause(rootCause);
    const by = source === 'model' ? 'As a language model sees it, the' : 'The';
    const words = `${by} ${likely(confidence)} cause ${isOver ? 'was' : 'is'} ${known}.`;
    const all = [...(known === undefined ? [] : [words]), ...inModelsWords(summary)];
    if (all.length > 0) return all;
    if (source === 'model') return [inOtherWords(diagnosis)];
  }
  if (phase === 'Diagnosing') return ['The cause is being looked for.'];
  return [isOver ? 'The cause was not found.' : 'The cause is not known yet.'];
}

/** What the rules found still stands, where a model's conclusion cannot be said. */
function inOtherWords({ hypotheses }: NonNullable<Status['diagnosis']>): string {
  const byRules = plainCause(hypotheses[0]?.cause ?? '');
  const rest = byRules === undefined ? '' : `; by the rules it may be ${byRules}`;
  return `A language model has named a cause in words for engineers${rest}.`;
}

/** Behind what the rules found, which nobody but Docker and the kernel can lie to. */
function inModelsWords(summary: string | undefined): string[] {
  if (summary === undefined) return [];
  const words = quoted(summary, SUMMARY_CHARS_MAX);
  return [`A language model, which may be wrong, puts it like this: ${words}`];
}

function likely(confidence: number): string {
  return confidence >= 0.8 ? 'most likely' : confidence >= 0.5 ? 'likely' : 'possible';
}

/** What Sentinel did last, or does; nothing where it never began. */
function done({ status, metadata }: UnsummedIncident): string[] {
  const all = status.attempts.filter(({ rollbackOf }) => rollbackOf === undefined);
  const last = all.at(-1);
  if (last === undefined) return [];
  const { doing, did, infinitive } = actionPhrase(last);
  const at = `at ${plainTime(last.startedAt, metadata.creationTimestamp)}`;
  const lead = leadOf(status, all);
  switch (last.outcome) {
    case undefined:
      return [`${lead} is ${doing} now.`];
    case 'Succeeded':
      return [`${lead} ${did} ${at}${helped(last, status)}.`];
    case 'Failed':
      return [`${lead} tried to ${infinitive} ${at}, but that failed.`];
    case 'NotExecuted':
      return [`${lead} was about to ${infinitive} ${at}, and held back at the last moment.`];
    case 'OutcomeUnknown':
      return [
        `${lead} tried to ${infinitive} ${at}; whether that was carried out is not known, so it was not repeated.`,
      ];
  }
}

function leadOf(status: Status, all: readonly AttemptObject[]): string {
  const { startedAt = '' } = all.at(-1) ?? {};
  if (startedAt < boutStart(status)) return 'Before it came back, Sentinel';
  const before = all.slice(0, -1).filter(({ outcome }) => outcome !== 'NotExecuted').length;
  return before === 0 ? 'Sentinel' : `After ${counted(before, 'other attempt')}, Sentinel`;
}

function helped({ intent, verification }: AttemptObject, { attempts }: Status): string {
  if (verification.state === 'Pending') return ' and is watching whether that helps';
  if (verification.state === 'Passed') return ', which helped';
  if (verification.state === 'None') return '';
  const undone = attempts.find(({ rollbackOf }) => rollbackOf === intent);
  return undone?.outcome === 'Succeeded'
    ? ', which did not help and was undone'
    : ', which did not help';
}

/** How it stands, beside what was done. */
function standing(incident: UnsummedIncident): string[] {
  const { status } = incident;
  switch (status.phase) {
    case 'Resolved':
      return [resolved(incident)];
    case 'Remediating':
      return hangingWords(status) === undefined
        ? []
        : ['It takes longer than it should, and a person has been asked to look.'];
    case 'Verifying':
      return [];
    case 'AwaitingApproval':
      return [`Sentinel would ${askedFor(status)}, and waits for a person to say yes or no.`];
    case 'Escalated':
      return [`A person has been asked to take over: ${escalationPhrase(told(status) ?? '')}.`];
    case 'Diagnosing':
      return [
        'Sentinel is asking language models for the cause.',
        isActing(status)
          ? 'It acts when they have answered, or soon without an answer.'
          : waiting(status),
        ...advised(status),
      ];
    case 'Open':
      return [waiting(status), ...advised(status)];
  }
}

const RESOLUTION_PHRASES: Readonly<Record<NonNullable<Status['resolution']>, string>> = {
  Remediated: 'It has been well since',
  SelfRecovered: 'It recovered by itself, and has been well since',
  HumanAction: 'A person took it over at',
  WorkloadRemoved: 'It was removed at',
  PolicyChanged: 'Its rules were changed, which ended this report, at',
};

function resolved({ metadata, status }: UnsummedIncident): string {
  const { resolution, resolvedAt = '' } = status;
  const from = metadata.creationTimestamp;
  const words = resolution === undefined ? 'It is over since' : RESOLUTION_PHRASES[resolution];
  const tookMs = Date.parse(resolvedAt) - Date.parse(from);
  const took = Number.isNaN(tookMs)
    ? ''
    : `, ${plainDuration(tookMs)} after the problem was first seen`;
  return `${status.attempts.length === 0 ? `${notActed(status)} ` : ''}${words} ${plainTime(resolvedAt, from)}${took}.`;
}

function notActed(status: Status): string {
  return isWatched(status)
    ? `Sentinel only watched${wouldHave(status)}.`
    : 'Sentinel did not act on it.';
}

function askedFor({ approval, candidates }: Status): string {
  const asked = candidates.find(({ id }) => id === approval?.candidate);
  return asked === undefined ? 'act' : actionPhrase(asked).infinitive;
}

/** Nothing is under way. */
function waiting(status: Status): string {
  const left = status.candidates.filter((one) => !wasTried(status, one));
  const [first] = left;
  if (status.candidates.length === 0) {
    return 'There is nothing that Sentinel may do about this kind of problem.';
  }
  if (first === undefined) return 'Everything that Sentinel may do was tried.';
  if (isActing(status)) {
    return status.diagnosis?.advice?.choice === 'none'
      ? 'Sentinel acts soon, though a language model advises to leave it alone for now.'
      : 'Sentinel is about to act.';
  }
  if (isWatched(status)) return `Sentinel only watches here${wouldHave(status)}.`;
  const { meaning, plain } = refusalWords(first.blockedBy[0]?.reason ?? '');
  return `Sentinel does nothing at the moment: ${plain ?? meaning}.`;
}

function isWatched({ candidates }: Status): boolean {
  return candidates.some(({ blockedBy }) => blockedBy.some(({ reason }) => reason === 'Shadow'));
}

function wouldHave({ candidates, timeline }: Status): string {
  const message = timeline.findLast(({ event }) => event === 'Shadow')?.message;
  const meant = candidates.find((one) => message === shadowWords(one));
  return meant === undefined ? '' : `; it would have ${actionPhrase(meant).did}`;
}

/** Something that nothing forbids is left to try. */
function isActing(status: Status): boolean {
  return status.candidates.some((one) => one.verdict === 'Permitted' && !wasTried(status, one));
}

function advised(status: Status): string[] {
  return told(status) === 'ModelAdvice'
    ? ['A language model thinks that somebody should look, and people were told.']
    : [];
}

function outlook(status: Status): string[] {
  switch (status.phase) {
    case 'Resolved':
      return afterwards(status);
    case 'Remediating':
      return [
        'Whether that helps shows within minutes; if not, Sentinel goes on or asks a person.',
      ];
    case 'Verifying':
      return ['That shows within minutes; if it does not help, Sentinel goes on or asks a person.'];
    case 'AwaitingApproval':
      return ['Until somebody answers, it is likely to stay as it is.'];
    case 'Escalated':
      return ['It is likely to stay as it is until somebody has mended the cause.'];
    case 'Diagnosing':
    case 'Open':
      return meanwhile(status);
  }
}

function meanwhile(status: Status): string[] {
  if (isActing(status)) return [];
  if (endsByItself(status)) return ['It goes on by itself when the time has come.'];
  const reason = told(status);
  const lead =
    reason === undefined || reason === 'ModelAdvice' ? 'It' : 'A person has been told, and it';
  return [`${lead} is likely to stay as it is until it recovers by itself or somebody acts.`];
}

function afterwards({ resolution, diagnosis }: Status): string[] {
  if (resolution !== 'Remediated' && resolution !== 'SelfRecovered') return [];
  return LASTING.has(diagnosis?.rootCause ?? '')
    ? ['It is likely to come back until the cause itself is mended.']
    : ['Nothing needs to be done.'];
}

/** Why a person was told last, since it was opened last or came back. */
function told(status: Status): string | undefined {
  const since = boutStart(status);
  return status.escalations.findLast(({ at }) => at >= since)?.reason;
}

function boutStart({ timeline }: Pick<Status, 'timeline'>): string {
  return timeline.findLast(({ event }) => event === 'Reopened')?.at ?? '';
}
