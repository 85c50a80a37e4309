import { z } from 'zod';
import { type JournalRecord, RECORD_TYPES } from '#core/journal/record.ts';
import type { HttpSources } from './options.ts';
import { decodeCursor, encodeCursor, PageQuery } from './page.ts';
import { HttpProblem } from './problem.ts';
import { type Route, route } from './route.ts';

/** Most records that one request looks through: a rare filter on a long journal takes several. */
const SCAN_MAX = 20_000;

const AuditRecord = z
  .object({
    seq: z.int(),
    time: z.string(),
    type: z.enum(RECORD_TYPES),
    actor: z.string(),
    incident: z.string(),
    workload: z.string(),
    policy: z.object({ name: z.string(), digest: z.string(), commit: z.string() }).nullable(),
    data: z.record(z.string(), z.unknown()).describe('By type; a snapshot without its state.'),
    prev: z.string(),
    hash: z.string(),
    boot: z.object({ id: z.string(), ms: z.int() }),
  })
  .meta({ id: 'AuditRecord' });

const AuditList = z
  .object({
    kind: z.literal('AuditList'),
    metadata: z.object({
      head: z.object({ seq: z.int(), hash: z.string() }).describe('Keep it elsewhere: it proves.'),
      oldestSeq: z.int(),
      nextCursor: z.string().describe('Where to go on; also at the end, for records to come.'),
      isEnd: z.boolean(),
    }),
    items: z.array(AuditRecord),
  })
  .meta({ id: 'AuditList' });

export function auditRoutes({ journal }: Pick<HttpSources, 'journal'>): Route[] {
  return [
    route({
      method: 'GET',
      path: '/api/v1/audit',
      id: 'listAudit',
      summary: 'Records of the journal, oldest first',
      role: 'viewer',
      query: z.strictObject({
        ...PageQuery,
        from: z.coerce.number().int().min(1).optional().describe('First record.'),
        tail: z.coerce.number().int().min(0).max(500).optional().describe('The last so many.'),
        incident: z.string().optional(),
        workload: z.string().optional().describe('Workload key.'),
        type: z.enum(RECORD_TYPES).optional(),
      }),
      answer: AuditList,
      async handle({ query }) {
        const head = journal.head();
        const start = startOf(query, head.seq);
        const items: JournalRecord[] = [];
        let next = Math.max(start, journal.oldestSeq());
        const end = Math.min(head.seq, next + SCAN_MAX - 1);
        if (next <= end) {
          for await (const record of journal.read(next)) {
            if (record.seq > end || items.length >= query.limit) break;
            next = record.seq + 1;
            if (matches(record, query)) items.push(withoutState(record));
          }
        }
        const nextCursor = encodeCursor(String(next));
        const metadata = {
          head,
          oldestSeq: journal.oldestSeq(),
          nextCursor,
          isEnd: next > head.seq,
        };
        return { kind: 'AuditList', metadata, items };
      },
    }),
  ];
}

interface Start {
  readonly cursor?: string | undefined;
  readonly from?: number | undefined;
  readonly tail?: number | undefined;
}

function startOf({ cursor, from, tail }: Start, headSeq: number): number {
  if ([cursor, from, tail].filter((one) => one !== undefined).length > 1) {
    throw new HttpProblem(400, 'query: give only one of cursor, from and tail');
  }
  if (tail !== undefined) return Math.max(1, headSeq - tail + 1);
  if (cursor === undefined) return from ?? 1;
  const seq = Number(decodeCursor(cursor));
  if (!Number.isSafeInteger(seq)) throw new HttpProblem(400, 'query: cursor: is none of a journal');
  return seq;
}

interface Filter {
  readonly incident?: string | undefined;
  readonly workload?: string | undefined;
  readonly type?: string | undefined;
}

function matches(record: JournalRecord, { incident, workload, type }: Filter): boolean {
  return (
    (incident === undefined || record.incident === incident) &&
    (workload === undefined || record.workload === workload) &&
    (type === undefined || record.type === type)
  );
}

/** The state of a snapshot can be large, and repeats what the records before it say. */
function withoutState(record: JournalRecord): JournalRecord {
  if (record.type !== 'journal.snapshot') return record;
  const { state: _left, ...data } = record.data as { state?: unknown };
  return { ...record, data };
}
