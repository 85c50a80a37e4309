import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aContainer, aPolicy, health, Scenario } from '../../../test/support/scenario.ts';
import { isWanted, type NotifierLevel } from './notification.ts';
import { notificationOf, remindersOf } from './notify-incident.ts';

const SOURCE = { journalId: 'j', severities: new Map() } as const;

/** A container that a policy with one action calls unhealthy, decided on until it waits. */
function trouble(spec: object = {}) {
  const scenario = new Scenario(aPolicy(spec));
  const key = scenario.put(aContainer('web', { health: health('unhealthy') }));
  scenario.reconcile(key);
  return { scenario, key };
}

/** What the last record of a type told, with the state as it is now. */
function told(scenario: Scenario, type: string, before?: 'warning' | 'critical') {
  const record = scenario.records.findLast((one) => one.type === type);
  assert.ok(record, `no ${type} was recorded`);
  const name = scenario.state.incidents[record.incident]?.name ?? '';
  const severities = before === undefined ? new Map() : new Map([[name, before] as const]);
  return notificationOf(scenario.state, record, { ...SOURCE, severities });
}

describe('what people are told', () => {
  it('of an opening: what is wrong, how bad, and where to look', () => {
    const { scenario, key } = trouble();

    const opened = told(scenario, 'incident.opened');

    const { name } = scenario.incident(key) ?? {};
    assert.equal(
      opened?.text,
      `CRITICAL: web: unhealthy (health is unhealthy).\nWhat Sentinel does about it: sentinel explain ${name}. (${name}, box/web, policy web)`,
    );
    assert.equal(opened.level, 'critical');
  });

  for (const [outcome, level, begins] of [
    ['Succeeded', 'critical', /^Done: restart \(docker\/restart_container\) on web because of/],
    ['Failed', 'critical', /^Failed: restart .*: no space\.\n/],
    ['OutcomeUnknown', 'critical', /^Outcome unknown: restart .*\nIt is not repeated/],
    ['NotExecuted', 'all', /^Not done \(TargetChanged\): restart .*: no space\.\n/],
  ] as const) {
    it(`of an action that ended as ${outcome}`, () => {
      const { scenario, key } = trouble();
      const more = outcome === 'Succeeded' ? {} : { message: 'no space', reason: 'TargetChanged' };
      scenario.complete(key, { outcome, ...more });

      const acted = told(scenario, 'remediation.completed');

      assert.match(acted?.text ?? '', begins);
      assert.equal(acted?.level, level);
    });
  }

  it('of an escalation: that a person is needed, why, and what to do', () => {
    const { scenario, key } = trouble();
    const { name = '', policy = null } = scenario.incident(key) ?? {};
    scenario.complete(key, { outcome: 'Failed', message: 'no' });
    scenario.append({
      type: 'verification.failed',
      incident: name,
      workload: key,
      policy,
      data: {
        intent: scenario.incident(key)?.attempts[0]?.intent ?? '',
        message: 'still sick',
        next: 'Next',
      },
    });
    scenario.append({
      type: 'incident.escalated',
      incident: name,
      workload: key,
      policy,
      data: { reason: 'LadderExhausted', message: 'every action was tried' },
    });

    const escalated = told(scenario, 'incident.escalated');

    assert.match(
      escalated?.text ?? '',
      /^A person is needed for web: every action was tried \(likely cause: HealthCheckFailing\)\.\nEverything that the policy allows was tried\. Mend the cause, then start it: docker restart web\./,
    );
    assert.deepEqual([escalated?.level, escalated?.phase], ['escalated', 'Escalated']);
  });

  it('of a model’s wish for a person: as its opinion, and as grave as the incident', () => {
    const { scenario, key } = trouble();
    const { name = '', policy = null } = scenario.incident(key) ?? {};
    const about = { incident: name, workload: key, policy };
    const message = 'a model thinks that a person should look: @channel \u202ex';
    scenario.append({
      type: 'incident.escalated',
      ...about,
      data: { reason: 'ModelAdvice', message },
    });

    const advised = told(scenario, 'incident.escalated');
    scenario.append({
      type: 'incident.resolved',
      ...about,
      data: { resolution: 'SelfRecovered', message: 'it recovered by itself' },
    });
    const resolved = told(scenario, 'incident.resolved');

    assert.match(
      advised?.text ?? '',
      /^A model’s opinion about web, while Sentinel goes on: a model thinks that a person should look: @ channel \ufffdx\.\n/,
    );
    assert.deepEqual(
      [advised?.kind, advised?.level, resolved?.level],
      ['escalated', 'critical', 'critical'],
    );
  });

  it('of a cause that a model names: in its words, marked and bounded', () => {
    const { scenario, key } = trouble();
    const { name = '', policy = null } = scenario.incident(key) ?? {};
    const about = { incident: name, workload: key, policy };
    scenario.append({
      type: 'diagnosis.completed',
      ...about,
      data: {
        source: 'model',
        rootCause: `all is well”). “${'x'.repeat(1_000)}`,
        explanation: '',
        confidence: 0.9,
        evidenceRefs: ['e1'],
        hypotheses: [],
      },
    });
    scenario.append({
      type: 'incident.escalated',
      ...about,
      data: { reason: 'LimitReached', message: 'too often' },
    });

    const { text = '' } = told(scenario, 'incident.escalated') ?? {};

    assert.match(
      text,
      /: too often \(likely cause, in a model’s words: “all is well’\)\. ’x{1,120}…”\)\.\n/,
    );
  });

  it('of a request for approval: the commands that answer it', () => {
    const approve = {
      remediation: {
        mode: 'Approve',
        allowed: [{ name: 'restart', tool: 'docker/restart_container' }],
      },
    };
    const { scenario, key } = trouble(approve);

    const asked = told(scenario, 'approval.requested');

    const { name, approval } = scenario.incident(key) ?? {};
    assert.ok(asked);
    assert.ok(
      asked.text.includes(
        `sentinel approve ${name} --candidate ${approval?.candidate}, or sentinel deny ${name}`,
      ),
    );
    assert.equal(asked.level, 'escalated');
  });

  it('of what it only would have done, to those who want to know all', () => {
    const { scenario } = trouble({
      remediation: {
        mode: 'Shadow',
        allowed: [{ name: 'restart', tool: 'docker/restart_container' }],
      },
    });

    const shadow = told(scenario, 'shadow.decided');

    assert.match(shadow?.text ?? '', /^Sentinel only watches web\. It would have called/);
    assert.equal(shadow?.level, 'all');
  });

  it('of an incident that got worse, but not of one that stays as bad', () => {
    const { scenario, key } = trouble();
    const { name = '', policy = null } = scenario.incident(key) ?? {};
    scenario.append({
      type: 'incident.updated',
      incident: name,
      workload: key,
      policy,
      data: { severity: 'critical', breached: ['unhealthy', 'oom'], message: 'oom breached too' },
    });

    const worse = told(scenario, 'incident.updated', 'warning');
    const same = told(scenario, 'incident.updated', 'critical');

    assert.match(worse?.text ?? '', /^CRITICAL: web got worse: oom breached too\./);
    assert.equal(same, undefined);
  });

  it('of its end, in the same gravity as a person was asked', () => {
    const { scenario, key } = trouble();
    const { name = '', policy = null } = scenario.incident(key) ?? {};
    const about = { incident: name, workload: key, policy };
    const data = { resolution: 'SelfRecovered', message: 'it recovered by itself' } as const;
    scenario.append({
      type: 'incident.escalated',
      ...about,
      data: { reason: 'LimitReached', message: 'too often' },
    });
    scenario.pass(42_000);
    scenario.append({ type: 'incident.resolved', ...about, data });

    const resolved = told(scenario, 'incident.resolved');

    assert.match(resolved?.text ?? '', /^Recovered: web, after 42s: it recovered by itself\./);
    assert.equal(resolved?.level, 'escalated');
  });

  it('of nothing that is no news', () => {
    const { scenario, key } = trouble();
    scenario.observe(key, 'start');

    for (const type of ['workload.observed', 'remediation.intended', 'remediation.considered']) {
      assert.equal(told(scenario, type), undefined, type);
    }
  });

  it('without secrets, control characters, or calls to a whole channel', () => {
    const { scenario, key } = trouble();
    scenario.complete(key, {
      outcome: 'Failed',
      message: 'cannot \u001b[31mrun\u001b[0m --password hunter2\n<!channel> @here\u202e end',
    });

    const { text = '', message = '' } = told(scenario, 'remediation.completed') ?? {};

    for (const shown of [text, message]) {
      assert.match(
        shown,
        /cannot run --password \[redacted:password#1\] < !channel> @ here\ufffd end/,
      );
      assert.doesNotMatch(shown, /hunter2/);
    }
    assert.equal(text.split('\n').length, 2);
  });
});

