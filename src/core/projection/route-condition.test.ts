import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Readiness } from '#core/remediation/world.ts';
import { aPolicy, compile } from '../../../test/support/scenario.ts';
import { routeCondition } from './route-condition.ts';

const READY: Readiness = { ready: true };
const NO_KEY: Readiness = {
  ready: false,
  reason: 'KeyMissing',
  message: 'provider a needs a key: A_KEY is not set',
};
const AWAY: Readiness = {
  ready: false,
  reason: 'Unreachable',
  message: 'b/x at b.example: cannot be reached: ECONNREFUSED',
};
const UNKNOWN: Readiness = { ready: false, reason: 'NotProbed', message: 'not asked yet' };

function conditionOf(modelRouting: object, known: Readonly<Record<string, Readiness>>) {
  const [policy] = compile(aPolicy({ modelRouting }));
  assert.ok(policy !== undefined);
  return routeCondition(policy.spec, (route) => known[route] ?? UNKNOWN);
}

describe('the condition ModelRouteReady', () => {
  const both = { triage: ['a/x', 'b/x'], rootCause: ['b/x'] };

  for (const [name, routing, known, status, reason, message] of [
    ['is true of a policy without routes', {}, {}, 'True', 'NotUsed', 'the policy asks no model'],
    [
      'is true when each stage has a route that is ready',
      both,
      { 'a/x': READY, 'b/x': READY },
      'True',
      'Ready',
      'each stage has a model to ask',
    ],
    [
      'names the routes that are not ready though others are',
      both,
      { 'a/x': NO_KEY, 'b/x': READY },
      'True',
      'Ready',
      'each stage has a model to ask (not a/x: KeyMissing)',
    ],
    [
      'is false when one stage has none, and says what is missing',
      both,
      { 'a/x': READY, 'b/x': AWAY },
      'False',
      'Unreachable',
      'no model for rootCause (b/x at b.example: cannot be reached: ECONNREFUSED)',
    ],
    [
      'says what each route of a stage lacks',
      both,
      { 'a/x': NO_KEY, 'b/x': AWAY },
      'False',
      'KeyMissing',
      'no model for triage (a/x: provider a needs a key: A_KEY is not set; ' +
        'b/x at b.example: cannot be reached: ECONNREFUSED); ' +
        'rootCause (b/x at b.example: cannot be reached: ECONNREFUSED)',
    ],
    [
      'is unknown before the first probe',
      both,
      { 'a/x': READY },
      'Unknown',
      'NotProbed',
      'not known yet for rootCause',
    ],
    [
      'is unknown as long as one route of a stage may still turn out to be ready',
      { triage: ['a/x', 'c/x'] },
      { 'a/x': NO_KEY },
      'Unknown',
      'NotProbed',
      'not known yet for triage',
    ],
  ] as const) {
    it(name, () => {
      assert.deepEqual(conditionOf(routing, known), { status, reason, message });
    });
  }

  it('is unknown where nothing asks models', () => {
    const [policy] = compile(aPolicy({ modelRouting: { explain: ['a/x'] } }));
    assert.ok(policy !== undefined);

    const { status } = routeCondition(policy.spec, undefined);

    assert.equal(status, 'Unknown');
  });
});
