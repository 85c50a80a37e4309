import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isTelling, LogAnomalyDetector, type LogVerdict } from './log-anomaly.ts';

const MINUTE_MS = 60_000;

/** So many requests, of which each line differs. */
function requests(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `GET /orders/${at} 200 in ${at % 9} ms`);
}

interface Window {
  readonly lines: readonly string[];
  readonly durationMs: number;
  readonly isPartial?: boolean;
}

function judge(detector: LogAnomalyDetector, { lines, ...window }: Window): LogVerdict {
  for (const line of lines) detector.add(line);
  return detector.judge(window);
}

/** A detector that has seen `minutes` of about 100 requests a minute and a heartbeat in each. */
function aDetector(minutes: number): LogAnomalyDetector {
  const detector = new LogAnomalyDetector();
  for (let minute = 0; minute < minutes; minute += 1) {
    const lines = [...requests(90 + ((minute * 7) % 20)), 'heartbeat'];
    judge(detector, { lines, durationMs: MINUTE_MS });
  }
  return detector;
}

function kindsOf({ anomalies }: LogVerdict): string[] {
  return anomalies.map(({ kind, template }) => `${kind}: ${template}`);
}

describe('the detector of log anomalies', () => {
  it('finds nothing unusual before it knows what is usual', () => {
    const detector = aDetector(9);

    const early = judge(detector, { lines: ['panic: nil pointer'], durationMs: MINUTE_MS });
    const late = judge(detector, { lines: ['panic: nil map'], durationMs: MINUTE_MS });

    assert.deepEqual(early, { isLearning: true, anomalies: [] });
    assert.equal(late.isLearning, false);
  });

  it('finds nothing in more of the same', () => {
    const detector = aDetector(30);

    const verdict = judge(detector, {
      lines: [...requests(104), 'heartbeat'],
      durationMs: MINUTE_MS,
    });

    assert.deepEqual(verdict, { isLearning: false, anomalies: [] });
  });

  it('names a template that is new, once', () => {
    const detector = aDetector(30);
    const window = {
      lines: [...requests(100), 'cannot reach db-1 at 10.0.0.7', 'cannot reach db-2 at 10.0.0.8'],
      durationMs: MINUTE_MS,
    };

    const first = judge(detector, window);
    const second = judge(detector, window);

    assert.deepEqual(first.anomalies, [
      {
        kind: 'new',
        template: 'cannot reach db-<*> at <*>',
        count: 2,
        expected: 0,
        isGrave: false,
        example: 'cannot reach db-1 at 10.0.0.7',
      },
    ]);
    assert.deepEqual(second.anomalies, []);
  });

  it('names what comes far more often, in proportion to the length of the window', () => {
    const detector = aDetector(30);

    const longer = judge(detector, { lines: requests(500), durationMs: 5 * MINUTE_MS });
    const surge = judge(detector, { lines: requests(500), durationMs: MINUTE_MS });

    assert.deepEqual(kindsOf(longer), []);
    assert.deepEqual(kindsOf(surge), ['surge: GET <*> <*> in <*> ms']);
    const [anomaly] = surge.anomalies;
    assert.ok(anomaly !== undefined && Math.abs(anomaly.expected - 100) < 10);
  });

  it('names what fell silent, unless it was rare', () => {
    const detector = aDetector(30);

    const verdict = judge(detector, { lines: [], durationMs: MINUTE_MS });

    assert.deepEqual(kindsOf(verdict), ['silence: GET <*> <*> in <*> ms']);
  });

  it('puts what speaks of an error first', () => {
    const detector = aDetector(30);
    const lines = [...requests(500), 'cache warmed', 'cache warmed', 'fatal: out of memory'];

    const verdict = judge(detector, { lines, durationMs: MINUTE_MS });

    assert.deepEqual(kindsOf(verdict), [
      'new: fatal: out of memory',
      'new: cache warmed',
      'surge: GET <*> <*> in <*> ms',
    ]);
  });

  it('takes a level for usual that stays, and not after some bursts', () => {
    const detector = new LogAnomalyDetector();
    const burst = { lines: requests(80), durationMs: MINUTE_MS };
    for (let minute = 0; minute < 30; minute += 1) {
      judge(detector, { lines: requests(8 + (minute % 5)), durationMs: MINUTE_MS });
    }

    const anomalies = Array.from({ length: 240 }, () => judge(detector, burst).anomalies.length);

    assert.deepEqual(
      anomalies.slice(0, 10),
      Array.from({ length: 10 }, () => 1),
    );
    assert.equal(anomalies.at(-1), 0);
  });

  it('adds up what was usual for templates that turn out to be one', () => {
    const detector = aDetector(5);
    const lamps = (...colours: readonly string[]) => ({
      lines: colours.flatMap((colour) =>
        Array.from({ length: 20 }, () => `the ${colour} lamp was lit again`),
      ),
      durationMs: MINUTE_MS,
    });
    for (let minute = 0; minute < 20; minute += 1) judge(detector, lamps('red', 'blue', 'green'));

    const verdict = judge(detector, lamps('red', 'blue', 'grey'));

    assert.deepEqual(kindsOf(verdict), []);
  });

  it('bounds what it remembers', () => {
    const detector = aDetector(5);
    const letters = Array.from('abcdefghijklm');
    const lines = letters.flatMap((a) =>
      letters.flatMap((b) => letters.map((c) => `${a}${b}${c} came`)),
    );

    judge(detector, { lines, durationMs: MINUTE_MS });

    assert.ok(detector.size > 1_000 && detector.size <= 2_048, String(detector.size));
  });

  it('does not take a name for news where names were seen', () => {
    const detector = aDetector(5);
    for (const user of ['ann', 'ben', 'cy', 'dan', 'eve', 'fay']) {
      judge(detector, { lines: [`session opened for user ${user}`], durationMs: MINUTE_MS });
    }

    const verdict = judge(detector, {
      lines: ['session opened for user gus'],
      durationMs: MINUTE_MS,
    });

    assert.deepEqual(
      verdict.anomalies.filter(({ kind }) => kind === 'new'),
      [],
    );
  });

  it('tells of what is unusual before the window ends, and of no silence then', () => {
    const detector = aDetector(30);
    for (const line of ['panic: nil map', ...requests(2)]) detector.add(line);

    const soFar = detector.peek({ durationMs: MINUTE_MS / 2, isPartial: true });
    const atLast = detector.judge({ durationMs: MINUTE_MS });

    assert.deepEqual(kindsOf({ isLearning: false, anomalies: soFar }), ['new: panic: nil map']);
    assert.deepEqual(kindsOf(atLast), ['new: panic: nil map', 'silence: GET <*> <*> in <*> ms']);
  });

  it('takes missing lines neither for silence nor for what is usual', () => {
    const detector = aDetector(30);
    const few = { lines: requests(1), durationMs: MINUTE_MS };

    const partial = Array.from({ length: 60 }, () => judge(detector, { ...few, isPartial: true }));
    const whole = judge(detector, few);

    assert.deepEqual(
      partial.flatMap(({ anomalies }) => anomalies),
      [],
    );
    assert.deepEqual(kindsOf(whole), ['silence: GET <*> <*> in <*> ms']);
  });

  it('holds no more templates than its miner, and of a line no more than its beginning', () => {
    const detector = new LogAnomalyDetector({ patternsMax: 50, tokensMax: 1_000 });
    for (let minute = 0; minute < 12; minute += 1) {
      judge(detector, { lines: ['heartbeat'], durationMs: MINUTE_MS });
    }
    const letters = Array.from('abcdefghijklmnopqrst');
    const lines = letters.flatMap((a) => letters.map((b) => `${a}${b} came ${'x'.repeat(9_000)}`));

    const { anomalies } = judge(detector, { lines, durationMs: MINUTE_MS });

    assert.ok(detector.size <= 50, String(detector.size));
    assert.ok(anomalies.length > 0);
    assert.ok(anomalies.every(({ example = '' }) => example.length <= 501));
  });

  it('looks no further in a window that brings more than may be remembered', () => {
    const detector = new LogAnomalyDetector({ patternsMax: 30, tokensMax: 1_000 });
    const usual = { lines: requests(100), durationMs: MINUTE_MS };
    for (let minute = 0; minute < 12; minute += 1) judge(detector, usual);
    const flood = Array.from('abcdefghijklmnopqrstuvwxyzäöüßéè', (letter) => `${letter} came`);

    const flooded = judge(detector, {
      lines: [...flood, 'panic: nobody sees it', ...requests(100)],
      durationMs: MINUTE_MS,
    });
    const after = judge(detector, usual);

    assert.equal(kindsOf(flooded).length, 20);
    assert.doesNotMatch(kindsOf(flooded).join(), /silence|panic/);
    assert.doesNotMatch(kindsOf(after).join(), /silence|surge/);
  });

  it('thinks a new line telling only if it speaks of an error', () => {
    const detector = aDetector(30);
    const lines = [...requests(500), 'cache warmed', 'fatal: no memory'];

    const { anomalies } = judge(detector, { lines, durationMs: MINUTE_MS });

    assert.deepEqual(
      anomalies.map((anomaly) => [anomaly.kind, isTelling(anomaly)]),
      [
        ['new', true],
        ['new', false],
        ['surge', true],
      ],
    );
  });

  it('lists no more than twenty, and learns nothing of rates from a window without duration', () => {
    const detector = aDetector(30);
    const lines = Array.from('abcdefghijklmnopqrstuvwxyz', (letter) => `${letter} happened`);

    const instant = judge(detector, { lines: [], durationMs: 0 });
    const { anomalies } = judge(detector, { lines, durationMs: MINUTE_MS });

    assert.deepEqual(instant, { isLearning: true, anomalies: [] });
    assert.equal(anomalies.length, 20);
  });
});
