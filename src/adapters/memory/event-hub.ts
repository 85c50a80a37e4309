import type { RuntimeEvent } from '#core/workload/event.ts';

/** Docker keeps this many events for a client that comes back. */
const RING_SIZE = 256;

interface Stream {
  readonly queue: RuntimeEvent[];
  wake: () => void;
  closed: boolean;
}

/** The engine's event stream: a ring for those who come back, a queue for each who listens. */
export class EventHub {
  readonly #ring: RuntimeEvent[] = [];
  readonly #streams = new Set<Stream>();

  /** Events that listeners are not told of, as a daemon skips them for a reader that is slow. */
  skips: (event: RuntimeEvent) => boolean = () => false;

  emit(event: RuntimeEvent): void {
    this.#ring.push(event);
    if (this.#ring.length > RING_SIZE) this.#ring.shift();
    if (this.skips(event)) return;
    for (const stream of this.#streams) {
      stream.queue.push(event);
      stream.wake();
    }
  }

  /** A daemon knows nothing of the time before its start. */
  forget(): void {
    this.#ring.length = 0;
  }

  /** Ends every stream, as a daemon does that restarts. */
  close(): void {
    for (const stream of this.#streams) {
      stream.closed = true;
      stream.wake();
    }
    // What happens from now on is told to those who come back.
    this.#streams.clear();
  }

  async *open(
    { onOpen }: { readonly onOpen: () => void },
    signal: AbortSignal,
  ): AsyncGenerator<RuntimeEvent> {
    const stream: Stream = { queue: [], wake: () => undefined, closed: false };
    const stop = () => stream.wake();
    this.#streams.add(stream);
    signal.addEventListener('abort', stop);
    try {
      onOpen();
      while (!signal.aborted) {
        const event = stream.queue.shift();
        if (event !== undefined) yield event;
        else if (stream.closed) return;
        else await new Promise<void>((resolve) => (stream.wake = resolve));
      }
    } finally {
      signal.removeEventListener('abort', stop);
      this.#streams.delete(stream);
    }
  }

  /** The time of the oldest event that is kept; later than any where there is none. */
  keptSince(): string {
    return this.#ring[0]?.timeNano ?? '9'.repeat(19);
  }

  /** What the ring still has of the span, both ends inclusive. */
  past(sinceNano: string, untilMs: number): RuntimeEvent[] {
    const since = BigInt(sinceNano);
    const until = BigInt(Math.ceil(untilMs)) * 1_000_000n;
    return this.#ring.filter(({ timeNano }) => {
      const at = BigInt(timeNano);
      return at >= since && at <= until;
    });
  }
}
