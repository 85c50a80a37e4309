// What the journal costs: `node bench/journal.ts [RECORDS]`. Prints one line for each figure, and
// ratios to what the same disk does with plain appends in the same run.
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { createFileJournalStorage } from '#adapters/files/journal-storage.ts';
import { createSystemClock } from '#adapters/system/system-clock.ts';
import { openJournal } from '#controller/journal/journal.ts';
import { verifyJournal } from '#controller/journal/verify.ts';
import type { RecordDraft } from '#core/journal/record.ts';
import { tallyReducer } from '../test/support/journal.ts';

const clock = createSystemClock();

const RECORDS = Number(process.argv[2] ?? 100_000);
const AWAITED = 1_000;
const GROUP = 50;

/** The size of a usual record: a verdict with four candidates. */
function aDraft(index: number): RecordDraft {
  return {
    type: 'remediation.considered',
    incident: `inc-20261124-${String(index % 50).padStart(10, '0')}`,
    workload: `host-1/shop/web/${index % 20}`,
    policy: { name: 'shop-web', digest: `sha256:${'a'.repeat(64)}`, commit: 'main@sha1:0123456' },
    data: {
      candidates: ['restart', 'more-memory', 'reload', 'rollback'].map((action) => ({
        id: `${action}-1`,
        verdict: index % 3 === 0 ? 'Permitted' : 'Blocked',
        blockedBy: index % 3 === 0 ? [] : ['Cooldown', 'BudgetExhausted'],
      })),
    },
  };
}

async function measure(what: string, count: number, work: () => Promise<void>): Promise<number> {
  const startedAtMs = performance.now();
  await work();
  const perSecond = count / ((performance.now() - startedAtMs) / 1_000);
  console.log(`${what.padEnd(58)} ${Math.round(perSecond).toLocaleString('en').padStart(9)} /s`);
  return perSecond;
}

const root = await mkdtemp(join(tmpdir(), 'sentinel-bench-'));
const storage = createFileJournalStorage(join(root, 'journal'));
const openBench = (options = {}) =>
  openJournal({
    storage,
    clock,
    reducer: tallyReducer,
    started: { host: 'bench' },
    newJournalId: 'bench',
    yieldToLoop: () => setImmediate(),
    // One segment: a start then replays every record, which is the worst case.
    options: { segmentBytesMax: 1024 ** 3, ...options },
  });

try {
  const journal = await openBench();
  const append = await measure('append, nobody waits', RECORDS, async () => {
    for (let index = 0; index < RECORDS; index += 1) {
      const { durable } = journal.append([aDraft(index)], { durable: false });
      if (index % 5_000 === 4_999) await durable;
    }
    await journal.append([aDraft(0)], { durable: true }).durable;
  });
  const single = await measure('append and wait for the sync, one at a time', AWAITED, async () => {
    for (let index = 0; index < AWAITED; index += 1) {
      await journal.append([aDraft(index)], { durable: true }).durable;
    }
  });
  const grouped = await measure(
    `append and wait for the sync, ${GROUP} at a time`,
    AWAITED * GROUP,
    async () => {
      for (let index = 0; index < AWAITED; index += 1) {
        const group = Array.from(
          { length: GROUP },
          (_, at) => journal.append([aDraft(at)], { durable: true }).durable,
        );
        await Promise.all(group);
      }
    },
  );
  const { seq } = journal.head();
  await journal.close();

  const replay = await measure(
    `replay of ${seq.toLocaleString('en')} records at start`,
    seq,
    async () => {
      const again = await openBench();
      await again.close();
    },
  );
  const verify = await measure('verify', seq, async () => {
    const report = await verifyJournal(storage);
    if (!report.ok) throw new Error(JSON.stringify(report.problems[0]));
  });

  const line = Buffer.alloc(900, 'x');
  const rawPath = join(root, 'raw');
  await using raw = await open(rawPath, 'a');
  const rawSync = await measure(
    'plain file: append and fdatasync, one at a time',
    AWAITED,
    async () => {
      for (let index = 0; index < AWAITED; index += 1) {
        await raw.write(line);
        await raw.datasync();
      }
    },
  );
  const rawAppend = await measure('plain file: append, no sync', 20_000, async () => {
    for (let index = 0; index < 20_000; index += 1) await raw.write(line);
  });

  console.log('');
  for (const [what, ratio] of [
    ['append with sync / plain append with sync', single / rawSync],
    ['append with shared sync / plain append with sync', grouped / rawSync],
    ['append / plain append', append / rawAppend],
    ['verify / replay', verify / replay],
  ] as const) {
    console.log(`${what.padEnd(58)} ${ratio.toFixed(2).padStart(9)} x`);
  }
  console.log(
    `${'start with 100,000 records in one segment'.padEnd(58)} ${(1e5 / replay).toFixed(2).padStart(9)} s`,
  );
} finally {
  await storage.close();
  await rm(root, { recursive: true, force: true });
}
