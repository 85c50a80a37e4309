// Appends to the journal in argv[2] until it is killed, and prints "seq hash" for each record that
// was acknowledged as durable.
import { createFileJournalStorage } from '#adapters/files/journal-storage.ts';
import { createSystemClock } from '#adapters/system/system-clock.ts';
import { aNote, openTestJournal } from './journal.ts';

const clock = createSystemClock();

const [, , directory = ''] = process.argv;
const journal = await openTestJournal({
  storage: createFileJournalStorage(directory),
  clock,
  options: { segmentBytesMax: 20_000 },
});
for (let index = 0; ; index += 1) {
  const drafts = [aNote(`inc-${index % 7}`, 'x'.repeat(index % 400)), aNote('inc-0')];
  const { records, durable } = journal.append(drafts, { durable: true });
  journal.append([aNote('nobody waits')], { durable: false });
  await durable;
  for (const { seq, hash } of records) process.stdout.write(`${seq} ${hash}\n`);
}
