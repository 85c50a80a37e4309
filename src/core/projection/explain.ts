import { type DigestBounds, digestLog } from '#core/detection/log-digest.ts';
import { FINDING_SIGNALS } from '#core/diagnosis/findings.ts';
import type { RecordData } from '#core/journal/data.ts';
import type { JournalRecord } from '#core/journal/record.ts';
import { callWords } from '#core/remediation/call-words.ts';
import { BUILTIN_SERVER } from '#core/remediation/tools.ts';
import { counted } from '#lib/counted.ts';
import { formatDuration } from '#lib/duration.ts';
import { plainLine, quoted } from '#lib/plain-text.ts';
import { adviceLines, type ChoiceRule } from './explain-advice.ts';
import { causeLines, causeName } from './explain-cause.ts';
import { clock, times } from './explain-formats.ts';
import { hangingWords, nextSteps, wasTried } from './explain-next.ts';
import { usageLines } from './model-words.ts';
import { plainWords } from './plain-words.ts';
import { refusalWords } from './refusal-words.ts';
import type { AttemptObject, CandidateObject, IncidentObject } from './schema.ts';
import { limitWords, type ThresholdSpec, valueWords } from './threshold-words.ts';

/** What is known beside the incident itself; everything is optional. */
export interface ExplainContext {
  /** Thresholds of the policy in force, if it is still the one that the incident was opened under. */
  readonly thresholds?: readonly ThresholdSpec[];
  /** The effective mode of that policy. */
  readonly mode?: string;
  /** What that policy says of the choice of models. */
  readonly choice?: ChoiceRule;
  /** Records of the incident, oldest first: they tell how verdicts changed, and when advice came. */
  readonly records?: readonly JournalRecord[];
  /** What the newest log and health check said before an action, by digest; redacted when kept. */
  readonly texts?: ReadonlyMap<string, string>;
}

/**
 * Says why something was, or was not, done about an incident. No model is asked: every sentence comes
 * from what is on record, and what a model said is quoted as its words.
 */
export function explainIncident(incident: IncidentObject, context: ExplainContext = {}): string {
  const { phase, diagnosis } = incident.status;
  const isNow = phase === 'Open' || phase === 'Diagnosing';
  const records = context.records ?? [];
  const sections: readonly [title: string, lines: readonly string[]][] = [
    ['In plain words', plainWords(incident).map(plainLine)],
    ['What was seen', seen(incident, context)],
    ['What it said last', lastWords(incident, context)],
    ['Which policy decides', policyLines(incident, context)],
    ['The likely cause', causeLines(incident)],
    ['What a model advised', adviceLines(incident, context.choice, records)],
    ['What models were asked', usageLines(diagnosis?.models ?? []).map(plainLine)],
    [isNow ? 'What could be done' : 'What could be done, at the last look', candidates(incident)],
    ['What was done', attempts(incident)],
    ['Why a person was asked', escalations(incident)],
    ['How it went', course(incident, records)],
    ['What you can do', nextSteps(incident).map((step) => `- ${step}`)],
  ];
  const body = sections
    .filter(([, lines]) => lines.length > 0)
    .map(([title, lines]) => [`${title}:`, ...lines.map((line) => `  ${line}`)].join('\n'));
  return [headline(incident), ...body].join('\n\n');
}

function headline(incident: IncidentObject): string {
  const { metadata, spec, status } = incident;
  const { container, key } = spec.workload;
  const what = status.breached.join(', ');
  const again = status.reopens === 0 ? '' : `, and again ${times(status.reopens)} since`;
  const opened = `${container} (${key}): ${what}, ${spec.severity}, since ${clock(metadata.creationTimestamp)}${again}.`;
  return [metadata.name, opened, standing(incident)].map(plainLine).join('\n');
}

/** Where it stands now, in one sentence. */
function standing(incident: IncidentObject): string {
  const { status } = incident;
  switch (status.phase) {
    case 'Resolved':
      return resolvedWords(incident);
    case 'Remediating': {
      const hangs = hangingWords(status);
      return hangs === undefined
        ? `${lastAction(status)} is being carried out now.`
        : `It waits for the engine, and for a person: ${hangs}.`;
    }
    case 'Verifying':
      return `${lastAction(status)} was carried out; whether it helped is being watched.`;
    case 'AwaitingApproval':
      return `Nothing is done until a person says yes or no to ${askedWords(status)}.`;
    case 'Escalated':
      return leftWords(status);
    case 'Open':
      return openWords(status);
    case 'Diagnosing':
      return askingWords(status);
  }
}

