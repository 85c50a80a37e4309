import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Draft } from '#core/journal/data.ts';
import { aContainer, aPolicy, health, Scenario } from '../../../test/support/scenario.ts';

const KEY = 'box/web';

describe('an action of which nobody knows what became', () => {
  it('leaves nobody who is known to have stopped the container that it left down', () => {
    const scenario = new Scenario(aPolicy());
    scenario.put(aContainer('web', { health: health('unhealthy') }));
    scenario.reconcile(KEY);
    const intent = scenario.incident(KEY)?.attempts[0]?.intent ?? '';
    scenario.observe(KEY, 'kill', { cause: 'Sentinel', intent });
    scenario.observe(KEY, 'die', { cause: 'Sentinel', intent, exitCode: 0 });
    scenario.complete(KEY, { outcome: 'OutcomeUnknown', message: 'no answer' });
    scenario.put(aContainer('web', { health: health('unhealthy'), state: 'exited' }));
    scenario.pass(600_000);

    const { effects } = scenario.reconcile(KEY);

    assert.equal(scenario.incident(KEY)?.attempts[0]?.verification, 'Failed');
    assert.deepEqual(effects, []);
    assert.deepEqual(scenario.blockedBy(KEY), { restart: ['IntentUnknown'] });
  });
});

describe('what an incident and its workload keep of actions', () => {
  it('forgets what was not carried out before what was', () => {
    const scenario = new Scenario(aPolicy());
    scenario.put(aContainer('web', { health: health('unhealthy') }));
    scenario.reconcile(KEY);
    scenario.complete(KEY);
    const [first] = scenario.incident(KEY)?.attempts ?? [];
    const intended = scenario.records.find(({ type }) => type === 'remediation.intended');
    for (let again = 0; again < 200; again += 1) {
      scenario.append({ ...intended, data: { ...intended?.data, intent: `i${again}` } } as Draft);
      const outcome = again === 0 ? 'NotExecuted' : 'Succeeded';
      scenario.complete(KEY, { outcome });
    }

    const attempts = scenario.incident(KEY)?.attempts ?? [];

    assert.equal(attempts.length, 200);
    assert.deepEqual([attempts[0]?.intent, attempts[1]?.intent], [first?.intent, 'i1']);
  });

  it('counts a rollback for the host, unless it was not executed, and for no limit', () => {
    const scenario = new Scenario(
      aPolicy({
        remediation: {
          mode: 'Auto',
          allowed: [
            { name: 'more', tool: 'docker/update_resources', arguments: { memory: '512m' } },
          ],
          verify: { onFailure: 'Rollback' },
        },
      }),
    );
    const limits = { memoryBytes: 64 * 2 ** 20 };
    scenario.put(aContainer('web', { health: health('unhealthy'), limits }));
    scenario.reconcile(KEY);
    scenario.complete(KEY);
    scenario.pass(300_000);

    const { effects } = scenario.reconcile(KEY);

    assert.deepEqual(
      effects.map(({ kind }) => kind),
      ['Rollback'],
    );
    const spent = () => [scenario.state.ledger[KEY]?.length, scenario.state.hostLedger.length];
    assert.deepEqual(spent(), [1, 2]);
    const { name: incident, attempts } = scenario.incident(KEY) ?? assert.fail('no incident');
    const data = { intent: attempts.at(-1)?.intent ?? '', outcome: 'NotExecuted', message: '' };
    scenario.append({ type: 'rollback.completed', incident, workload: KEY, data } as Draft);
    assert.deepEqual(spent(), [1, 1]);
  });
});
