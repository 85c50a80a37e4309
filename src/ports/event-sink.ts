/** One entry of one stream. Field values are strings, as Redis keeps them. */
export interface StreamEntry {
  readonly stream: 'incidents' | 'audit';
  readonly fields: Readonly<Record<string, string>>;
}

/** The last known state of one incident, for readers that want the object and not its history. */
export interface IncidentKey {
  readonly name: string;
  readonly json: string;
  /** Epoch milliseconds of its opening: the order of the set of open incidents. */
  readonly openedAtMs: number;
  readonly open: boolean;
}

/** The last record that was published for a journal. */
export interface SinkCursor {
  /** 0 when nothing was published. */
  readonly seq: number;
  /** The record's hash, which tells a journal from its own restored backup; empty if unknown. */
  readonly hash: string;
}

export interface PublishBatch {
  readonly journalId: string;
  /** The cursor that must hold before; 0 when nothing was published for this journal. */
  readonly from: number;
  /** The cursor after: the sequence number of the last record in the batch. */
  readonly to: number;
  /** Hash of that record. */
  readonly toHash: string;
  readonly entries: readonly StreamEntry[];
  readonly incidents: readonly IncidentKey[];
  /** Messages for those who listen right now (at most once). */
  readonly messages: readonly string[];
}

/**
 * How the world hears the journal; never an authority. One batch is taken whole or not at all, and
 * each record once per journal: the cursor lies where the entries lie.
 *
 * All methods throw {@link SinkUnavailableError} when the sink cannot be reached.
 */
export interface EventSink {
  cursor(journalId: string): Promise<SinkCursor>;
  /** @returns the cursor that now holds: other than `to` when another value than `from` held */
  publish(batch: PublishBatch): Promise<number>;
  /** Whether the last call reached the sink. */
  isUp(): boolean;
}
