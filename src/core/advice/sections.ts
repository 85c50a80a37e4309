import { digestLog } from '#core/detection/log-digest.ts';
import { isErrorLine } from '#core/detection/severity.ts';
import { excerptLines, type RawLogLine } from '#core/diagnosis/evidence-text.ts';
import type { DiagnosisFacts } from '#core/diagnosis/facts.ts';
import { factsOf } from '#core/diagnosis/facts-of.ts';
import { scan } from '#core/diagnosis/scan.ts';
import type { Incident } from '#core/incident/incident.ts';
import { valueWords } from '#core/projection/threshold-words.ts';
import { redactorOf } from '#core/redaction/container-secrets.ts';
import { cleanText } from '#core/redaction/foreign-text.ts';
import { dependenciesOf } from '#core/remediation/affects.ts';
import type { Considered } from '#core/remediation/choose.ts';
import type { JudgedSituation } from '#core/remediation/step.ts';
import type { ObservedContainer } from '#core/workload/container.ts';
import type { WorkloadView } from '#core/workload/view.ts';
import { formatDuration } from '#lib/duration.ts';
import { formatBytes } from '#lib/quantity.ts';
import { ALWAYS, type PromptItem, type PromptSection } from './pack.ts';
import type { Refs } from './refs.ts';

/** Everything that a question about an incident is made of. */
export interface Matter {
  readonly situation: JudgedSituation;
  readonly incident: Incident;
  readonly refs: Refs;
  /** Raw, oldest first. */
  readonly log: readonly RawLogLine[];
  /** Raw; the Compose file that the policy names. */
  readonly composeFile?: string;
  /** Candidates that a model may pick, in the ladder's order. */
  readonly offered: readonly Considered[];
  /** What was looked up for the model; already evidence. */
  readonly looks: readonly LookResult[];
}

export interface LookResult {
  /** The evidence that it is. */
  readonly evidence: string;
  /** `docker/get_logs of c2`. */
  readonly title: string;
  /** Redacted. */
  readonly lines: readonly string[];
}

/** The evidence that opened the incident is in front; what was added for diagnoses comes after it. */
const FIRST_EVIDENCE = 12;
const COMPOSE_CHARS_MAX = 64 * 1024;
/** No one waits for it, and more is not read. */
const LOG_CHARS_MAX = 1024 * 1024;
/** Two lines of a form are one item; which forms there is room for is seen when all are weighed. */
const DIGEST = { entriesMax: 5_000, lineCharsMax: 280 };
const WORTH = {
  rules: 90,
  evidence: 85,
  lookedAt: 80,
  container: 75,
  changes: 75,
  dependencies: 72,
  tried: 70,
  probe: 60,
  telling: 65,
  newest: 50,
  log: 30,
  compose: 10,
} as const;

/** What is known about an incident, for a model. Pure. */
export function sectionsOf(matter: Matter): PromptSection[] {
  const { situation, incident, log } = matter;
  const facts = factsOf(situation, incident, log);
  // Before all else: what is named here is hidden in what was recorded for people.
  const affected = wrong(matter);
  const dependsOn = dependencies(matter);
  return [
    ours('What is wrong', [affected], ALWAYS),
    ours(
      'What could be done (the candidates, in the order of the policy)',
      candidates(matter),
      ALWAYS,
    ),
    foreign('What the candidates would be called with, by id', calledWith(matter), ALWAYS),
    { title: 'Evidence, by id', isForeign: true, items: evidence(matter) },
    foreign('What deterministic rules make of it', hypotheses(matter), WORTH.rules),
    ...matter.looks.map(looked),
    foreign('The container', container(matter), WORTH.container),
    foreign('What it depends on', dependsOn, WORTH.dependencies),
    foreign('What changed lately', changes(facts), WORTH.changes),
    foreign('What was done in this incident', attempts(matter), WORTH.tried),
    foreign('What its health check printed', [...(facts.texts.probe ?? [])], WORTH.probe),
    { title: 'Its log, lines of one form together', isForeign: true, items: logItems(matter) },
    foreign('The Compose file', compose(matter), WORTH.compose),
  ].filter(({ items }) => items.length > 0);
}

