import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LogAnomalyDetector, type LogVerdict } from './log-anomaly.ts';

const MINUTE_MS = 60_000;

/** So many requests, of which each line differs. */
function requests(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `GET /orders/${at} 200 in ${at % 9} ms`);
}

/** A detector that has seen `minutes` of about 100 requests a minute and a heartbeat in each. */
function aDetector(minutes: number): LogAnomalyDetector {
  const detector = new LogAnomalyDetector();
  for (let minute = 0; minute < minutes; minute += 1) {
    const lines = [...requests(90 + ((minute * 7) % 20)), 'heartbeat'];
    detector.judge({ lines, durationMs: MINUTE_MS });
  }
  return detector;
}

function kindsOf({ anomalies }: LogVerdict): string[] {
  return anomalies.map(({ kind, template }) => `${kind}: ${template}`);
}

describe('the detector of log anomalies', () => {
  it('finds nothing unusual before it knows what is usual', () => {
    const detector = aDetector(9);

    const early = detector.judge({ lines: ['panic: nil pointer'], durationMs: MINUTE_MS });
    const late = detector.judge({ lines: ['panic: nil map'], durationMs: MINUTE_MS });

    assert.deepEqual(early, { isLearning: true, anomalies: [] });
    assert.equal(late.isLearning, false);
  });

  it('finds nothing in more of the same', () => {
    const detector = aDetector(30);

    const verdict = detector.judge({
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

    const first = detector.judge(window);
    const second = detector.judge(window);

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

    const longer = detector.judge({ lines: requests(500), durationMs: 5 * MINUTE_MS });
    const surge = detector.judge({ lines: requests(500), durationMs: MINUTE_MS });

    assert.deepEqual(kindsOf(longer), []);
    assert.deepEqual(kindsOf(surge), ['surge: GET <*> <*> in <*> ms']);
    const [anomaly] = surge.anomalies;
    assert.ok(anomaly !== undefined && Math.abs(anomaly.expected - 100) < 10);
  });

  it('names what fell silent, unless it was rare', () => {
    const detector = aDetector(30);

    const verdict = detector.judge({ lines: [], durationMs: MINUTE_MS });

    assert.deepEqual(kindsOf(verdict), ['silence: GET <*> <*> in <*> ms']);
  });

  it('puts what speaks of an error first', () => {
    const detector = aDetector(30);
    const lines = [...requests(500), 'cache warmed', 'cache warmed', 'fatal: out of memory'];

    const verdict = detector.judge({ lines, durationMs: MINUTE_MS });

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
      detector.judge({ lines: requests(8 + (minute % 5)), durationMs: MINUTE_MS });
    }

    const anomalies = Array.from({ length: 240 }, () => detector.judge(burst).anomalies.length);

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
    for (let minute = 0; minute < 20; minute += 1) detector.judge(lamps('red', 'blue', 'green'));

    const verdict = detector.judge(lamps('red', 'blue', 'grey'));

    assert.deepEqual(kindsOf(verdict), []);
  });

  it('bounds what it remembers', () => {
    const detector = aDetector(5);
    const letters = Array.from('abcdefghijklm');
    const lines = letters.flatMap((a) =>
      letters.flatMap((b) => letters.map((c) => `${a}${b}${c} came`)),
    );

    detector.judge({ lines, durationMs: MINUTE_MS });

    assert.ok(detector.size > 1_000 && detector.size <= 2_048, String(detector.size));
  });

  it('does not take a name for news where names were seen', () => {
    const detector = aDetector(5);
    for (const user of ['ann', 'ben', 'cy', 'dan', 'eve', 'fay']) {
      detector.judge({ lines: [`session opened for user ${user}`], durationMs: MINUTE_MS });
    }

    const verdict = detector.judge({
      lines: ['session opened for user gus'],
      durationMs: MINUTE_MS,
    });

    assert.deepEqual(
      verdict.anomalies.filter(({ kind }) => kind === 'new'),
      [],
    );
  });

  it('lists no more than twenty, and learns nothing of rates from a window without duration', () => {
    const detector = aDetector(30);
    const lines = Array.from('abcdefghijklmnopqrstuvwxyz', (letter) => `${letter} happened`);

    const instant = detector.judge({ lines: [], durationMs: 0 });
    const { anomalies } = detector.judge({ lines, durationMs: MINUTE_MS });

    assert.deepEqual(instant, { isLearning: true, anomalies: [] });
    assert.equal(anomalies.length, 20);
  });
});
