import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { runs } from '../../../test/support/fuzz.ts';
import type { Selector } from './schema.ts';
import { governing } from './select.ts';
import { compileSelector, type Selectable } from './selector.ts';

const web: Selectable = {
  host: 'edge-1',
  project: 'shop',
  service: 'web',
  name: 'shop-web-1',
  image: 'ghcr.io/acme/web:1.2',
  labels: { tier: 'web', env: 'prod' },
};
const loose: Selectable = { host: 'edge-1', name: 'cron', image: 'busybox', labels: {} };

describe('compileSelector', () => {
  for (const [what, selector, workload, expected] of [
    ['a host', { hosts: ['edge-*'] }, web, true],
    ['another host', { hosts: ['core-*'] }, web, false],
    ['a project and its service', { projects: ['shop'], services: ['web', 'api'] }, web, true],
    ['one field of two', { projects: ['shop'], services: ['api'] }, web, false],
    ['a project of what has none', { projects: ['*'] }, loose, false],
    ['every name', { names: ['*'] }, loose, true],
    ['a hidden name', { names: ['*'] }, { ...loose, name: '.hidden' }, true],
    ['braces', { names: ['shop-{web,api}-*'] }, web, true],
    ['a name that only begins alike', { names: ['shop'] }, web, false],
    ['an exclamation mark as itself', { names: ['!shop-web-1'] }, loose, false],
    ['images of an owner', { images: ['ghcr.io/acme/*'] }, web, true],
    ['no images of a repository further down', { images: ['ghcr.io/*'] }, web, false],
    ['images further down by two stars', { images: ['ghcr.io/**'] }, web, true],
    ['an image without its tag', { images: ['ghcr.io/acme/web'] }, web, true],
    ['an image with its tag', { images: ['*/acme/web:1.*'] }, web, true],
    ['another tag', { images: ['ghcr.io/acme/web:2.*'] }, web, false],
    [
      'an image of a registry with a port, without tag',
      { images: ['reg:5000/web'] },
      { ...web, image: 'reg:5000/web@sha256:abc' },
      true,
    ],
    ['labels', { matchLabels: { tier: 'web', env: 'prod' } }, web, true],
    ['one label of two', { matchLabels: { tier: 'web', env: 'staging' } }, web, false],
    [
      'no inherited property',
      { matchExpressions: [{ key: 'constructor', operator: 'Exists' }] },
      web,
      false,
    ],
    ['In', { matchExpressions: [{ key: 'env', operator: 'In', values: ['prod'] }] }, web, true],
    [
      'In of a label that is absent',
      { matchExpressions: [{ key: 'x', operator: 'In', values: ['prod'] }] },
      web,
      false,
    ],
    [
      'NotIn',
      { matchExpressions: [{ key: 'env', operator: 'NotIn', values: ['prod'] }] },
      web,
      false,
    ],
    [
      'NotIn of a label that is absent',
      { matchExpressions: [{ key: 'x', operator: 'NotIn', values: ['prod'] }] },
      web,
      true,
    ],
    ['Exists', { matchExpressions: [{ key: 'env', operator: 'Exists' }] }, web, true],
    ['DoesNotExist', { matchExpressions: [{ key: 'env', operator: 'DoesNotExist' }] }, web, false],
    [
      'all expressions',
      {
        matchExpressions: [
          { key: 'env', operator: 'Exists' },
          { key: 'x', operator: 'Exists' },
        ],
      },
      web,
      false,
    ],
    ['an exclusion', { names: ['*'], exclude: { services: ['web'] } }, web, false],
    [
      'any field of the exclusion',
      { names: ['*'], exclude: { services: ['api'], images: ['ghcr.io/acme/*'] } },
      web,
      false,
    ],
    [
      'an exclusion that does not match',
      { names: ['*'], exclude: { services: ['api'] } },
      web,
      true,
    ],
  ] satisfies [string, Selector, Selectable, boolean][]) {
    it(`${expected ? 'selects' : 'does not select'} by ${what}`, () => {
      assert.equal(compileSelector(selector)(workload), expected);
    });
  }
});

describe('governing', () => {
  const policy = (name: string, priority: number, selector: Selector = { names: ['*'] }) => ({
    name,
    spec: { priority },
    selects: compileSelector(selector),
  });
  const labelled = (name: string): Selectable => ({
    ...web,
    labels: { 'sre-sentinel.policy': name },
  });

  it('is nobody where nobody selects', () => {
    assert.deepEqual(governing([policy('a', 0, { names: ['x'] })], web), { kind: 'none' });
  });

  it('is the highest priority', () => {
    const [low, high] = [policy('a', -1), policy('b', 0)];

    assert.deepEqual(governing([low, high], web), { kind: 'governed', policy: high });
  });

  it('is a conflict where several are tied at the top', () => {
    const set = [policy('b', 5), policy('a', 5), policy('c', 0)];

    assert.deepEqual(governing(set, web), { kind: 'conflict', policies: ['a', 'b'] });
  });

  it('is chosen by label among the tied', () => {
    const [a, b] = [policy('a', 5), policy('b', 5)];

    assert.deepEqual(governing([a, b], labelled('b')), { kind: 'governed', policy: b });
  });

  it('cannot be chosen by label from below, nor from outside', () => {
    const set = [
      policy('a', 5),
      policy('b', 5),
      policy('low', 0),
      policy('off', 5, { names: ['x'] }),
    ];
    const conflict = { kind: 'conflict', policies: ['a', 'b'] };

    assert.deepEqual(governing(set, labelled('low')), conflict);
    assert.deepEqual(governing(set, labelled('off')), conflict);
    assert.deepEqual(governing(set, labelled('nobody')), conflict);
  });

  it('ignores the label where one policy stands alone at the top', () => {
    const [top, low] = [policy('top', 5), policy('low', 0)];

    assert.deepEqual(governing([top, low], labelled('low')), { kind: 'governed', policy: top });
  });

  it('does not depend on the order of the policies', () => {
    const set = fc.uniqueArray(
      fc.record({ name: fc.stringMatching(/^[a-c]$/), priority: fc.integer({ min: 0, max: 2 }) }),
      { selector: ({ name }) => name },
    );
    const sameEitherWay = fc.property(set, fc.constantFrom('a', 'b', 'z'), (entries, label) => {
      const policies = entries.map(({ name, priority }) => policy(name, priority));
      assert.deepEqual(
        governing(policies, labelled(label)),
        governing(policies.toReversed(), labelled(label)),
      );
    });

    fc.assert(sameEitherWay, runs());
  });
});
