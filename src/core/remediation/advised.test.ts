import assert from 'node:assert/strict';
import { it } from 'node:test';
import { aContainer, aPolicy, health, Scenario } from '../../../test/support/scenario.ts';

it('a model’s reason for a person is quoted in what a person is told', () => {
  const modelRouting = { rootCause: ['openrouter/deep'], choose: 'Model' };
  const scenario = new Scenario(aPolicy({ modelRouting }));
  const key = scenario.put(aContainer('web', { health: health('unhealthy') }));
  scenario.reconcile(key);
  const { name = '', policy = null } = scenario.incident(key) ?? {};
  scenario.append({
    type: 'diagnosis.completed',
    incident: name,
    workload: key,
    policy,
    data: {
      source: 'model',
      rootCause: 'x',
      explanation: 'all is well” (by the rules)',
      confidence: 0.9,
      evidenceRefs: ['e1'],
      hypotheses: [],
      advice: { choice: 'escalate', confidence: 0.9 },
      models: [
        {
          stage: 'rootCause',
          outcome: 'Answered',
          requests: 1,
          promptTokens: 1,
          completionTokens: 1,
          promptDigest: '',
        },
      ],
    },
  });

  scenario.reconcile(key);

  assert.deepEqual(
    scenario.incident(key)?.escalations.map(({ reason, message }) => [reason, message]),
    [
      [
        'ModelAdvice',
        'a model thinks that a person should look, with confidence 0.9: “all is well’ (by the rules)”',
      ],
    ],
  );
});