function ours(title: string, lines: readonly string[], worth: number): PromptSection {
  return { title, isForeign: false, items: lines.map((text) => ({ text, worth })) };
}

function foreign(title: string, lines: readonly string[], worth: number): PromptSection {
  return { ...ours(title, lines, worth), isForeign: true };
}

function wrong({ situation, incident, refs }: Matter): string {
  const { world, view } = situation;
  const since = formatDuration(Math.max(0, world.nowMs - incident.boutAtMs));
  const again = incident.reopens === 0 ? '' : `; it came back ${incident.reopens} times`;
  return `${refOf(refs, view)}: ${incident.breached.join(', ')} (${incident.severity}), for ${since}${again}`;
}

/** What a workload is called in a prompt. */
export function refOf(
  refs: Refs,
  { key, container: it }: Pick<WorkloadView, 'key' | 'container'>,
): string {
  return refs.of(key, it?.name ?? key);
}

function candidates({ situation, offered, refs }: Matter): string[] {
  if (offered.length === 0) return ['nothing: the policy permits no action'];
  return offered.map(({ candidate }) => {
    const { id, action, affects } = candidate;
    const named = affects.map((key) => refOf(refs, { key, ...situation.world.views.get(key) }));
    return `${id}: ${action.tool}; touches ${named.join(', ')}`;
  });
}

/** A policy may put names and labels into arguments, and whoever sets those writes a part of them. */
function calledWith({ situation, offered }: Matter): string[] {
  return offered.flatMap(({ candidate: { id, arguments: args } }) => {
    if (!args.ok || Object.keys(args.arguments).length === 0) return [];
    return [clean(`${id}: ${JSON.stringify(args.arguments)}`, situation.view.container)];
  });
}

function evidence({ incident, refs }: Matter): PromptItem[] {
  return incident.evidence.map(({ id, signal, value, note }, index) => ({
    text: `${id}: ${signal} = ${refs.hidden(`${valueWords(signal, value)}${note === undefined ? '' : ` (${note})`}`)}`,
    worth: index < FIRST_EVIDENCE ? ALWAYS : WORTH.evidence,
  }));
}

function hypotheses({ incident, refs }: Matter): string[] {
  return (incident.diagnosis?.hypotheses ?? []).map(
    ({ cause, explanation, confidence, evidenceRefs }) =>
      `${cause} (${confidence}): ${refs.hidden(explanation)} [${evidenceRefs.join(', ')}]`,
  );
}

function looked({ evidence: id, title, lines }: LookResult): PromptSection {
  const items = lines.map((text, index) => ({
    // The newest of a log come last.
    text,
    worth: WORTH.lookedAt - (lines.length - index) / lines.length,
  }));
  return { title: `${id}: ${title}`, isForeign: true, items };
}

function container({ situation }: Matter): string[] {
  const { view, world } = situation;
  const it = view.container;
  if (it === undefined) return ['there is none'];
  const { limits, health, restartPolicy } = it;
  const ran =
    view.runningSinceMs === undefined
      ? []
      : [`running for ${formatDuration(Math.max(0, world.nowMs - view.runningSinceMs))}`];
  const lines = [
    `image ${it.image}`,
    `state ${it.state}, exit code ${it.exitCode}${it.oomKilled ? ', killed for want of memory' : ''}`,
    ...ran,
    ...(it.error === '' ? [] : [`the engine says: ${it.error}`]),
    `restart policy ${restartPolicy.name}, restarted by the engine ${it.engineRestartCount} times`,
    ...(limits.memoryBytes === undefined
      ? []
      : [`memory limit ${formatBytes(limits.memoryBytes)}`]),
    ...(limits.nanoCpus === undefined ? [] : [`limit of ${limits.nanoCpus / 1e9} CPUs`]),
    ...(limits.pids === undefined ? [] : [`limit of ${limits.pids} processes`]),
    ...(health === undefined
      ? ['no health check']
      : [`health ${health.status}, ${health.failingStreak} failures in a row`]),
    ...(it.readOnlyRootFilesystem ? ['read-only root file system'] : []),
    ...(it.publishedPorts.length === 0 ? [] : [`published ports ${it.publishedPorts.join(', ')}`]),
    ...(it.envNames.length === 0 ? [] : [`variables (names): ${it.envNames.join(' ')}`]),
    ...gauges(situation),
  ];
  return lines.map((line) => clean(line, it));
}

