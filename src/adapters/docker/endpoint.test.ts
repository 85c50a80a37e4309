import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ConfigError } from '#core/errors.ts';
import { compareVersions, negotiateVersion } from './api-version.ts';
import { parseEndpoint } from './endpoint.ts';

for (const [DOCKER_HOST, expected] of [
  [undefined, { kind: 'unix', socketPath: '/var/run/docker.sock' }],
  ['', { kind: 'unix', socketPath: '/var/run/docker.sock' }],
  ['unix:///run/user/1000/docker.sock', { kind: 'unix', socketPath: '/run/user/1000/docker.sock' }],
  ['tcp://proxy', { kind: 'tcp', host: 'proxy', port: 2375, basePath: '' }],
  ['tcp://proxy:2380/docker/', { kind: 'tcp', host: 'proxy', port: 2380, basePath: '/docker' }],
  ['http://proxy:80', { kind: 'tcp', host: 'proxy', port: 80, basePath: '' }],
  ['10.0.0.7:2375', { kind: 'tcp', host: '10.0.0.7', port: 2375, basePath: '' }],
  ['tcp://[::1]:2375', { kind: 'tcp', host: '::1', port: 2375, basePath: '' }],
] as const) {
  it(`finds the engine at ${JSON.stringify(DOCKER_HOST)}`, () => {
    const { label, ...endpoint } = parseEndpoint({ DOCKER_HOST });

    assert.deepEqual(endpoint, expected);
    assert.ok(label.length > 0);
  });
}

for (const [DOCKER_HOST, why] of [
  ['ssh://root@host', /ssh is not supported; forward the socket/],
  ['npipe:////./pipe/docker', /expected unix:/],
  ['unix://docker.sock', /absolute path/],
  ['tcp://', /no address/],
  ['tcp://me:secret@host', /credentials in the address are not used/],
] as const) {
  it(`refuses ${DOCKER_HOST}`, () => {
    assert.throws(
      () => parseEndpoint({ DOCKER_HOST }),
      (error) =>
        error instanceof ConfigError &&
        why.test(error.message) &&
        !error.message.includes('secret'),
    );
  });
}

for (const [theirs, expected] of [
  ['1.41', '1.41'],
  ['1.44', '1.44'],
  ['1.52', '1.44'],
  ['1.24', '1.24'],
  [undefined, '1.24'],
  ['2.0', '1.44'],
] as const) {
  it(`agrees on ${expected} with an engine that offers ${theirs}`, () => {
    assert.equal(negotiateVersion(theirs, 'engine'), expected);
  });
}

it('orders versions by number, not by letter', () => {
  assert.ok(compareVersions('1.9', '1.24') < 0);
  assert.throws(() => negotiateVersion('latest', 'engine'), /no usable API version/);
});
