import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ContainerSecrets } from '#core/redaction/container-secrets.ts';
import { LABEL } from '#core/workload/container.ts';
import { aContainer } from '../../../test/support/scenario.ts';
import { CHANGE_MS, changesSince } from './changes.ts';

const BEFORE = aContainer('web', {
  image: 'shop:1',
  envNames: ['A', 'B'],
  secrets: new ContainerSecrets(['A=1', 'B=2']),
  labels: { [LABEL.composeConfigHash]: 'h1' },
});

function changed(more: Parameters<typeof aContainer>[1], beforeMs: number | undefined = 60_000) {
  const now = { ...BEFORE, id: 'b', secrets: new ContainerSecrets(['B=2', 'A=1']), ...more };
  return changesSince(now, BEFORE, beforeMs).map(({ what, detail }) => `${what} ${detail}`.trim());
}

describe('what changed', () => {
  it('is nothing but a creation when the new one is like the old one', () => {
    assert.deepEqual(changed({}), ['deploy']);
  });

  it('is the image, by name or by id', () => {
    assert.deepEqual(changed({ image: 'shop:2' }), ['image shop:1 to shop:2', 'deploy']);
    assert.deepEqual(changed({ imageId: 'sha256:2' }), ['image shop:1', 'deploy']);
  });

  it('is the variables, by name or by value, and never says a value', () => {
    const secrets = new ContainerSecrets(['A=1', 'B=hunter2']);

    assert.deepEqual(changed({ envNames: ['B', 'C'] }), ['env A removed, C added', 'deploy']);
    assert.deepEqual(changed({ secrets }), ['env values', 'deploy']);
  });

  it('is the variables also when their text was taken out of already', () => {
    const secrets = new ContainerSecrets(['A=1', 'B=hunter2']);
    secrets.redactor.redact('x');

    assert.deepEqual(changed({ secrets }), ['env values', 'deploy']);
  });

  it('is the limits, or whatever else Compose has hashed', () => {
    const labels = { [LABEL.composeConfigHash]: 'h2' };

    assert.deepEqual(changed({ limits: { pids: 9 } }), ['limits pids', 'deploy']);
    assert.deepEqual(changed({ labels }), ['config', 'deploy']);
  });

  it('is nothing when it is long ago, or came after the trouble', () => {
    assert.deepEqual(changed({ image: 'shop:2' }, CHANGE_MS + 1), []);
    assert.deepEqual(changed({ image: 'shop:2' }, -60_000), []);
  });

  it('names nothing that could speak', () => {
    assert.deepEqual(changed({ image: 'a b\u202e;c' }), ['image shop:1 to a?b??c', 'deploy']);
  });
});
