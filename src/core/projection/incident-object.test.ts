import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aContainer, aPolicy, health, Scenario } from '../../../test/support/scenario.ts';
import { incidentObject } from './incident-object.ts';
import { remediationObject } from './remediation-object.ts';
import { IncidentObject, RemediationObject } from './schema.ts';

function acting() {
  const scenario = new Scenario(aPolicy());
  const key = scenario.put(aContainer('web', { health: health('unhealthy') }));
  scenario.reconcile(key);
  const incident = scenario.incident(key) ?? assert.fail('no incident');
  return { scenario, key, incident };
}

function statusOf(object: IncidentObject, type: string): string | undefined {
  return object.status.conditions.find((condition) => condition.type === type)?.status;
}

describe('incidentObject', () => {
  it('fits its own schema, and no field is left out of it', () => {
    const { scenario, key, incident } = acting();
    scenario.complete(key, { message: 'restarted' });

    const object = incidentObject(incident, scenario.state);

    assert.deepEqual(IncidentObject.parse(object), object);
    assert.equal(object.metadata.resourceVersion, String(scenario.state.seq));
  });

  it('keeps controller time to itself', () => {
    const { scenario, incident } = acting();

    const json = JSON.stringify(incidentObject(incident, scenario.state));

    assert.doesNotMatch(json, /AtMs|Seq"/);
  });

  it('shares nothing with the state', () => {
    const { scenario, incident } = acting();

    const object = incidentObject(incident, scenario.state);
    object.status.breached.push('forged');
    object.spec.evidence.length = 0;

    assert.deepEqual(incident.breached, ['unhealthy']);
    assert.ok(incident.evidence.length > 0);
  });

  it('has conditions that agree with the phase while it acts, verifies and is resolved', () => {
    const { scenario, key, incident } = acting();
    const running = incidentObject(incident, scenario.state);
    scenario.complete(key);
    const verifying = incidentObject(incident, scenario.state);
    scenario.put(aContainer('web', { health: health('healthy'), startedAtMs: scenario.wallMs }));
    scenario.reconcile(key);
    scenario.pass(60_000);
    scenario.reconcile(key);
    const resolved = incidentObject(incident, scenario.state);

    const seen = [running, verifying, resolved].map((object) => [
      object.status.phase,
      statusOf(object, 'Remediating'),
      statusOf(object, 'Verifying'),
      statusOf(object, 'Resolved'),
    ]);

    assert.deepEqual(seen, [
      ['Remediating', 'True', 'False', 'False'],
      ['Verifying', 'False', 'True', 'False'],
      ['Resolved', 'False', 'False', 'True'],
    ]);
    assert.equal(resolved.status.resolution, 'Remediated');
  });
});

describe('remediationObject', () => {
  it('fits its own schema in every phase', () => {
    const { scenario, key, incident } = acting();
    const [attempt] = incident.attempts;
    if (attempt === undefined) assert.fail('nothing was intended');
    const running = remediationObject(attempt, incident);
    scenario.complete(key);

    const verifying = remediationObject(attempt, incident);

    assert.deepEqual(RemediationObject.parse(running), running);
    assert.deepEqual(RemediationObject.parse(verifying), verifying);
    assert.deepEqual([running.status.phase, verifying.status.phase], ['Running', 'Verifying']);
    assert.equal(verifying.spec.incident, incident.name);
  });
});
