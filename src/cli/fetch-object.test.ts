import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ApiClient, Json } from './api-client.ts';
import { CliError } from './context.ts';
import { fetchObject } from './fetch-object.ts';
import { findKind, type Look } from './kinds.ts';
import { Paint } from './terminal.ts';

const workload = (name: string, container: string): Json => ({
  metadata: { name },
  spec: { container },
});

/** An API without the object that is asked for. */
const api: Pick<ApiClient, 'get' | 'list'> = {
  get: async () => {
    throw new CliError(1, 'there is no workload web');
  },
  list: async () => [workload('box/shop/web/1', 'shop-web-1'), workload('box/db', 'db')],
};

it('offers the full key of a workload that was called by its short name', async () => {
  for (const name of ['web', 'shop/web', 'shop-web-1']) {
    await assert.rejects(fetchObject(api as ApiClient, findKind('wl'), name), {
      message: 'there is no workload web',
      remedy: 'Did you mean box/shop/web/1?',
    });
  }
});

it('offers nothing where nothing is called so, nor for another kind', async () => {
  for (const [kind, name] of [
    ['wl', 'eb'],
    ['inc', 'web'],
  ] as const) {
    await assert.rejects(fetchObject(api as ApiClient, findKind(kind), name), {
      remedy: undefined,
    });
  }
});

it('says that policies are in conflict, and which', () => {
  const look: Look = { nowMs: 0, wide: false, paint: new Paint({ write: () => true }, {}) };
  const policy = findKind('wl')
    .columns(look)
    .find(({ title }) => title === 'POLICY');
  const tied = { status: { policies: ['left', 'right'] } };

  assert.equal(policy?.value(tied as never), 'Conflict: left, right');
});
