import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ObservedContainer } from '#core/workload/container.ts';
import {
  aContainer,
  aPolicy,
  compile,
  HOST,
  health,
  Scenario,
} from '../../../test/support/scenario.ts';
import { reconsider } from './reconsider.ts';

const KEY = `${HOST}/web`;
const MIB = 2 ** 20;
const HOUR_MS = 3_600_000;

/** Everything that was asked for, by action. */
function asked(scenario: Scenario): string[] {
  return scenario.records.flatMap(({ type, data }) =>
    type === 'approval.requested' && 'candidate' in data
      ? [String(data.candidate).replace(/-.*/, '')]
      : [],
  );
}

function waiting(): Scenario {
  const allowed = ['first', 'second', 'third'].map((name, index) => ({
    name,
    tool: 'docker/restart_container',
    arguments: { timeoutSeconds: index + 1 },
  }));
  const scenario = new Scenario(aPolicy({ remediation: { mode: 'Approve', allowed } }));
  scenario.put(aContainer('web', { health: health('unhealthy') }));
  scenario.reconcile(KEY);
  return scenario;
}

function deny(scenario: Scenario): void {
  const incident = scenario.incident(KEY) ?? assert.fail('there is no incident');
  const candidate = incident.approval?.candidate ?? '';
  scenario.append({
    type: 'approval.denied',
    incident: incident.name,
    workload: KEY,
    data: { candidate, reason: 'no' },
  });
}

describe('approval', () => {
  it('is asked for once per candidate, however many were denied before', () => {
    const scenario = waiting();
    for (let round = 0; round < 4; round += 1) {
      deny(scenario);
      scenario.reconcile(KEY);
    }

    assert.deepEqual(asked(scenario), ['first', 'second', 'third']);
    assert.equal(scenario.incident(KEY)?.escalations.length, 1);
  });

  it('that nobody gives in time counts as denied', () => {
    const scenario = waiting();
    for (let round = 0; round < 4; round += 1) {
      scenario.pass(3_600_000);
      scenario.reconcile(KEY);
    }

    assert.deepEqual(asked(scenario), ['first', 'second', 'third']);
  });

  it('holds until the action was carried out, and not for the next one', () => {
    const scenario = waiting();
    const incident = scenario.incident(KEY) ?? assert.fail('there is no incident');
    const candidate = incident.approval?.candidate ?? '';
    const container = incident.workload.id;
    scenario.append({
      type: 'approval.granted',
      incident: incident.name,
      workload: KEY,
      data: { candidate, container },
    });

    assert.equal(scenario.reconcile(KEY).effects.length, 1);
    assert.equal(scenario.incident(KEY)?.approval?.candidate, candidate);
    scenario.complete(KEY);
    assert.equal(scenario.incident(KEY)?.approval, undefined);
  });
});

const LIMITED = { health: health('unhealthy'), limits: { memoryBytes: 10 * MIB } };
const DOUBLE = 'memory.workingSet * 2';

function policyWith(remediation: object): object {
  return aPolicy({ remediation: { mode: 'Approve', ...remediation } });
}

/** One action, under one name, whatever it does. */
function fixing(tool: string, args: object, more: object = {}): object {
  const fix = { name: 'fix', tool: `docker/${tool}`, arguments: args };
  return policyWith({ allowed: [fix], ...more });
}

const sized = (expression: string, more: object = {}) =>
  fixing('update_resources', { memory: { $expr: expression } }, more);

function asking(policy: object): Scenario {
  const scenario = new Scenario(policy);
  sample(scenario, 16 * MIB);
  return scenario;
}

/** Measures, and looks at what was measured; nothing unless given. */
function sample(
  scenario: Scenario,
  bytes?: number,
  container: Partial<ObservedContainer> = {},
): readonly { readonly kind: string }[] {
  const gauges =
    bytes === undefined
      ? {}
      : { 'memory.workingSet': { kind: 'Value', value: bytes, atMs: 0 } as const };
  scenario.put(aContainer('web', { ...LIMITED, ...container }), { gauges });
  return scenario.reconcile(KEY).effects;
}

function edit(scenario: Scenario, policy: object): void {
  scenario.policies = compile(policy);
}

function grant(scenario: Scenario, candidate = waitingFor(scenario)): void {
  const { name, workload } = scenario.incident(KEY) ?? assert.fail('there is no incident');
  scenario.append({
    type: 'approval.granted',
    incident: name,
    workload: KEY,
    data: { candidate, container: workload.id },
  });
}

function waitingFor(scenario: Scenario): string {
  const { approval } = scenario.incident(KEY) ?? {};
  assert.equal(approval?.state, 'Requested');
  return approval.candidate;
}

