import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { WorkloadObserved } from '#core/journal/data.ts';
import { aContainer, Scenario } from '../../../test/support/scenario.ts';
import { found, isWitnessedExit } from './found.ts';

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

  it('is nothing of a run that a person’s stop is younger than, though the look still has it run', () => {
    const scenario = new Scenario();
    const web = aContainer('web');
    scenario.put(web);
    scenario.observe(KEY, 'stop', { cause: 'Human' });
    const history = scenario.state.workloads[KEY];

    assert.equal(found(web, history, scenario.nowMs - 1), undefined);
    assert.equal(found(web, history, scenario.nowMs + 1)?.cause, 'Unknown');
  });

  it('leaves an exit unwitnessed whose cause nobody knows, or that ended an earlier run', () => {
    const witnessed = (...events: [WorkloadObserved['event'], Partial<WorkloadObserved>][]) => {
      const scenario = new Scenario();
      scenario.put(exited);
      for (const [event, fact] of events) {
        scenario.pass(100);
        scenario.observe(KEY, event, fact);
      }
      return isWitnessedExit(exited, scenario.state.workloads[KEY]);
    };

    assert.equal(witnessed(['die', { cause: 'Crash' }]), true);
    assert.equal(witnessed(['found', { cause: 'Unknown', state: 'exited', exitCode: 1 }]), false);
    assert.equal(witnessed(['die', { cause: 'Crash' }], ['start', { cause: 'Engine' }]), false);
  });

  describe('of a run in which the engine’s clock was set back', () => {
    const STARTED_MS = 1_795_500_000_000;
    const ENDED_MS = STARTED_MS - 3_600_000;
    const nano = (ms: number) => String(BigInt(ms) * 1_000_000n);
    for (const [name, exitMs, finishedAtMs, expected] of [
      ['is nothing where an exit bears the date of its end', ENDED_MS + 20, ENDED_MS, true],
      ['is an end of its own where the exit is another’s', ENDED_MS - 60_000, ENDED_MS, false],
      ['is an end of its own where no end is dated', ENDED_MS, undefined, false],
      ['is not thought of where its end is later', ENDED_MS, STARTED_MS + 1, false],
      [
        'is an end of its own where the exit is dated later',
        STARTED_MS + 60_000,
        STARTED_MS + 1,
        false,
      ],
    ] as const) {
      it(name, () => {
        const scenario = new Scenario();
        const web = aContainer('web', {
          state: 'exited',
          exitCode: 1,
          startedAtMs: STARTED_MS,
          ...(finishedAtMs === undefined ? {} : { finishedAtMs }),
        });
        scenario.put(web);
        scenario.observe(KEY, 'die', { cause: 'Crash', exitCode: 1, timeNano: nano(exitMs) });

        assert.equal(isWitnessedExit(web, scenario.state.workloads[KEY]), expected);
      });
    }
  });
});
