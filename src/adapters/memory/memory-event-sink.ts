import { SinkUnavailableError } from '#core/errors.ts';
import type {
  EventSink,
  IncidentKey,
  PublishBatch,
  SinkCursor,
  StreamEntry,
} from '#ports/event-sink.ts';

/** How a sink fails: it takes nothing, or it takes the batch and its answer is lost. */
export type SinkFault = 'down' | 'reply-lost';

export interface MemoryEventSink extends EventSink {
  setFault(fault: SinkFault | undefined): void;
  /** All that was published to one stream, oldest first. */
  stream(name: StreamEntry['stream']): readonly StreamEntry['fields'][];
  incidents(): ReadonlyMap<string, IncidentKey>;
  messages(): readonly string[];
  /** Forgets everything, as a Redis without persistence does when it restarts. */
  clear(): void;
}

/**
 * An unbounded sink in memory, for tests and simulation.
 *
 * @param onTaken told of each batch that was taken
 */
export function createMemoryEventSink(
  onTaken: (batch: PublishBatch) => void = () => undefined,
): MemoryEventSink {
  const cursors = new Map<string, SinkCursor>();
  const incidents = new Map<string, IncidentKey>();
  let entries: StreamEntry[] = [];
  let messages: string[] = [];
  let fault: SinkFault | undefined;
  let isReached = false;

  function cursorOf(journalId: string): SinkCursor {
    return cursors.get(journalId) ?? { seq: 0, hash: '' };
  }

  function reach(fails: boolean): void {
    isReached = !fails;
    if (fails) throw new SinkUnavailableError('the sink cannot be reached');
  }

  function take(batch: PublishBatch): number {
    const { seq } = cursorOf(batch.journalId);
    if (seq !== batch.from) return seq;
    entries.push(...batch.entries);
    for (const incident of batch.incidents) incidents.set(incident.name, incident);
    messages.push(...batch.messages);
    cursors.set(batch.journalId, { seq: batch.to, hash: batch.toHash });
    onTaken(batch);
    return batch.to;
  }

  return {
    async cursor(journalId) {
      reach(fault === 'down');
      return cursorOf(journalId);
    },
    async publish(batch) {
      reach(fault === 'down');
      const seq = take(batch);
      reach(fault === 'reply-lost');
      return seq;
    },
    isUp: () => isReached,

    setFault: (next) => {
      fault = next;
    },
    stream: (name) => entries.filter(({ stream }) => stream === name).map(({ fields }) => fields),
    incidents: () => incidents,
    messages: () => messages,
    clear() {
      cursors.clear();
      incidents.clear();
      entries = [];
      messages = [];
    },
  };
}
