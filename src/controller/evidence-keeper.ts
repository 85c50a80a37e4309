import { inspectText, logText, probeText } from '#core/diagnosis/evidence-text.ts';
import { EvidenceUnavailableError, LogsUnavailableError } from '#core/errors.ts';
import { type Attempt, type Evidence, nextEvidenceNumber } from '#core/incident/incident.ts';
import { cleanLine } from '#core/redaction/foreign-text.ts';
import { about } from '#core/remediation/step.ts';
import type { ObservedContainer } from '#core/workload/container.ts';
import type { WorkloadKey } from '#core/workload/key.ts';
import type { WorkloadView } from '#core/workload/view.ts';
import { withDeadline } from '#lib/deadline.ts';
import type { Clock } from '#ports/clock.ts';
import type { ContainerRuntime, LogLine } from '#ports/container-runtime.ts';
import type { EvidenceStore } from '#ports/evidence-store.ts';
import type { OperatorJournal } from './journal-state.ts';

export interface EvidenceKeeperOptions {
  readonly clock: Clock;
  readonly journal: OperatorJournal;
  readonly runtime: Pick<ContainerRuntime, 'logs'>;
  readonly store: Pick<EvidenceStore, 'put'>;
  readonly views: () => ReadonlyMap<WorkloadKey, WorkloadView>;
  /** The last lines of a log that is followed, raw, oldest first; none where it is not followed. */
  readonly recentLines: (key: WorkloadKey) => readonly LogLine[] | undefined;
  /** Most lines that the policy wants kept; 0 for none. */
  readonly logLinesMax: (key: WorkloadKey) => number;
  /** Resolves when as much as there will be is known of what to take out of a container's words. */
  readonly untilSecretsKnown?: (container: ObservedContainer) => Promise<void>;
  /** Lines were read for an incident. */
  readonly onLog?: (incident: string, lines: readonly LogLine[]) => void;
  readonly onWarning: (message: string, cause: unknown) => void;
}

/**
 * Keeps what an action may destroy: the log, the newest health probe, the inspect. Adds it to the
 * incident, and says what could not be kept and why. Resolves within {@link KEEP_WITHIN_MS}, and
 * never rejects.
 */
export type KeepEvidence = (incident: string, attempt: Attempt) => Promise<void>;

/** What an action waits at most for its evidence. */
export const KEEP_WITHIN_MS = 250;
/** A daemon takes its time for each line that it is asked for. */
const FETCHED_LINES_MAX = 50;
const FOLLOWED_LINES_MAX = 200;
const REASON_CHARS_MAX = 200;

type Fact = Omit<Evidence, 'id' | 'at'>;

/** Something to keep: reads it, and says what it is. */
interface Source {
  readonly signal: string;
  readonly read: (signal: AbortSignal) => Promise<Finding> | Finding;
}

interface Finding {
  readonly value: Evidence['value'];
  /** Redacted; empty when there is nothing to keep beside the value. */
  readonly text: string;
  readonly note: string;
}

