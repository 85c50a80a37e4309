import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { reduce } from '#core/journal/reduce.ts';
import { initialState } from '#core/journal/state.ts';
import { aContainer, aPolicy, health, Scenario } from '../../../test/support/scenario.ts';
import { projectForSink } from './project-for-sink.ts';

/** Folds the records of a scenario again, and projects each as the outbox does. */
function projected(scenario: Scenario) {
  let state = initialState();
  return scenario.records.map((record) => {
    state = reduce(state, record);
    return { record, projection: projectForSink(state, record, 'j') };
  });
}

function anIncidentThatWasMended(): Scenario {
  const scenario = new Scenario(aPolicy());
  const key = scenario.put(aContainer('web', { health: health('unhealthy') }));
  scenario.reconcile(key);
  scenario.complete(key);
  scenario.put(aContainer('web', { health: health('healthy'), startedAtMs: scenario.wallMs }));
  scenario.reconcile(key);
  scenario.pass(60_000);
  scenario.reconcile(key);
  return scenario;
}

describe('projectForSink', () => {
  it('makes an entry of every record that changes an incident, and of no other', () => {
    const all = projected(anIncidentThatWasMended());

    const types = all
      .filter(({ projection }) => projection.entries.length > 0)
      .map(({ record }) => record.type);

    assert.deepEqual(types, [
      'incident.opened',
      'diagnosis.completed',
      'remediation.considered',
      'remediation.intended',
      'remediation.completed',
      'verification.passed',
      'incident.resolved',
    ]);
  });

  it('makes nothing of a record that names an incident and leaves it as it was', () => {
    const scenario = anIncidentThatWasMended();
    const incident = scenario.incident('box/web')?.name ?? assert.fail('no incident');
    scenario.append({ type: 'stopped', incident, data: { reason: 'test' } });

    const last = projected(scenario).at(-1);

    assert.equal(last?.record.incident, incident);
    assert.deepEqual(last?.projection, { entries: [], incidents: [], messages: [] });
  });

  it('writes the fields that readers of the stream rely on, with the object as JSON', () => {
    const opened = projected(anIncidentThatWasMended()).find(
      ({ record }) => record.type === 'incident.opened',
    );

    const fields = opened?.projection.entries[0]?.fields ?? {};

    const { incident, ...rest } = fields;
    const object = JSON.parse(incident ?? '') as { metadata: { name: string } };
    assert.deepEqual(rest, {
      type: 'incident.opened',
      name: object.metadata.name,
      phase: 'Open',
      severity: 'critical',
      workload: 'box/web',
      policy: 'web',
      journal: 'j',
      host: 'box',
      seq: String(opened?.record.seq),
    });
  });

  it('keeps the incident’s key open until it is resolved', () => {
    const keys = projected(anIncidentThatWasMended()).flatMap(({ projection }) => [
      ...projection.incidents,
    ]);

    assert.deepEqual(
      keys.map(({ open }) => open),
      [true, true, true, true, true, true, false],
    );
    assert.ok(keys.every(({ openedAtMs }) => openedAtMs === Date.UTC(2026, 10, 24, 12)));
  });
});
