import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aContainer, aPolicy, health, Scenario } from '../../test/support/scenario.ts';
import { ownIntentOn } from './own-intent.ts';

const KEY = 'box/web';

function acting() {
  const scenario = new Scenario(aPolicy());
  const container = aContainer('web', { health: health('unhealthy') });
  scenario.put(container);
  scenario.reconcile(KEY);
  const ask = (more: Partial<Parameters<typeof ownIntentOn>[1]> = {}) =>
    ownIntentOn(scenario.state, {
      nowMs: scenario.nowMs,
      containerId: container.id,
      label: undefined,
      eventWallMs: scenario.wallMs,
      isReplayed: false,
      wasCalled: () => true,
      ...more,
    });
  return { scenario, ask };
}

describe('an event is ours', () => {
  it('on the target, once the tool was called', () => {
    assert.ok(acting().ask());
  });

  it('never before the tool was called', () => {
    assert.equal(acting().ask({ wasCalled: () => false }), undefined);
  });

  it('never on another container', () => {
    assert.equal(acting().ask({ containerId: 'another' }), undefined);
  });

  it('on a container that was made under the intent', () => {
    const { scenario, ask } = acting();
    const label = scenario.incident(KEY)?.attempts[0]?.intent ?? assert.fail();

    assert.ok(ask({ containerId: 'new', label }));
    assert.equal(ask({ containerId: 'new', label: 'of-another' }), undefined);
  });

  it('never for an intent that was not executed', () => {
    const { scenario, ask } = acting();
    scenario.complete(KEY, { outcome: 'NotExecuted' });

    assert.equal(ask(), undefined);
  });

  it('a moment after the end, and not long after', () => {
    const { scenario, ask } = acting();
    scenario.complete(KEY);

    assert.ok(ask());
    scenario.pass(60_000);
    assert.equal(ask(), undefined);
  });

  for (const [what, end, beforeMs, isOurs] of [
    ['an open one', undefined, 0, true],
    ['an open one', undefined, 251, false],
    ['one that ended a moment ago', 'Succeeded', 0, true],
    ['one that ended a moment ago', 'Succeeded', 251, false],
    ['one whose fate is unknown', 'OutcomeUnknown', 0, true],
    ['one whose fate is unknown', 'OutcomeUnknown', 251, false],
  ] as const) {
    it(`${isOurs ? '' : 'never '}by ${what}, told late, ${beforeMs} ms before the intent`, () => {
      const { scenario, ask } = acting();
      const eventWallMs = scenario.wallMs - beforeMs;
      if (end !== undefined) scenario.complete(KEY, { outcome: end });

      assert.equal(ask({ eventWallMs, isReplayed: true }) !== undefined, isOurs);
    });
  }

  it('whatever the clocks say, while the call is under way and the event is heard', () => {
    const { scenario, ask } = acting();

    assert.ok(ask({ eventWallMs: scenario.wallMs - 60_000 }));
  });

  it('which is over once the call was answered, and not where nobody knows', () => {
    const endedAs = (outcome?: 'Succeeded' | 'OutcomeUnknown') => {
      const { scenario, ask } = acting();
      if (outcome !== undefined) scenario.complete(KEY, { outcome });
      return ask()?.hasEnded;
    };

    assert.deepEqual(
      [endedAs(), endedAs('Succeeded'), endedAs('OutcomeUnknown')],
      [false, true, false],
    );
  });

  it('long after the end too, where nobody knows what became of the call', () => {
    const { scenario, ask } = acting();
    scenario.complete(KEY, { outcome: 'OutcomeUnknown' });
    scenario.pass(60_000);

    assert.ok(ask());
  });
});
