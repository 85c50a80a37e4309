import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AttemptObject } from '#core/projection/schema.ts';
import { type Expectation, isOver, judge, type Seen } from './judge.ts';
import { anAttempt, anIncident, BROKEN_AT_MS } from './test-incident.ts';

const remediated: Expectation = {
  service: 'web',
  threshold: 'crash',
  causes: ['Crashed'],
  end: { kind: 'Remediated', action: 'restart', tool: 'docker/restart_container' },
  detectWithinMs: 2_000,
  endWithinMs: 10_000,
};
const restrained: Expectation = {
  ...remediated,
  end: { kind: 'NotActed', heldBy: 'DeniedWindow', watchedMs: 3_000 },
};

function seen(incident: Seen['incident'], more: Partial<Seen> = {}): Seen {
  const nowMs = BROKEN_AT_MS + 8_000;
  return { incident, refusals: new Set(), brokenAtMs: BROKEN_AT_MS, nowMs, ...more };
}

describe('judge', () => {
  it('has nothing to say when the one expected action worked in time', () => {
    const problems = judge(remediated, seen(anIncident()));

    assert.deepEqual(problems, []);
  });

  it('does not count what was held back at the last look as a second action', () => {
    const attempts = [anAttempt({ outcome: 'NotExecuted' }), anAttempt()];

    const problems = judge(remediated, seen(anIncident({ attempts })));

    assert.deepEqual(problems, []);
  });

  for (const [name, status, expected] of [
    ['another action', { attempts: [anAttempt({ action: 'stop' })] }, /saw stop/],
    ['two actions', { attempts: [anAttempt(), anAttempt()] }, /one action, saw restart, restart/],
    ['no action', { attempts: [] as AttemptObject[] }, /one action, saw none/],
    ['a failed call', { attempts: [anAttempt({ outcome: 'Failed' })] }, /saw Failed/],
    ['another end', { resolution: 'SelfRecovered' }, /resolution Remediated, saw SelfRecovered/],
    ['an end too late', { resolvedAt: at(10_001) }, /an end in 10000 ms, saw 10001/],
    ['a second bout', { reopens: 1 }, /one bout, saw 1 more/],
  ] as const) {
    it(`names what was expected and seen for ${name}`, () => {
      const problems = judge(remediated, seen(anIncident(status as object)));

      assert.equal(problems.length, 1);
      assert.match(problems[0] ?? '', expected);
    });
  }

  it('says so when nothing was noticed at all', () => {
    const problems = judge(remediated, seen(undefined));

    assert.deepEqual(problems, ['web: expected an incident, saw none']);
  });

  it('wants nothing done, and the reason for it, where the policy forbids', () => {
    const open = anIncident({ attempts: [], phase: 'Open' });

    const right = judge(restrained, seen(open, { refusals: new Set(['DeniedWindow']) }));
    const wrong = judge(restrained, seen(anIncident(), { refusals: new Set(['Cooldown']) }));

    assert.deepEqual(right, []);
    assert.match(wrong.join('\n'), /no action, saw restart.*\n.*DeniedWindow, saw Cooldown/);
  });
});

describe('isOver', () => {
  it('is over at the resolution, and at the latest when time is up', () => {
    const open = anIncident({ phase: 'Verifying' });

    const atResolution = isOver(remediated, seen(anIncident()));
    const before = isOver(remediated, seen(open));
    const tooLate = isOver(remediated, seen(open, { nowMs: BROKEN_AT_MS + 10_001 }));

    assert.deepEqual([atResolution, before, tooLate], [true, false, true]);
  });

  it('watches for as long as it should that nothing is done', () => {
    const open = anIncident({ attempts: [], phase: 'Open' });

    const early = isOver(restrained, seen(open, { nowMs: BROKEN_AT_MS + 3_000 }));
    const late = isOver(restrained, seen(open, { nowMs: BROKEN_AT_MS + 4_000 }));

    assert.deepEqual([early, late], [false, true]);
  });
});

function at(afterMs: number): string {
  return new Date(BROKEN_AT_MS + afterMs).toISOString();
}