function askedWords({ approval }: IncidentObject['status']): string {
  const { candidate = 'a candidate', tool, arguments: args } = approval ?? {};
  return tool === undefined ? candidate : `${candidate} (${callWords(tool, args)})`;
}

function lastAction({ attempts: all }: IncidentObject['status']): string {
  return all.at(-1)?.action ?? 'An action';
}

function leftWords({ escalations: all }: IncidentObject['status']): string {
  return `It is left to a person: ${all.at(-1)?.message ?? 'no action is left'}.`;
}

const RESOLUTION_WORDS: Readonly<Record<string, string>> = {
  Remediated: 'Sentinel mended it',
  SelfRecovered: 'It recovered by itself',
  HumanAction: 'A person took it over',
  WorkloadRemoved: 'The workload is gone',
  PolicyChanged: 'Its policy changed, so this incident ended',
};

function resolvedWords({ metadata, status }: IncidentObject): string {
  const { resolution = '', resolvedAt = '', timeline } = status;
  const words = RESOLUTION_WORDS[resolution] ?? 'It is over';
  const why = timeline.findLast(({ event }) => event === 'Resolved')?.message ?? '';
  const isNews = why !== '' && why.toLowerCase() !== words.toLowerCase();
  const tookMs = Date.parse(resolvedAt) - Date.parse(metadata.creationTimestamp);
  const took = Number.isNaN(tookMs) ? '' : ` after ${formatDuration(Math.max(0, tookMs))}`;
  return `${words}${isNews ? ` (${why})` : ''}: resolved at ${clock(resolvedAt)}${took}.`;
}

function openWords(status: IncidentObject['status']): string {
  const { candidates: all, breached, timeline } = status;
  if (all.length === 0) return `No action of the policy answers to ${breached.join(', ')}.`;
  const left = all.filter((one) => !wasTried(status, one));
  const [first] = left;
  if (first === undefined) return 'Every action that answers to it was tried.';
  if (left.some(({ verdict }) => verdict === 'Permitted')) return soonWords(status);
  const would = timeline.findLast(({ event }) => event === 'Shadow')?.message;
  if (would !== undefined) return `Sentinel only watches here. It ${would}.`;
  const last = status.attempts.at(-1);
  if (last?.outcome === 'NotExecuted' && last.message !== undefined) {
    return `Nothing is done: ${last.message}.`;
  }
  const reason = first.blockedBy[0]?.reason ?? '';
  return `Nothing is done at the moment: ${refusalWords(reason).meaning}.`;
}

function soonWords({ diagnosis }: IncidentObject['status']): string {
  return diagnosis?.advice?.choice === 'none'
    ? 'An action begins soon, though a model advises to do nothing for now.'
    : 'An action is about to begin.';
}

function askingWords(status: IncidentObject['status']): string {
  const isActing = status.candidates.some(
    (one) => one.verdict === 'Permitted' && !wasTried(status, one),
  );
  return isActing
    ? 'Models are asked for the cause; an action begins with their answer, or soon without it.'
    : `Models are asked for the cause. ${openWords(status)}`;
}

function isShadow(all: readonly CandidateObject[]): boolean {
  return all.some(({ blockedBy }) => blockedBy.some(({ reason }) => reason === 'Shadow'));
}

/** What is kept before an action: shown once, as it was the last time. */
const CAPTURED: ReadonlySet<string> = new Set(['logs.tail', 'health.probe', 'container.inspect']);

type EvidenceObject = IncidentObject['spec']['evidence'][number];

function seen({ spec, status }: IncidentObject, { thresholds = [] }: ExplainContext): string[] {
  const lines: string[] = [];
  const told = new Set<string>();
  let lastAt = '';
  for (const evidence of spec.evidence) {
    if (CAPTURED.has(evidence.signal) || told.has(evidence.id)) continue;
    told.add(evidence.id);
    const time = clock(evidence.at);
    const lead = time === lastAt ? ' '.repeat(time.length) : time;
    lastAt = time;
    lines.push(plainLine(`${lead}  ${observation(evidence, thresholds)}`));
  }
  const other = status.breached.filter(
    (name) => !lines.some((line) => line.includes(`  ${name}: `)),
  );
  return other.length === 0 ? lines : [...lines, `Also breached: ${other.join(', ')}`];
}

/** The form of a note about a threshold: see evidenceFor. */
const OF_THRESHOLD = /^threshold (?<name>[^\s:]+)(?:: (?<place>.*))?$/s;

