import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aContainer, aPolicy, health, Scenario } from '../../../test/support/scenario.ts';
import { emptyHistory } from '../journal/reduce-workload.ts';
import { recoverIntent } from './recover-intent.ts';
import { builtinTool } from './tools.ts';

const KEY = 'box/web';

/** A restart was intended, and then nothing more was heard of it. */
function intended() {
  const scenario = new Scenario(aPolicy());
  scenario.put(aContainer('web', { health: health('unhealthy') }));
  scenario.reconcile(KEY);
  const attempt = scenario.incident(KEY)?.attempts[0] ?? assert.fail('nothing was intended');
  return { scenario, attempt };
}

describe('an intent that a crash left open', () => {
  const outcome = ({ scenario, attempt }: ReturnType<typeof intended>, knowsAll: boolean) =>
    recoverIntent(attempt, builtinTool(attempt.tool), {
      view: scenario.views.get(KEY),
      history: scenario.state.workloads[KEY] ?? emptyHistory(),
      knowsAll,
    }).outcome;

  it('was not executed when nothing has changed and no event can have been missed', () => {
    assert.equal(outcome(intended(), true), 'NotExecuted');
  });

  it('is of unknown outcome when the engine may have forgotten its events', () => {
    assert.equal(outcome(intended(), false), 'OutcomeUnknown');
  });

  it('succeeded when its proof was heard, whatever was forgotten', () => {
    const it = intended();
    const { intent } = it.attempt;
    it.scenario.observe(KEY, 'start', { cause: 'Sentinel', intent });

    assert.equal(outcome(it, false), 'Succeeded');
  });
});
