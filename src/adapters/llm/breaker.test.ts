import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Breaker, type BreakerEnd, createBreaker } from './breaker.ts';

const FAILED: BreakerEnd = { kind: 'Failed', message: 'it is down' };
const OPEN = { kind: 'Open', message: 'it is down' } as const;

function aBreaker() {
  const clock = { nowMs: 0, bootMs: () => clock.nowMs };
  return { clock, breaker: createBreaker(clock) };
}

function send(breaker: Breaker, how: BreakerEnd): string {
  const admission = breaker.admit();
  if (admission.kind === 'Admitted') admission.end(how);
  return admission.kind;
}

function fail(breaker: Breaker, times: number): void {
  for (let time = 0; time < times; time += 1) send(breaker, FAILED);
}

describe('the circuit breaker', () => {
  it('opens after five failures in a row', () => {
    const { breaker } = aBreaker();

    fail(breaker, 4);
    send(breaker, { kind: 'Well' });
    fail(breaker, 4);
    assert.equal(breaker.openFor(), undefined);
    fail(breaker, 1);

    assert.deepEqual(breaker.admit(), OPEN);
    assert.equal(breaker.openFor(), 'it is down');
  });

  it('lets one request find out after half a minute, and no second one beside it', () => {
    const { clock, breaker } = aBreaker();
    fail(breaker, 5);

    clock.nowMs = 29_999;
    assert.equal(breaker.admit().kind, 'Open');
    clock.nowMs = 30_000;
    const trial = breaker.admit();

    assert.ok(trial.kind === 'Admitted');
    assert.deepEqual(breaker.admit(), OPEN);
    trial.end({ kind: 'Well' });
    assert.equal(send(breaker, FAILED), 'Admitted');
    assert.equal(breaker.openFor(), undefined);
  });

  it('waits twice as long after each trial that fails, at most ten minutes', () => {
    const { clock, breaker } = aBreaker();
    fail(breaker, 5);

    const pausesMs = Array.from({ length: 7 }, () => {
      const openedAtMs = clock.nowMs;
      while (send(breaker, FAILED) === 'Open') clock.nowMs += 10_000;
      return clock.nowMs - openedAtMs;
    });

    const expected = [30, 60, 120, 240, 480, 600, 600].map((seconds) => seconds * 1_000);
    assert.deepEqual(pausesMs, expected);
  });

  it('lets another find out when the one that should was cancelled', () => {
    const { clock, breaker } = aBreaker();
    fail(breaker, 5);
    clock.nowMs = 30_000;

    send(breaker, { kind: 'Unknown' });

    assert.equal(send(breaker, { kind: 'Well' }), 'Admitted');
    assert.equal(breaker.openFor(), undefined);
  });

  it('counts a request once, however often its end is told', () => {
    const { breaker } = aBreaker();
    const admission = breaker.admit();
    assert.ok(admission.kind === 'Admitted');

    for (let time = 0; time < 5; time += 1) admission.end(FAILED);

    assert.equal(breaker.openFor(), undefined);
  });

  it('shuts at once for what a person must mend', () => {
    const { clock, breaker } = aBreaker();

    send(breaker, { kind: 'Shut', message: 'the key is wrong', forMs: 600_000 });

    assert.deepEqual(breaker.admit(), { kind: 'Open', message: 'the key is wrong' });
    clock.nowMs = 600_000;
    assert.equal(breaker.admit().kind, 'Admitted');
  });

  it('rests for the longest time that it was asked to', () => {
    const { clock, breaker } = aBreaker();

    breaker.rest(5_000);
    breaker.rest(1_000);

    assert.deepEqual(breaker.admit(), { kind: 'Resting', waitMs: 5_000 });
    clock.nowMs = 5_000;
    assert.equal(breaker.admit().kind, 'Admitted');
  });
});