function observation(evidence: EvidenceObject, thresholds: readonly ThresholdSpec[]): string {
  const { signal, value, note } = evidence;
  const sentence = sentenceOf(evidence);
  if (sentence !== undefined) return sentence;
  const shown = isProbe(signal)
    ? `failing, ${counted(Number(value), 'failure')} in a row`
    : valueWords(signal, value);
  const { name, place } = OF_THRESHOLD.exec(note ?? '')?.groups ?? {};
  if (name === undefined) {
    return `${signal} is ${shown}${note === undefined ? '' : ` (${note})`}`;
  }
  const threshold = thresholds.find((one) => one.name === name);
  const limit = threshold === undefined ? '' : limitWords(threshold);
  const where = place === undefined ? '' : ` (${place})`;
  const asked = limit === '' ? '' : ` (the threshold: ${limit})`;
  return `${name}: ${signal} is ${shown}${where}${asked}`;
}

const NOTE_CHARS_MAX = 300;

/** What a detector or a model found is one already, and what a model had looked up is none of ours. */
function sentenceOf({ signal, value, note }: EvidenceObject): string | undefined {
  if (signal.startsWith(`${BUILTIN_SERVER}/`)) {
    return `looked up for a model, ${note ?? signal}: ${String(value)}`;
  }
  if (!isFinding(signal)) return undefined;
  if (note === undefined) return String(value);
  return `${String(value)} (${signal === 'log.triage' ? quoted(note, NOTE_CHARS_MAX) : note})`;
}

function isFinding(signal: string): boolean {
  return FINDING_SIGNALS.some((one) => one === signal);
}

function isProbe(signal: string): boolean {
  return signal === 'probe.http' || signal === 'probe.tcp';
}

const LAST_LINES_MAX = 15;

/** The newest log and health check that were kept before an action, or where they lie. */
function lastWords({ spec, metadata }: IncidentObject, { texts }: ExplainContext): string[] {
  const newest = capturedTexts(spec.evidence);
  const lines = newest.flatMap((evidence) => {
    const { id, at, signal, blob } = evidence;
    const what = signal === 'logs.tail' ? 'Its log' : 'Its health check';
    const title = `${what} at ${clock(at)} (${id}):`;
    const text = texts?.get(blob.digest);
    if (text === undefined && texts !== undefined) return [`${title} no longer kept`];
    if (text === undefined) {
      const file = `evidence/${blob.digest.replace('sha256:', '')}`;
      return [`${title} ${blob.bytes} bytes, in the data directory under ${file}`];
    }
    const all = text.split('\n').filter((line) => line !== '');
    const before = all.slice(0, -LAST_LINES_MAX);
    const last = [...inShort(before), ...all.slice(-LAST_LINES_MAX)];
    return [title, ...last.map((line) => `  ${plainLine(line)}`)];
  });
  if (newest.length === 0 || texts !== undefined) return lines;
  return [...lines, `Shown by: sentinel explain ${metadata.name} --data DIRECTORY`];
}

const SHORT: DigestBounds = { entriesMax: 8, lineCharsMax: 160 };
/** What logText writes before each line: the time and the stream. */
const LEAD = /^\S+ (?:stdout|stderr) /;

/** How often which forms of lines came, oldest form first. */
function inShort(lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  const digest = digestLog(
    lines.map((line) => line.replace(LEAD, '')),
    SHORT,
  );
  const forms = digest.entries.map(({ count, template, first }) =>
    count === 1 ? `  ${first}` : `  ${count} × ${template}`,
  );
  const { omitted } = digest;
  const others =
    omitted.lines === 0 ? [] : [`  and ${counted(omitted.lines, 'line')} of other forms`];
  return [`(${counted(lines.length, 'earlier line')}:)`, ...forms, ...others];
}

/** Per kind the newest evidence whose text was kept, the log first. */
export function capturedTexts(
  evidence: readonly EvidenceObject[],
): (EvidenceObject & { readonly blob: NonNullable<EvidenceObject['blob']> })[] {
  return ['logs.tail', 'health.probe'].flatMap((signal) => {
    const found = evidence.findLast((one) => one.signal === signal && one.blob !== undefined);
    return found?.blob === undefined ? [] : [{ ...found, blob: found.blob }];
  });
}

function policyLines({ spec, status }: IncidentObject, { mode }: ExplainContext): string[] {
  const { name, generation, commit, digest } = spec.policy;
  const from = commit === '' ? 'not from a git checkout' : `from ${commit}`;
  const does = mode ?? (isShadow(status.candidates) ? 'Shadow' : undefined);
  const how = does === undefined ? '' : `, mode ${does}`;
  return [plainLine(`${name}, generation ${generation}${how}, ${from}`), digest];
}

