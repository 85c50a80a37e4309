import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aContainer, aPolicy, Scenario } from '../../../test/support/scenario.ts';

const KEY = 'box/web';
const POLICY = aPolicy({
  startPeriod: '1s',
  thresholds: [{ name: 'down', signal: 'state', equals: 'exited', severity: 'critical' }],
  remediation: {
    mode: 'Shadow',
    allowed: [{ name: 'start', tool: 'docker/start_container' }],
    verify: { within: '60s' },
  },
});

/** What is said of a decision in Shadow a minute later. */
function followed(before: (scenario: Scenario) => void, after: (scenario: Scenario) => void) {
  const scenario = new Scenario(POLICY);
  scenario.put(aContainer('web'));
  before(scenario);
  scenario.pass(10_000);
  scenario.observe(KEY, 'die', { exitCode: 1 });
  scenario.put(aContainer('web', { state: 'exited' }));
  scenario.reconcile(KEY);
  scenario.pass(10_000);
  after(scenario);
  scenario.reconcile(KEY);
  scenario.pass(60_000);
  scenario.reconcile(KEY);
  assert.ok(scenario.types().includes('shadow.decided'));
  const last = scenario.records.find(({ type }) => type === 'shadow.followed');
  return last !== undefined && 'selfRecovered' in last.data && last.data.selfRecovered;
}

const nothing = () => undefined;
function starts(scenario: Scenario, cause: 'Human' | 'Engine'): void {
  scenario.observe(KEY, 'start', { cause });
  scenario.put(aContainer('web', { startedAtMs: scenario.wallMs }));
}

describe('a decision in Shadow', () => {
  it('was needed where nothing has changed', () => {
    assert.equal(followed(nothing, nothing), 'no');
  });

  it('was not needed where the workload recovered by itself', () => {
    assert.equal(
      followed(nothing, (scenario) => starts(scenario, 'Engine')),
      'yes',
    );
  });

  it('was a person’s to take where a person has started the workload', () => {
    assert.equal(
      followed(nothing, (scenario) => starts(scenario, 'Human')),
      'human',
    );
  });

  it('was no person’s for what that person did before', () => {
    const restarted = (scenario: Scenario) => {
      scenario.observe(KEY, 'start', { cause: 'Human' });
      scenario.observe(KEY, 'restart', { cause: 'Human' });
    };

    assert.equal(followed(restarted, nothing), 'no');
  });
});
