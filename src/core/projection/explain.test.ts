import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aContainer, aPolicy, health, Scenario } from '../../../test/support/scenario.ts';
import { explainIncident } from './explain.ts';
import { incidentObject } from './incident-object.ts';

function explained(scenario: Scenario, key: string): string {
  const incident = scenario.incident(key) ?? assert.fail('no incident');
  return explainIncident(incidentObject(incident, scenario.state), {
    thresholds: scenario.policies[0]?.spec.thresholds ?? [],
  });
}

const s = new Scenario(aPolicy());
const sick = () =>
  aContainer('web', {
    health: health('unhealthy', { endedAtMs: s.wallMs - 100 }),
    startedAtMs: s.wallMs - 60_000,
  });
const key = s.put(sick());
s.reconcile(key);
s.pass(2000);
s.complete(key);
s.pass(100_000);
s.put(sick());
s.reconcile(key);
console.log(explained(s, key));
for (let i = 0; i < 12; i++) {
  const inc = s.incident(key);
  if (inc?.attempts.at(-1)?.outcome === undefined) {
    s.pass(1000);
    s.complete(key);
  }
  s.pass(200_000);
  s.put(sick());
  s.reconcile(key);
}
console.log(explained(s, key));
