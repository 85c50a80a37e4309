import { Redis } from 'ioredis';
import type { IncidentObject } from '#core/projection/schema.ts';

const INCIDENTS = 'sentinel:incidents';
const AUDIT = 'sentinel:audit';
const BLOCK_MS = 1_000;

/** One entry of the stream `sentinel:incidents`: what happened, and the incident after it. */
export interface Change {
  /** Type of the journal's record, such as `incident.opened`. */
  readonly type: string;
  readonly incident: IncidentObject;
  /** When it was recorded, epoch milliseconds. Records that nothing waits for are heard later. */
  readonly atMs: number;
}

/** Hears what the operator publishes in Redis, as any consumer of it would. */
export class Feed implements AsyncDisposable {
  readonly #redis: Redis;
  readonly #listeners = new Set<(change: Change) => void>();
  /** Number of a record → epoch milliseconds. */
  readonly #times = new Map<string, number>();
  #closed = false;

  constructor(url: string) {
    this.#redis = new Redis(url, { lazyConnect: true });
    this.#redis.on('error', () => {
      // A lost connection ends the reading below; there it is told once.
    });
  }

  /** Reads until it is closed; rejects when Redis goes away before. */
  async run(): Promise<void> {
    const last: Record<string, string> = { [AUDIT]: '0', [INCIDENTS]: '0' };
    while (!this.#closed) {
      let answer: Awaited<ReturnType<Redis['xread']>>;
      try {
        const names = Object.keys(last);
        const ids = Object.values(last);
        answer = await this.#redis.xread('BLOCK', BLOCK_MS, 'STREAMS', ...names, ...ids);
      } catch (error) {
        if (this.#closed) return;
        throw error;
      }
      for (const [stream, entries] of answer ?? []) {
        for (const [id, fields] of entries) {
          last[stream] = id;
          this.#hear(stream, fieldsOf(fields));
        }
      }
    }
  }

  /** @returns ends the subscription */
  listen(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Both streams get a record in one step, and the audit stream, asked for first, tells its time. */
  #hear(stream: string, fields: Readonly<Record<string, string>>): void {
    const { seq = '', time = '', type = '', incident = '' } = fields;
    if (stream === AUDIT) {
      this.#times.set(seq, Date.parse(time));
      return;
    }
    const change: Change = {
      type,
      incident: JSON.parse(incident) as IncidentObject,
      atMs: this.#times.get(seq) ?? Date.now(),
    };
    for (const listener of this.#listeners) listener(change);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#redis.disconnect();
  }
}

/** What Redis holds once the operator has stopped. */
export interface Published {
  /** Name of a stream → how many entries it has. */
  readonly lengths: Readonly<Record<string, number>>;
  /** Number and hash of the last record: against it a cut or rewritten journal shows. */
  readonly head: string;
}

export async function published(url: string): Promise<Published> {
  const redis = new Redis(url);
  try {
    const [incidents, audit, newest] = await Promise.all([
      redis.xlen(INCIDENTS),
      redis.xlen(AUDIT),
      redis.xrevrange(AUDIT, '+', '-', 'COUNT', 1),
    ]);
    const { seq = '', hash = '' } = fieldsOf(newest[0]?.[1] ?? []);
    return { lengths: { [INCIDENTS]: incidents, [AUDIT]: audit }, head: `${seq}:${hash}` };
  } finally {
    redis.disconnect();
  }
}

function fieldsOf(flat: readonly string[]): Readonly<Record<string, string>> {
  const fields: Record<string, string> = {};
  for (let index = 0; index + 1 < flat.length; index += 2) {
    fields[flat[index] ?? ''] = flat[index + 1] ?? '';
  }
  return fields;
}