function hold(scenario: Scenario, forMs: number): void {
  const data = { scope: 'all', name: '', reason: 'x', forMs } as const;
  scenario.append({ type: 'pause.set', data });
}

/** What the latest intent calls, as the incident shows it. */
function intended(scenario: Scenario): unknown[] {
  const { attempts = [], candidates = [] } = scenario.incident(KEY) ?? {};
  const attempt = attempts.at(-1);
  const shown = candidates.find(({ id }) => id === attempt?.candidate);
  return [attempt?.tool, shown?.arguments];
}

/** What people were asked, and told that it is void, in order. */
function questions(scenario: Scenario): string[] {
  return scenario.records.flatMap(({ type, data }) => {
    if (type === 'approval.requested') return [(data as { message: string }).message];
    if (type !== 'approval.expired') return [];
    return [(data as { reason?: string }).reason ?? 'expired'];
  });
}

const count = (scenario: Scenario, wanted: string) =>
  scenario.types().filter((type) => type === wanted).length;

describe('a yes', () => {
  it('is to the tool that was shown, and not to what has come in its place since', () => {
    const scenario = asking(fixing('restart_container', {}));
    const shown = waitingFor(scenario);
    edit(scenario, fixing('stop_container', { timeoutSeconds: 1 }));
    grant(scenario, shown);

    assert.deepEqual(scenario.reconcile(KEY).effects, []);
    assert.deepEqual(questions(scenario), [
      'fix (docker/restart_container) waits for approval',
      'the policy has changed since',
      'fix (docker/stop_container {"timeoutSeconds":1}) waits for approval',
    ]);
    grant(scenario);
    assert.equal(scenario.reconcile(KEY).effects.length, 1);
    assert.deepEqual(intended(scenario), ['docker/stop_container', { timeoutSeconds: 1 }]);
  });

  it('is to the arguments that were shown, and not to those of the policy of now', () => {
    const scenario = asking(fixing('update_resources', { memory: '8Gi' }));
    const shown = waitingFor(scenario);
    edit(scenario, fixing('update_resources', { memory: '128Mi' }));
    grant(scenario, shown);

    assert.deepEqual(scenario.reconcile(KEY).effects, []);
    grant(scenario);
    assert.equal(scenario.reconcile(KEY).effects.length, 1);
    assert.deepEqual(intended(scenario)[1], { memory: '128Mi' });
  });

  it('ends with the policy under which it was given, whatever has changed in it', () => {
    const scenario = asking(fixing('restart_container', {}));
    const shown = waitingFor(scenario);
    edit(scenario, fixing('restart_container', {}, { backoff: { initial: '1m' } }));
    scenario.reconcile(KEY);
    const anew = waitingFor(scenario);
    assert.notEqual(anew, shown);
    edit(scenario, fixing('restart_container', {}));
    grant(scenario, anew);

    assert.deepEqual(scenario.reconcile(KEY).effects, []);
    assert.equal(count(scenario, 'approval.requested'), 3);
  });

  it('that has lapsed fixes no size, and is told', () => {
    const scenario = asking(sized(DOUBLE));
    hold(scenario, 48 * HOUR_MS);
    grant(scenario);
    scenario.pass(48 * HOUR_MS);
    edit(scenario, sized(`least(${DOUBLE}, quantity("20Mi"))`, { mode: 'Auto' }));

    assert.equal(sample(scenario, 8 * MIB).length, 1);
    assert.deepEqual(intended(scenario)[1], { memory: 16 * MIB });
    assert.equal(questions(scenario).at(-1), 'the policy has changed since');
  });

  it('that has lapsed is asked for again, for the size of now', () => {
    const scenario = asking(sized(DOUBLE));
    hold(scenario, 2 * HOUR_MS);
    grant(scenario);
    scenario.pass(2 * HOUR_MS);

    assert.deepEqual(sample(scenario, 8 * MIB), []);
    assert.deepEqual(questions(scenario).slice(1), [
      'it was not used in time',
      `fix (docker/update_resources {"memory":${16 * MIB}}) waits for approval`,
    ]);
  });

  it('does nothing while the fact is missing that the size comes from', () => {
    const fix = { name: 'fix', tool: 'docker/update_resources' };
    const scenario = asking(
      policyWith({
        allowed: [
          { ...fix, arguments: { memory: { $expr: DOUBLE } } },
          { name: 'restart', tool: 'docker/restart_container' },
        ],
      }),
    );
    const shown = waitingFor(scenario);
    sample(scenario);
    assert.equal(waitingFor(scenario), shown);
    grant(scenario, shown);

    assert.deepEqual(sample(scenario), []);
    assert.ok(scenario.blockedBy(KEY)['fix']?.includes('ArgumentsInvalid'));
    assert.equal(count(scenario, 'approval.requested'), 1);
    assert.equal(sample(scenario, 20 * MIB).length, 1);
    assert.deepEqual(intended(scenario)[1], { memory: 32 * MIB });
  });

  it('is not to the same size for a container that has come since', () => {
    const scenario = asking(sized(DOUBLE));
    grant(scenario);

    assert.deepEqual(sample(scenario, 16 * MIB, { id: 'web-2'.padEnd(64, '0') }), []);
    assert.deepEqual(questions(scenario).slice(1), [
      'the container is another one now',
      `fix (docker/update_resources {"memory":${32 * MIB}}) waits for approval`,
    ]);
  });

  it('is not to the same size for a container that was renamed', () => {
    const compose = { project: 'shop', service: 'web', 'container-number': '1' };
    const labels = Object.fromEntries(
      Object.entries(compose).map(([name, value]) => [`com.docker.compose.${name}`, value]),
    );
    const scenario = new Scenario(sized(DOUBLE));
    for (const [name, value] of [
      ['one', 16 * MIB],
      ['two', 8 * MIB],
    ] as const) {
      const gauges = { 'memory.workingSet': { kind: 'Value', value, atMs: 0 } } as const;
      const key = scenario.put(aContainer('web', { ...LIMITED, name, labels }), { gauges });
      scenario.reconcile(key);
    }

    assert.equal(Object.keys(scenario.state.incidents).length, 1);
    assert.deepEqual(questions(scenario), [
      `fix (docker/update_resources {"memory":${32 * MIB}}) waits for approval`,
      `fix (docker/update_resources {"memory":${16 * MIB}}) waits for approval`,
    ]);
  });

  it('is asked for with what the policy of now would do, also while it has to wait', () => {
    const scenario = asking(fixing('restart_container', {}));
    hold(scenario, HOUR_MS);
    scenario.reconcile(KEY);
    edit(scenario, fixing('stop_container', { timeoutSeconds: 1 }));
    scenario.reconcile(KEY);

    const [shown] = scenario.incident(KEY)?.candidates ?? [];
    assert.deepEqual(
      [shown?.tool, shown?.arguments],
      ['docker/stop_container', { timeoutSeconds: 1 }],
    );
  });

  it('to what is not on record is to nothing', () => {
    const scenario = asking(fixing('restart_container', {}));
    grant(scenario, 'fix-000000000000');
    scenario.reconcile(KEY);

    assert.equal(questions(scenario)[1], 'what was shown is not on record');
    assert.deepEqual(scenario.reconcile(KEY).effects, []);
  });

  it('to a variant is to the size that was shown of it, though each changes', () => {
    const memory = { $oneOf: [{ $expr: DOUBLE }, { $expr: 'memory.workingSet * 3' }] };
    const scenario = asking(fixing('update_resources', { memory }));
    for (let sampled = 1; sampled <= 30; sampled += 1) sample(scenario, (16 + sampled) * MIB);
    assert.equal(count(scenario, 'approval.requested'), 1);
    grant(scenario);

    assert.equal(sample(scenario, 64 * MIB).length, 1);
    assert.deepEqual(intended(scenario)[1], { memory: 32 * MIB });
  });
});

