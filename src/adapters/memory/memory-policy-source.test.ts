import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BUILTIN_TOOLS, builtinTool } from '#core/remediation/tools.ts';
import { createMemoryPolicySource } from './memory-policy-source.ts';

const context = {
  tool: builtinTool,
  builtinTools: Object.values(BUILTIN_TOOLS).map(({ name }) => name),
};

function aPolicy(name: string, priority = 0) {
  return {
    apiVersion: 'sre-sentinel.io/v1alpha1',
    kind: 'SentinelPolicy',
    metadata: { name },
    spec: {
      selector: { names: [name] },
      priority,
      thresholds: [{ name: 'unhealthy', signal: 'health', severity: 'critical' }],
    },
  };
}

describe('the policy source in memory', () => {
  it('raises the generation with the digest, also after an absence', () => {
    const source = createMemoryPolicySource([aPolicy('a')], context);

    const generations = [
      source.current(),
      source.set([aPolicy('a', 0), aPolicy('b')]),
      source.set([aPolicy('a', 1)]),
      source.set([aPolicy('a', 1), aPolicy('b')]),
      source.set([aPolicy('a', 1), aPolicy('b', 1)]),
    ].map((set) => [set.generationOf('a'), set.generationOf('b')]);

    assert.deepEqual(generations, [
      [1, 0],
      [1, 1],
      [2, 1],
      [2, 1],
      [2, 2],
    ]);
  });

  it('keeps the last good set when one of the next is wrong', () => {
    const source = createMemoryPolicySource([aPolicy('a')], context);
    const good = source.set([aPolicy('a')], 'r1');

    const bad = source.set([aPolicy('a', 9), { kind: 'SentinelPolicy' }], 'r2');

    assert.deepEqual(bad.policies, good.policies);
    assert.equal(bad.loadedOk, false);
    assert.deepEqual([bad.lastAppliedRevision, bad.lastAttemptedRevision], ['r1', 'r2']);
    assert.equal(bad.generationOf('a'), 1);
    assert.ok(bad.problems.every(({ file }) => file === 'policy-2'));
  });

  it('lets a policy go that is no longer there', () => {
    const source = createMemoryPolicySource([aPolicy('a'), aPolicy('b')], context);

    const { policies } = source.set([aPolicy('b')]);

    assert.deepEqual(
      policies.map(({ name }) => name),
      ['b'],
    );
  });

  it('tells its listeners of changes, and of nothing else', async () => {
    const source = createMemoryPolicySource([aPolicy('a')], context);
    const heard: number[] = [];
    const stop = source.onChange(({ policies }) => heard.push(policies.length));

    source.set([aPolicy('a')]);
    source.set([aPolicy('a'), aPolicy('b')]);
    await source.reload();
    stop();
    source.set([]);

    assert.deepEqual(heard, [2]);
  });
});
