import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aContainer, Scenario } from '../../../test/support/scenario.ts';
import { found } from './found.ts';

const KEY = 'box/web';
const exited = aContainer('web', { state: 'exited', exitCode: 1 });

describe('what is found without an event', () => {
  it('is nothing where the exit was witnessed', () => {
    const scenario = new Scenario();
    scenario.put(exited);
    scenario.observe(KEY, 'die', { cause: 'Crash', exitCode: 1 });

    assert.equal(found(exited, scenario.state.workloads[KEY]), undefined);
  });

  it('is nothing where a person stopped it', () => {
    const scenario = new Scenario();
    scenario.put(exited);
    scenario.observe(KEY, 'stop', { cause: 'Human' });

    assert.equal(found(exited, scenario.state.workloads[KEY]), undefined);
  });

  it('is an exit of unknown cause, though a person restarted it some time before', () => {
    const scenario = new Scenario();
    scenario.put(exited);
    for (const event of ['die', 'start', 'restart'] as const) {
      scenario.observe(KEY, event, { cause: 'Human' });
      scenario.pass(100);
    }

    const fact = found(exited, scenario.state.workloads[KEY]);

    assert.equal(fact?.cause, 'Unknown');
    assert.equal(fact.exitCode, 1);
  });
});
