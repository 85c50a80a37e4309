import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { ConfigError } from '#core/errors.ts';
import { nearText, runs } from '../../../test/support/fuzz.ts';
import { compareVersions, negotiateVersion } from './api-version.ts';
import { parseEndpoint } from './endpoint.ts';

for (const [DOCKER_HOST, expected] of [
  [undefined, { kind: 'unix', socketPath: '/var/run/docker.sock' }],
  ['', { kind: 'unix', socketPath: '/var/run/docker.sock' }],
  ['unix:///run/user/1000/docker.sock', { kind: 'unix', socketPath: '/run/user/1000/docker.sock' }],
  ['tcp://proxy', { kind: 'tcp', host: 'proxy', port: 2375, basePath: '' }],
  ['tcp://proxy:2380/docker/', { kind: 'tcp', host: 'proxy', port: 2380, basePath: '/docker' }],
  ['http://proxy:080/x', { kind: 'tcp', host: 'proxy', port: 80, basePath: '/x' }],
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
  ['ssh://root:secret@host', /ssh is not supported/],
  ['npipe:////./pipe/docker', /expected unix:/],
  ['unix://docker.sock', /absolute path/],
  ['tcp://', /no address/],
  ['tcp://me:secret@host', /credentials in the address are not used/],
  ['tcp://:secret@host', /credentials in the address are not used/],
  ['tcp://me:secret@host:99999', /credentials in the address are not used/],
  ['npipe://me:secret@host', /credentials in the address are not used/],
  ['me:secret@host:2375', /credentials in the address are not used/],
  ['tcp://me:sec/ret@host', /credentials in the address are not used/],
  ['tcp://host:80?x=1', /ends with its path/],
  ['tcp://host#x', /ends with its path/],
  ['unix:///var/\0run', /control character/],
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

it('finds an engine or says what is wrong, and repeats no password, whatever the address', () => {
  const address = fc
    .constantFrom(
      'unix:///var/run/docker.sock',
      'tcp://proxy:2375/docker',
      'https://[::1]:2376',
      'tcp://me:s3cr3t@proxy:2375',
      'ssh://me:s3cr3t@proxy',
      '10.0.0.7:2375',
    )
    .chain(nearText);
  const isEither = fc.property(address, (DOCKER_HOST) => {
    const hasPassword = DOCKER_HOST.includes('s3cr3t@') && !DOCKER_HOST.startsWith('unix:///');
    let told: string;
    try {
      const endpoint = parseEndpoint({ DOCKER_HOST, DOCKER_CERT_PATH: '/nowhere' });
      told = endpoint.label;
      if (endpoint.kind === 'unix') assert.ok(endpoint.socketPath.startsWith('/'));
      else assert.ok(endpoint.host !== '' && endpoint.port >= 0 && endpoint.port <= 65_535);
    } catch (error) {
      assert.ok(error instanceof ConfigError, String(error));
      told = error.message;
    }
    if (hasPassword) assert.ok(!told.includes('s3cr3t'), told);
  });

  fc.assert(isEither, runs(100));
});
