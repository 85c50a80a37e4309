import assert from 'node:assert/strict';
import { Redis } from 'ioredis';
import type { JournalRecord } from '#core/journal/record.ts';
import { eventually } from './engine.ts';
import type { TestRedis } from './redis.ts';
import { HOST, type SentinelProcess } from './sentinel-process.ts';

type Fields = Readonly<Record<string, string>>;

/** Entries of one of Sentinel's streams, oldest first, as objects of their fields. */
export async function streamOf({ url }: TestRedis, name: string): Promise<Fields[]> {
  const client = new Redis(url);
  try {
    const entries = await client.xrange(`sentinel:${name}`, '-', '+');
    return entries.map(([, pairs]) => {
      const fields: Record<string, string> = {};
      for (let at = 0; at + 1 < pairs.length; at += 2)
        fields[pairs[at] ?? ''] = pairs[at + 1] ?? '';
      return fields;
    });
  } finally {
    client.disconnect();
  }
}

const seqsOf = (entries: readonly Fields[]): number[] => entries.map(({ seq }) => Number(seq));

/** Waits until Redis has every record that is on disk, and returns those. */
export async function untilPublished(
  operator: SentinelProcess,
  redis: TestRedis,
): Promise<JournalRecord[]> {
  return eventually(
    async () => {
      const records = await operator.records();
      const published = seqsOf(await streamOf(redis, 'audit'));
      return published.at(-1) === records.length ? records : undefined;
    },
    { what: 'an empty outbox', timeoutMs: 40_000 },
  );
}

/** Each record once, in the journal's order; of the incidents' stream those that speak of one. */
export async function assertComplete(
  records: readonly JournalRecord[],
  redis: TestRedis,
): Promise<void> {
  const audit = await streamOf(redis, 'audit');
  assert.deepEqual(
    seqsOf(audit),
    records.map(({ seq }) => seq),
  );
  const incidents = await streamOf(redis, 'incidents');
  const seqs = seqsOf(incidents);
  assert.deepEqual(
    seqs,
    [...new Set(seqs)].sort((a, b) => a - b),
  );
  const told = records.filter(({ type }) => type.startsWith('incident.')).map(({ seq }) => seq);
  assert.deepEqual(
    told.filter((seq) => !seqs.includes(seq)),
    [],
  );
  assert.ok([...audit, ...incidents].every(({ host }) => host === HOST));
  assert.equal(new Set([...audit, ...incidents].map(({ journal }) => journal)).size, 1);
}