describe('isWanted', () => {
  for (const [level, wanted] of [
    ['all', ['all', 'warning', 'critical', 'escalated']],
    ['warning', ['warning', 'critical', 'escalated']],
    ['critical', ['critical', 'escalated']],
    ['escalated', ['escalated']],
  ] as const) {
    it(`lets a notifier of level ${level} have ${wanted.join(', ')}`, () => {
      const levels: NotifierLevel[] = ['all', 'warning', 'critical', 'escalated'];

      assert.deepEqual(
        levels.filter((one) => isWanted({ level: one }, level)),
        wanted,
      );
    });
  }
});

describe('reminders', () => {
  it('tell again of what a person was asked for, also where Sentinel would go on by itself', () => {
    const scenario = new Scenario(aPolicy());
    scenario.over = { missingSecret: () => 'KEY' };
    scenario.put(aContainer('web', { health: health('unhealthy') }));
    scenario.reconcile('box/web');
    const place = { journal: 'j', time: '', head: { seq: 1, hash: '' } };

    const all = remindersOf(scenario.state, 0, place);
    const later = remindersOf(scenario.state, scenario.wallMs + 1, place);

    assert.deepEqual([all.length, later.length], [1, 0]);
    assert.match(all[0]?.text ?? '', /^Still: .*KEY is not set/s);
  });

  it('tell nothing again of a model’s opinion, and hide no question behind it', () => {
    const scenario = new Scenario(aPolicy());
    scenario.over = { missingSecret: () => 'KEY' };
    scenario.put(aContainer('web', { health: health('unhealthy') }));
    scenario.reconcile('box/web');
    const { name = '', policy = null } = scenario.incident('box/web') ?? {};
    const place = { journal: 'j', time: '', head: { seq: 1, hash: '' } };
    const about = { incident: name, workload: 'box/web', policy };
    const data = { reason: 'ModelAdvice', message: 'a model thinks so' } as const;
    const since = scenario.wallMs + 1;
    scenario.append({ type: 'incident.escalated', ...about, data });
    scenario.append({
      type: 'incident.updated',
      ...about,
      data: { asking: true, message: 'models are asked for the cause' },
    });

    const asked = remindersOf(scenario.state, 0, place);
    const opinion = remindersOf(scenario.state, since, place);

    assert.equal(scenario.incident('box/web')?.escalations.length, 2);
    assert.match(asked[0]?.text ?? '', /^Still: .*KEY is not set/s);
    assert.deepEqual([asked.length, opinion.length], [1, 0]);
  });

  it('tell again of an action that hangs', () => {
    const { scenario, key } = trouble();
    const place = { journal: 'j', time: '', head: { seq: 1, hash: '' } };
    const before = remindersOf(scenario.state, 0, place);
    scenario.pass(60_000);
    const { name = '', policy = null } = scenario.incident(key) ?? {};
    scenario.append({
      type: 'incident.escalated',
      incident: name,
      workload: key,
      policy,
      data: { reason: 'Blocked', message: 'no answer' },
    });

    const after = remindersOf(scenario.state, 0, place);

    assert.deepEqual([before.length, after.length], [0, 1]);
    assert.match(after[0]?.text ?? '', /^Still: A person is needed for web: no answer.*\nSee why/);
  });
});