describe('between the intent and the call, a yes', () => {
  /** The second look at the only intent. */
  function secondLook(scenario: Scenario): readonly string[] | undefined {
    const incident = scenario.incident(KEY) ?? assert.fail('there is no incident');
    const attempt = incident.attempts.at(-1) ?? assert.fail('nothing was intended');
    const memory = scenario.memories.get(KEY);
    const considered = reconsider(scenario.world(), KEY, {
      incident: incident.name,
      attempt,
      memory,
    });
    return considered?.blockedBy.map(({ reason }) => reason);
  }
  const intending = (policy: object): Scenario => {
    const scenario = asking(policy);
    grant(scenario);
    assert.equal(scenario.reconcile(KEY).effects.length, 1);
    assert.deepEqual(secondLook(scenario), []);
    return scenario;
  };
  const measure = (scenario: Scenario, gauges: object) =>
    scenario.put(aContainer('web', LIMITED), { gauges });

  it('ends with the policy', () => {
    const scenario = intending(fixing('restart_container', {}));

    edit(scenario, fixing('restart_container', {}, { backoff: { initial: '1m' } }));

    assert.deepEqual(secondLook(scenario), ['ApprovalRequired']);
  });

  it('is to no other tool of the same name', () => {
    const scenario = intending(fixing('restart_container', {}));

    edit(scenario, fixing('stop_container', {}, { mode: 'Auto' }));

    assert.equal(secondLook(scenario), undefined);
  });

  it('ends with its time', () => {
    const scenario = intending(fixing('restart_container', {}));

    scenario.pass(HOUR_MS);

    assert.deepEqual(secondLook(scenario), ['ApprovalRequired']);
  });

  it('holds for the size that was shown, as long as there is one', () => {
    const scenario = intending(sized(DOUBLE));

    measure(scenario, { 'memory.workingSet': { kind: 'Value', value: 20 * MIB, atMs: 0 } });
    assert.deepEqual(secondLook(scenario), []);
    measure(scenario, {});
    assert.deepEqual(secondLook(scenario), ['ArgumentsInvalid']);
  });
});

