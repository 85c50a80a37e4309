// What a followed log line costs, from the runtime's stream to the counters, by what a policy wants to
// know of it: `node bench/log-path.ts [SECONDS]`. Each line is looked at: 1,000 a second of a clock that
// does not wait.
import { policyWith, SignalBench } from '../test/support/signals.ts';

const SECONDS = Number(process.argv[2] ?? 120);
const LINES_PER_SECOND = 1_000;

const RATE = { name: 'rate', signal: 'log.rate', above: 1e9, window: '1m' };
const ERRORS = { name: 'errors', signal: 'log.errors', above: 1e9, window: '1m' };
const FATAL = {
  name: 'fatal',
  signal: 'log.matches',
  pattern: 'FATAL|OutOfMemory',
  above: 1e9,
  window: '1m',
};
const NOVEL = { name: 'novel', signal: 'log.anomaly', above: 1e9, window: '5m' };
const WANTS = {
  rate: [RATE],
  'rate, errors, a pattern': [RATE, ERRORS, FATAL],
  'the same and anomalies': [RATE, ERRORS, FATAL, NOVEL],
};

/** A number in letters: digits are values to whoever looks for the forms of lines. */
function letters(number: number): string {
  return number.toString(26).replace(/\d/g, (digit) => 'qrstuvwxyz'[Number(digit)] ?? '');
}

const LINES: Readonly<Record<string, (at: number) => string>> = {
  'requests of one form': (at) =>
    `2026-11-24T10:00:${at % 60} INFO [req-${at}] GET /orders/${at * 7} from 10.0.${at % 256}.9 200 in ${at % 90} ms`,
  'each of a form of its own': (at) =>
    `${letters(at)} ${letters(at * 31)} happened to ${letters(at * 13)} and then ${letters(at * 7)} was seen again`,
};

for (const [form, line] of Object.entries(LINES)) {
  for (const [what, thresholds] of Object.entries(WANTS)) {
    const microseconds = await costOf(thresholds, line);
    const perSecond = Math.round(1_000_000 / microseconds / 1_000) * 1_000;
    console.log(`${form}; ${what}: ${microseconds.toFixed(2)} µs a line, ${perSecond} lines/s`);
  }
}

async function costOf(
  thresholds: readonly Record<string, unknown>[],
  line: (at: number) => string,
): Promise<number> {
  const bench = new SignalBench(policyWith(thresholds));
  const { engine, clock } = bench;
  await engine.add({ name: 'web' });
  engine.logs = async function* logs(_id, _query, signal) {
    for (let at = 0; signal?.aborted !== true; at += 1) {
      if (at % LINES_PER_SECOND === 0) await clock.sleep(1_000, signal);
      const timestamp = new Date(clock.wallMs()).toISOString();
      yield { timestamp, stream: 'stdout', text: line(at), truncated: false };
    }
  };
  await bench.start();
  await clock.advance(10_000);
  const before = process.cpuUsage();
  const read = bench.lines;
  await clock.advance(SECONDS * 1_000);
  const { user, system } = process.cpuUsage(before);
  const cost = (user + system) / (bench.lines - read);
  if (Object.keys(bench.dropped).length > 0) throw new Error('lines were not looked at');
  await bench.stop();
  return cost;
}
