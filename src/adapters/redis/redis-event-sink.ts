import type { Redis } from 'ioredis';
import { z } from 'zod';
import { SinkUnavailableError } from '#core/errors.ts';
import { RedisSettings } from '#core/policy/config-schema.ts';
import type { EventSink, PublishBatch, SinkCursor } from '#ports/event-sink.ts';
import { createConnection, type RedisConnectionOptions } from './connection.ts';
import { PUBLISH_SCRIPT } from './publish-script.ts';

export interface RedisEventSinkOptions extends RedisConnectionOptions {
  /** About how many entries each stream keeps. Default: that of the SentinelConfig. */
  readonly streamLengthMax?: number;
  /** How long an incident's object stays after it is resolved. Default: that of the SentinelConfig. */
  readonly resolvedTtlMs?: number;
  /** Most names in `sentinel:incidents:open`; beyond it the oldest go. Default 10,000. */
  readonly openIncidentsMax?: number;
  /** A key of ours held another type and was renamed. */
  readonly onDisplaced?: (key: string, renamedTo: string) => void;
}

export interface RedisEventSink extends EventSink, AsyncDisposable {
  close(): Promise<void>;
}

export const CHANNEL = 'sentinel:events';
const STREAM_KEYS = { incidents: 'sentinel:incidents', audit: 'sentinel:audit' } as const;
const OPEN_KEY = 'sentinel:incidents:open';
const INCIDENT_PREFIX = 'sentinel:incident:';
/** Where the script finds each stream among its keys. */
const KEY_INDEX = { incidents: '3', audit: '4' } as const;
const DEFAULTS = RedisSettings.parse({});

/**
 * Redis as the place where the world hears Sentinel. Connects when it is first used and again at the
 * first use after a loss; a call on a broken connection fails at once, never waits in a queue.
 *
 * Keys of one script lie in different slots, so Redis Cluster is not supported.
 *
 * @throws {ConfigError} the URL is none for Redis
 */
export function createRedisEventSink(options: RedisEventSinkOptions): RedisEventSink {
  const connection = createConnection(options);
  const limits = [
    options.streamLengthMax ?? DEFAULTS.maxStreamLength,
    Math.ceil((options.resolvedTtlMs ?? DEFAULTS.resolvedTtl) / 1_000),
    options.openIncidentsMax ?? 10_000,
  ].map(String);

  function cursor(journalId: string): Promise<SinkCursor> {
    return connection.run(async (redis) => {
      // Both in one step, or the hash might be of a later record.
      const [seq = null, head] = await readCursor(redis, journalId);
      // Earlier versions wrote a blank between them.
      const [headSeq, hash = ''] = (head ?? '').split(/[: ]/);
      // The script, too, takes anything that is no number for an absent cursor.
      if (seq === null || !/^\d+$/.test(seq)) return { seq: 0, hash: '' };
      return { seq: Number(seq), hash: headSeq === seq ? hash : '' };
    });
  }

  function publish(batch: PublishBatch): Promise<number> {
    const keys = [
      cursorKey(batch.journalId),
      headKey(batch.journalId),
      STREAM_KEYS.incidents,
      STREAM_KEYS.audit,
      OPEN_KEY,
    ];
    const args = [
      String(batch.from),
      String(batch.to),
      batch.toHash,
      ...limits,
      INCIDENT_PREFIX,
      CHANNEL,
      ...entryArguments(batch),
      ...incidentArguments(batch),
      String(batch.messages.length),
      ...batch.messages,
    ];
    return connection.run(async (redis) => {
      const answer = await redis.eval(PUBLISH_SCRIPT, keys.length, ...keys, ...args);
      const [seq, displaced] = parseAnswer(answer);
      for (const [key, renamedTo] of displaced) options.onDisplaced?.(key, renamedTo);
      return seq;
    });
  }

  return {
    cursor,
    publish,
    isUp: () => connection.isUp(),
    close: () => connection.close(),
    [Symbol.asyncDispose]: () => connection.close(),
  };
}

function readCursor(redis: Redis, journalId: string): Promise<(string | null)[]> {
  // MGET answers null for a key of another type; the next publish moves such a key out of the way.
  return redis.mget(cursorKey(journalId), headKey(journalId));
}

function cursorKey(journalId: string): string {
  return `sentinel:outbox:${journalId}`;
}

/** The head, as `sentinel audit verify --head` takes it: `SEQ:HASH`. */
function headKey(journalId: string): string {
  return `${cursorKey(journalId)}:head`;
}

function entryArguments(batch: PublishBatch): string[] {
  const args = [String(batch.entries.length)];
  for (const { stream, fields } of batch.entries) {
    const pairs = Object.entries(fields).flat();
    args.push(KEY_INDEX[stream], String(pairs.length), ...pairs);
  }
  return args;
}

function incidentArguments(batch: PublishBatch): string[] {
  const args = [String(batch.incidents.length)];
  for (const { name, json, openedAtMs, open } of batch.incidents) {
    args.push(name, json, String(openedAtMs), open ? '1' : '0');
  }
  return args;
}

type Displaced = readonly (readonly [key: string, renamedTo: string])[];

const Answer = z.tuple([z.number(), z.array(z.tuple([z.string(), z.string()]))]);

function parseAnswer(answer: unknown): readonly [number, Displaced] {
  const parsed = Answer.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new SinkUnavailableError('Redis gave no usable answer');
}