describe('a no', () => {
  const two = { $oneOf: [{ $expr: DOUBLE }, { $expr: 'memory.workingSet * 3' }] };
  for (const [what, memory, asked] of [
    ['a computed size', { $expr: DOUBLE }, 1],
    ['each of two computed sizes', two, 2],
  ] as const) {
    it(`is to ${what}, however it changes`, () => {
      const scenario = asking(fixing('update_resources', { memory }));
      for (let sampled = 1; sampled <= 30; sampled += 1) {
        if (scenario.incident(KEY)?.approval?.state === 'Requested') deny(scenario);
        sample(scenario, (16 + sampled) * MIB);
      }

      assert.equal(count(scenario, 'approval.requested'), asked);
      assert.equal(scenario.incident(KEY)?.denied?.length, asked);
    });

    it(`is the silence about ${what}, however it changes`, () => {
      const scenario = asking(fixing('update_resources', { memory }));
      for (let sampled = 1; sampled <= 30; sampled += 1) {
        scenario.pass(HOUR_MS);
        sample(scenario, (16 + sampled) * MIB);
      }

      assert.equal(count(scenario, 'approval.requested'), asked);
      assert.equal(scenario.incident(KEY)?.denied?.length, asked);
    });
  }

  it('outlives an edit of the policy, also one that would ask nobody', () => {
    const scenario = asking(sized(DOUBLE));
    deny(scenario);
    edit(scenario, sized(DOUBLE, { mode: 'Auto' }));

    assert.deepEqual(sample(scenario, 20 * MIB), []);
  });

  it('is to the same call in another place of the policy, too', () => {
    const call = { tool: 'docker/update_resources', arguments: { memory: '64Mi' } };
    const scenario = asking(policyWith({ allowed: [{ ...call, name: 'fix' }] }));
    deny(scenario);
    const memory = { $oneOf: ['32Mi', '64Mi'] };
    edit(scenario, fixing('update_resources', { memory }, { mode: 'Auto' }));

    assert.deepEqual(scenario.reconcile(KEY).effects, []);
  });

  it('is to the same call under another name, too, and in a policy that asks nobody', () => {
    const restart = { tool: 'docker/restart_container', arguments: { timeoutSeconds: 1 } };
    const named = (name: string, more = {}) =>
      policyWith({ allowed: [{ name, ...restart }], ...more });
    const scenario = asking(named('restart'));
    deny(scenario);

    edit(scenario, named('again', { mode: 'Auto' }));

    assert.deepEqual(scenario.reconcile(KEY).effects, []);
    assert.deepEqual(scenario.blockedBy(KEY), { again: ['Denied'] });
    edit(
      scenario,
      policyWith({ allowed: [{ ...restart, name: 'again', arguments: {} }], mode: 'Auto' }),
    );
    assert.equal(scenario.reconcile(KEY).effects.length, 1);
  });

  it('is taken back by a yes to the same call', () => {
    const scenario = asking(fixing('restart_container', {}));
    deny(scenario);
    edit(scenario, fixing('restart_container', {}, { mode: 'Auto' }));
    scenario.reconcile(KEY);
    const [again] = scenario.incident(KEY)?.candidates ?? [];

    grant(scenario, again?.id);

    assert.equal(scenario.reconcile(KEY).effects.length, 1);
  });

  it('ends with a yes', () => {
    const scenario = asking(sized(DOUBLE));
    deny(scenario);
    sample(scenario, 20 * MIB);
    const [shown] = scenario.incident(KEY)?.candidates ?? [];
    grant(scenario, shown?.id);

    assert.equal(sample(scenario, 24 * MIB).length, 1);
    assert.deepEqual(intended(scenario)[1], shown?.arguments);
  });
});
