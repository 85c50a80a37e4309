import { cleanLine, cleanText } from '#core/redaction/foreign-text.ts';
import { redactExcerpt } from '#core/redaction/redact.ts';
import type { Redactor } from '#core/redaction/redactor.ts';
import type { ObservedContainer, ProbeRun } from '#core/workload/container.ts';
import { withoutAnsi } from '#lib/ansi.ts';
import { plainLine } from '#lib/plain-text.ts';

/** One line of a container's log, raw. */
export interface RawLogLine {
  /** RFC 3339. */
  readonly timestamp: string;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
  readonly truncated: boolean;
}

const LINE_CHARS_MAX = 2_000;
/** Of all raw lines together: redaction runs on the way to an action, some 10 ms a MiB, more when cold. */
const LOG_CHARS_MAX = 64 * 1024;
const TEXT_CHARS_MAX = 16 * 1024;

/** The newest lines of a log as they may be kept: `TIME STREAM TEXT`, redacted, one line each. */
export function logText(lines: readonly RawLogLine[], redactor?: Redactor): string {
  return redactedLines(lines, redactor)
    .map(({ line, text }) => `${line.timestamp} ${line.stream} ${text}\n`)
    .join('');
}

/**
 * The same without times: what the newest lines say, redacted, oldest first.
 *
 * @param charsMax of all raw lines together
 */
export function excerptLines(
  lines: readonly RawLogLine[],
  redactor?: Redactor,
  charsMax = LOG_CHARS_MAX,
): string[] {
  return redactedLines(lines, redactor, charsMax).map(({ text }) => text);
}

function redactedLines(
  lines: readonly RawLogLine[],
  redactor: Redactor | undefined,
  charsMax = LOG_CHARS_MAX,
): { readonly line: RawLogLine; readonly text: string }[] {
  const kept = newest(lines, charsMax);
  const texts = new Map<RawLogLine, string | undefined>();
  // A private key spans lines, and lines of the other stream may have come between them.
  for (const stream of ['stdout', 'stderr'] as const) {
    const own = kept.filter((line) => line.stream === stream);
    const redacted = redactExcerpt(
      own.map(({ text }) => plainLine(withoutAnsi(text))),
      redactor,
    );
    for (const [index, line] of own.entries()) texts.set(line, redacted[index]);
  }
  return kept.flatMap((line) => {
    const text = texts.get(line);
    if (text === undefined) return [];
    const cut = line.truncated || text.length > LINE_CHARS_MAX ? '…' : '';
    return [{ line, text: `${text.slice(0, LINE_CHARS_MAX)}${cut}` }];
  });
}

function newest(lines: readonly RawLogLine[], charsMax: number): readonly RawLogLine[] {
  let characters = 0;
  let first = lines.length;
  while (first > 0 && characters < charsMax) {
    first -= 1;
    characters += lines[first]?.text.length ?? 0;
  }
  return lines.slice(first);
}

/** What the HEALTHCHECK printed at its newest run; empty when it printed nothing. */
export function probeText({ output }: ProbeRun, redactor?: Redactor): string {
  return bounded(cleanText(output, redactor));
}

/**
 * What one inspect said, as JSON. Only what is named here: labels, commands and values of variables
 * are left out, since people put secrets there.
 */
export function inspectText(container: ObservedContainer): string {
  const { health, networks } = container;
  const facts = {
    id: container.id,
    name: container.name,
    image: container.image,
    imageId: container.imageId,
    state: container.state,
    exitCode: container.exitCode,
    oomKilled: container.oomKilled,
    error: container.error,
    createdAt: instant(container.createdAtMs),
    startedAt: instant(container.startedAtMs),
    finishedAt: instant(container.finishedAtMs),
    health: health && { status: health.status, failingStreak: health.failingStreak },
    restartPolicy: container.restartPolicy,
    engineRestartCount: container.engineRestartCount,
    limits: container.limits,
    shares: container.shares,
    networks: Object.keys(networks),
    publishedPorts: container.publishedPorts,
    envNames: container.envNames,
    logDriver: container.logDriver,
    stopSignal: container.stopSignal,
    readOnlyRootFilesystem: container.readOnlyRootFilesystem,
  };
  const clean = (_key: string, value: unknown) =>
    typeof value === 'string' ? cleanLine(value, container.secrets?.redactor) : value;
  return `${JSON.stringify(facts, clean, 2)}\n`;
}

function instant(atMs: number | undefined): string | undefined {
  return atMs === undefined ? undefined : new Date(atMs).toISOString();
}

function bounded(text: string): string {
  return text.length <= TEXT_CHARS_MAX ? text : `${text.slice(0, TEXT_CHARS_MAX)}…`;
}
