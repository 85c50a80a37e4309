import { isDiagnosed } from '#core/diagnosis/diagnose.ts';
import type { Incident } from '#core/incident/incident.ts';
import type { JournalRecord } from '#core/journal/record.ts';
import type { ObservedContainer } from '#core/workload/container.ts';
import type { WorkloadKey } from '#core/workload/key.ts';
import type { WorkloadView } from '#core/workload/view.ts';
import { withDeadline } from '#lib/deadline.ts';
import { createLimiter } from '#lib/limiter.ts';
import type { Clock } from '#ports/clock.ts';
import type { ContainerRuntime, LogLine } from '#ports/container-runtime.ts';
import type { OperatorJournal } from './journal-state.ts';
import { RecentLines } from './signals/recent-lines.ts';

export interface IncidentLogsOptions {
  readonly clock: Clock;
  readonly journal: Pick<OperatorJournal, 'state' | 'subscribe'>;
  readonly runtime: Pick<ContainerRuntime, 'logs'>;
  readonly views: () => ReadonlyMap<WorkloadKey, WorkloadView>;
  readonly recentLines: (key: WorkloadKey) => readonly LogLine[];
  /** Most lines that the policy wants looked at; 0: its log is not read. */
  readonly logLinesMax: (key: WorkloadKey) => number;
  /** Resolves when as much as there will be is known of what to take out of a container's words. */
  readonly untilSecretsKnown?: (container: ObservedContainer) => Promise<void>;
  /** The log of an incident is at hand. */
  readonly onLog: (incident: Incident, lines: readonly LogLine[]) => void;
}

/** What a process wrote last reaches the engine's log after the event that it has ended. */
const SETTLE_MS = 1_000;
const READ_WITHIN_MS = 2_000;
const READS_AT_ONCE = 2;
/** Most lines of a log that are at hand for a diagnosis: those that are followed are no more. */
export const INCIDENT_LOG_LINES = 500;
/** Incidents whose lines are at hand: as soon as the diagnosis has them they are forgotten. */
const INCIDENTS_MAX = 64;

interface Snapshot {
  readonly boutAtMs: number;
  readonly lines: readonly LogLine[];
  wasRead: boolean;
}

/**
 * Has the newest lines of a log at hand for the diagnosis of each incident: read once per bout, beside
 * everything else, and kept in memory until they were used. A log that cannot be read is no trouble
 * here: the diagnosis without it stands.
 */
export class IncidentLogs {
  readonly #options: IncidentLogsOptions;
  readonly #snapshots = new Map<string, Snapshot>();
  readonly #reads = createLimiter(READS_AT_ONCE);
  readonly #stopping = new AbortController();

  constructor(options: IncidentLogsOptions) {
    this.#options = options;
  }

  start(): void {
    this.#options.journal.subscribe((records) => {
      for (const record of records) this.#follow(record);
    });
  }

  stop(): void {
    this.#stopping.abort();
  }

  /** Raw, oldest first; `undefined` when there are none for the present bout. */
  linesOf({ name, boutAtMs }: Incident): readonly LogLine[] | undefined {
    const snapshot = this.#snapshots.get(name);
    if (snapshot?.boutAtMs !== boutAtMs) return undefined;
    snapshot.wasRead = true;
    return snapshot.lines;
  }

  /** A look at the workload has ended: what it read, it need not read again. */
  lookedAt(key: WorkloadKey): void {
    const name = this.#options.journal.state().openByWorkload[key] ?? '';
    if (this.#snapshots.get(name)?.wasRead === true) this.#snapshots.delete(name);
  }

  /** Lines that were read for something else, of a container that may soon be gone. */
  offer(name: string, lines: readonly LogLine[]): void {
    const incident = this.#options.journal.state().incidents[name];
    if (incident === undefined || lines.length === 0) return;
    if (isDiagnosed(incident) && incident.diagnosis?.logLines !== undefined) return;
    this.#snapshots.delete(name);
    this.#snapshots.set(name, { boutAtMs: incident.boutAtMs, lines, wasRead: false });
    const [oldest] = this.#snapshots.keys();
    if (this.#snapshots.size > INCIDENTS_MAX && oldest !== undefined) {
      this.#snapshots.delete(oldest);
    }
    this.#options.onLog(incident, lines);
  }

  #follow({ type, workload, incident }: JournalRecord): void {
    if (type === 'incident.opened' || type === 'incident.reopened') this.#readSoon(workload);
    if (type === 'incident.resolved') this.#snapshots.delete(incident);
  }

  #readSoon(key: WorkloadKey): void {
    const { clock, logLinesMax } = this.#options;
    if (logLinesMax(key) === 0) return;
    clock.after(SETTLE_MS, () => {
      // What cannot be read is not looked at; see the class.
      this.#read(key).catch(() => undefined);
    });
  }

  async #read(key: WorkloadKey): Promise<void> {
    const { journal, views, recentLines, logLinesMax } = this.#options;
    const { incidents, openByWorkload } = journal.state();
    const incident = incidents[openByWorkload[key] ?? ''];
    const container = views().get(key)?.container;
    if (this.#stopping.signal.aborted || incident === undefined || container === undefined) return;
    if (this.#snapshots.get(incident.name)?.boutAtMs === incident.boutAtMs) return;
    const max = Math.min(logLinesMax(key), INCIDENT_LOG_LINES);
    await this.#options.untilSecretsKnown?.(container);
    const followed = recentLines(key).slice(-max);
    this.offer(
      incident.name,
      followed.length > 0 ? followed : await this.#reads.run(() => this.#fetch(container, max)),
    );
  }

  #fetch({ id, tty }: ObservedContainer, tail: number): Promise<LogLine[]> {
    const { clock, runtime } = this.#options;
    const read = async (signal: AbortSignal) => {
      const lines = new RecentLines();
      for await (const line of runtime.logs(id, { tty, tail, follow: false }, signal)) {
        lines.add(line);
      }
      return lines.toArray().slice(-tail);
    };
    // A call that does not heed the signal is not waited for: others wait for its place.
    const readOrNone = (signal: AbortSignal) => Promise.race([read(signal), noneWhen(signal)]);
    return withDeadline(clock, READ_WITHIN_MS, readOrNone, this.#stopping.signal);
  }
}

function noneWhen(signal: AbortSignal): Promise<LogLine[]> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve([]), { once: true });
  });
}