export function createEvidenceKeeper(options: EvidenceKeeperOptions): KeepEvidence {
  const { clock, journal, store, views, onWarning } = options;

  return async function keepEvidence(incident, attempt) {
    const workload = attempt.affects[0]?.workload ?? '';
    const container = views().get(workload)?.container;
    if (container === undefined) return;
    try {
      const sources = sourcesFor(options, incident, { workload, container });
      const known = options.untilSecretsKnown?.(container);
      const facts = await Promise.all(sources.map((source) => factOf(source, known)));
      append(incident, attempt, facts);
    } catch (error) {
      onWarning('the evidence of an action was not recorded', error);
    }
  };

  /** Whatever goes wrong is the fact then. */
  async function factOf(source: Source, known: Promise<void> | undefined): Promise<Fact> {
    try {
      return await withDeadline(clock, KEEP_WITHIN_MS, (signal) =>
        // A call that does not heed the signal is not waited for.
        Promise.race([keep(source, known, signal), rejectWhen(signal)]),
      );
    } catch (error) {
      if (error instanceof EvidenceUnavailableError) onWarning('evidence was not kept', error);
      return { signal: source.signal, value: null, note: `not kept: ${reasonOf(error)}` };
    }
  }

  async function keep(
    { signal: name, read }: Source,
    known: Promise<void> | undefined,
    signal: AbortSignal,
  ): Promise<Fact> {
    await known;
    const { value, text, note } = await read(signal);
    if (text === '') return { signal: name, value, note };
    const { sha256, size } = await store.put(Buffer.from(text));
    return { signal: name, value, note, blob: { digest: `sha256:${sha256}`, bytes: size } };
  }

  function append(name: string, { action }: Attempt, facts: readonly Fact[]): void {
    const incident = journal.state().incidents[name];
    if (incident === undefined) return;
    const at = new Date(clock.wallMs()).toISOString();
    // Numbered here, where nothing can come between: others add evidence too.
    const first = nextEvidenceNumber(incident);
    const evidence = facts.map((fact, index) => ({ id: `e${first + index}`, ...fact, at }));
    const missing = facts.filter(({ value }) => value === null).map(({ signal }) => signal);
    const without = missing.length === 0 ? '' : `; without ${missing.join(', ')}`;
    const message = `evidence from before ${action} was kept${without}`;
    journal.append(
      [{ type: 'incident.updated', ...about(incident), data: { evidence, message } }],
      {
        durable: false,
      },
    );
  }
}

interface Subject {
  readonly workload: WorkloadKey;
  readonly container: ObservedContainer;
}

function sourcesFor(
  options: EvidenceKeeperOptions,
  incident: string,
  { workload, container }: Subject,
): Source[] {
  const linesMax = options.logLinesMax(workload);
  const run = container.health?.lastRun;
  return [
    ...(linesMax === 0 ? [] : [logSource(options, { incident, workload, container, linesMax })]),
    ...(run === undefined
      ? []
      : [
          {
            signal: 'health.probe',
            read: () => ({
              value: run.exitCode,
              text: probeText(run, container.secrets?.redactor),
              note: 'exit code of the newest health probe',
            }),
          },
        ]),
    {
      signal: 'container.inspect',
      read: () => ({ value: container.state, text: inspectText(container), note: 'the inspect' }),
    },
  ];
}

function logSource(
  { runtime, recentLines, onLog }: EvidenceKeeperOptions,
  of: Subject & { readonly incident: string; readonly linesMax: number },
): Source {
  const { incident, workload, container, linesMax } = of;
  return {
    signal: 'logs.tail',
    async read(signal) {
      const followed = recentLines(workload) ?? [];
      const lines =
        followed.length > 0
          ? followed.slice(-Math.min(linesMax, FOLLOWED_LINES_MAX))
          : await fetchLines(runtime, container, Math.min(linesMax, FETCHED_LINES_MAX), signal);
      onLog?.(incident, lines);
      return {
        value: lines.length,
        text: logText(lines, container.secrets?.redactor),
        note: 'newest lines of its log',
      };
    },
  };
}

async function fetchLines(
  runtime: Pick<ContainerRuntime, 'logs'>,
  { id, tty }: ObservedContainer,
  tail: number,
  signal: AbortSignal,
): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  for await (const line of runtime.logs(id, { tty, tail, follow: false }, signal)) {
    lines.push(line);
    if (lines.length > tail) lines.shift();
  }
  return lines;
}

class TooLateError extends Error {
  override readonly name = 'TooLateError';
}

function rejectWhen(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new TooLateError()), { once: true });
  });
}

function reasonOf(error: unknown): string {
  if (error instanceof TooLateError) return `it took longer than ${KEEP_WITHIN_MS} ms`;
  if (error instanceof LogsUnavailableError) return 'its log driver cannot be read';
  const message = error instanceof Error ? error.message : String(error);
  return cleanLine(message).slice(0, REASON_CHARS_MAX);
}