function gauges({ view }: JudgedSituation): string[] {
  return Object.entries(view.gauges).flatMap(([name, reading]) =>
    reading.kind === 'Value' ? [`${name} ${valueWords(name, reading.value)}`] : [],
  );
}

function dependencies({ situation, refs }: Matter): string[] {
  const { world, view } = situation;
  return dependenciesOf(world, view).map(({ key, condition }) => {
    const it = world.views.get(key)?.container;
    const ref = refOf(refs, { key, ...world.views.get(key) });
    // The condition is a part of a label.
    if (it === undefined) return clean(`${ref} (${condition}): there is none`, it);
    const health = it.health === undefined ? '' : `, ${it.health.status}`;
    return clean(`${ref} (${condition}): image ${it.image}, ${it.state}${health}`, it);
  });
}

function changes({ changes: all }: DiagnosisFacts): string[] {
  return all.map(
    ({ what, beforeMs, detail }) =>
      `${what}, ${formatDuration(Math.max(0, beforeMs))} before it began${detail === '' ? '' : `: ${detail}`}`,
  );
}

function attempts({ incident }: Matter): string[] {
  return incident.attempts.map(
    ({ action, tool, outcome = 'under way', verification }) =>
      `${action} (${tool}): ${outcome}, verification ${verification}`,
  );
}

/**
 * Of each form of line its first and last. What speaks of a cause is worth most, then what is newest or
 * rare: what a log is full of says least.
 */
function logItems({ situation, log }: Matter): PromptItem[] {
  const lines = excerptLines(log, situation.view.container?.secrets?.redactor, LOG_CHARS_MAX);
  const { entries } = digestLog(lines, DIGEST);
  return entries.map(({ count, first, last, firstAt, lastAt }) => {
    const examples = [...new Set([first, last])];
    const shown = count === 1 ? [lines[firstAt] ?? ''] : examples;
    const text = count <= 2 ? shown.join('\n') : `${count} × ${shown.join('\n  … ')}`;
    const isTelling = shown.some(isErrorLine) || scan(shown).length > 0;
    const newness = 1 / (lines.length - lastAt);
    const rarity = 0.5 / (1 + Math.log2(count)) ** 2;
    const base = isTelling ? WORTH.telling : WORTH.log;
    const oddness = (WORTH.newest - WORTH.log) * Math.max(newness, rarity);
    // Of forms that are as odd, the newer one.
    return { text, worth: base + oddness + lastAt / lines.length };
  });
}

function compose({ composeFile, situation }: Matter): string[] {
  if (composeFile === undefined) return [];
  const { world, view } = situation;
  const { project } = view.identity;
  // It holds the variables of all its services.
  const siblings = [...world.views.values()].filter(
    ({ key, identity }) =>
      key === view.key || (project !== undefined && identity.project === project),
  );
  const redactor = redactorOf(siblings.map(({ container: it }) => it?.secrets));
  return cleanText(wholeLines(composeFile, COMPOSE_CHARS_MAX), redactor).split('\n');
}

/** Half a secret at the end would not be known for one. */
function wholeLines(text: string, charsMax: number): string {
  return text.length <= charsMax ? text : text.slice(0, text.lastIndexOf('\n', charsMax) + 1);
}

function clean(text: string, it: ObservedContainer | undefined): string {
  return cleanText(text, it?.secrets?.redactor);
}