function candidates({ status }: IncidentObject): string[] {
  if (status.candidates.length === 0) {
    return status.phase === 'Resolved' ? [] : ['Nothing: no action of the policy answers to it.'];
  }
  return status.candidates.flatMap((candidate, index) => {
    const { action, tool, affects, verdict, blockedBy } = candidate;
    const isTried = wasTried(status, candidate);
    const also = affects.length < 2 ? '' : `, which also touches ${affects.slice(1).join(', ')}`;
    const title = `${index + 1}. ${action} (${callWords(tool, candidate.arguments)})${also}: ${isTried ? 'already tried in this incident' : verdict === 'Permitted' ? 'permitted' : 'not done'}`;
    if (isTried) return [plainLine(title)];
    const reasons = blockedBy.map(
      ({ reason, message }) => `   - ${reason}: ${refusalWords(reason).meaning} (${message})`,
    );
    return [title, ...reasons].map(plainLine);
  });
}

function attempts({ status }: IncidentObject): string[] {
  const lines = status.attempts.flatMap(attemptLines).map(plainLine);
  if (lines.length > 0) return lines;
  const would = status.timeline
    .filter(({ event }) => event === 'Shadow' || event === 'ShadowFollowed')
    .map(({ at, message }) => plainLine(`${clock(at)}  ${message}`));
  return [status.phase === 'Resolved' ? 'Nothing.' : 'Nothing so far.', ...would];
}

function attemptLines(attempt: AttemptObject): string[] {
  const { startedAt, action, tool, trigger, rollbackOf, verification } = attempt;
  const lead = ' '.repeat(clock(startedAt).length + 2);
  const undoes = rollbackOf === undefined ? '' : `, to undo ${rollbackOf}`;
  const lines = [
    `${clock(startedAt)}  ${action} (${tool}) because of ${trigger}${undoes}`,
    `${lead}${outcomeWords(attempt)}`,
  ];
  if (verification.state === 'Pending') lines.push(`${lead}Whether it helped is being watched.`);
  if (verification.state === 'Passed' || verification.state === 'Failed') {
    const helped = verification.state === 'Passed' ? 'It helped' : 'It did not help';
    const when = verification.at === undefined ? '' : ` (${clock(verification.at)})`;
    lines.push(`${lead}${helped}: ${verification.message ?? 'verified'}${when}`);
  }
  return lines;
}

function outcomeWords({ outcome, message, reason, startedAt, endedAt }: AttemptObject): string {
  const tookMs = Date.parse(endedAt ?? '') - Date.parse(startedAt);
  const took = Number.isNaN(tookMs) ? '' : ` after ${formatDuration(Math.max(0, tookMs))}`;
  const said = [reason, message].filter((part) => part !== undefined && part !== '').join(': ');
  const words = said === '' ? '' : `: ${said}`;
  switch (outcome) {
    case 'Succeeded':
      return `The call succeeded${took}${words}.`;
    case 'Failed':
      return `The call failed${took}${words}.`;
    case 'NotExecuted':
      return `It was not carried out, and nothing was touched${words}.`;
    case 'OutcomeUnknown':
      return `Nobody knows whether the call did anything, so it was not repeated${words}.`;
    case undefined:
      return 'The call is under way.';
  }
}

function escalations({ status }: IncidentObject): string[] {
  return status.escalations.map(({ at, reason, message }) =>
    plainLine(`${clock(at)}  ${reason}: ${message}`),
  );
}

const COURSE_MAX = 40;

/** The timeline, with the changes of verdicts in between where the records are at hand. */
function course({ status }: IncidentObject, records: readonly JournalRecord[]): string[] {
  const entries = status.timeline.map(({ at, event, message }) => ({
    at,
    text:
      message === '' ? event : `${event}: ${event === 'Diagnosed' ? causeName(message) : message}`,
  }));
  const verdicts = records.flatMap((record) =>
    record.type === 'remediation.considered' ? [verdictEntry(record)] : [],
  );
  const all = [...entries, ...verdicts].sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
  const left = all.length - COURSE_MAX;
  const lines = all.slice(-COURSE_MAX).map(({ at, text }) => plainLine(`${clock(at)}  ${text}`));
  return left > 0 ? [`(${left} earlier entries are in the journal)`, ...lines] : lines;
}

function verdictEntry({ time, data }: JournalRecord) {
  const { candidates: all } = data as RecordData['remediation.considered'];
  const words = all.map(({ action, blockedBy }) => {
    const reasons = blockedBy.map(({ reason }) => reason).join(', ');
    return `${action} ${reasons === '' ? 'permitted' : `refused (${reasons})`}`;
  });
  return { at: time, text: `Considered: ${words.join('; ') || 'no candidate'}` };
}
