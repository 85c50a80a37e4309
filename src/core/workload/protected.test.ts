import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aContainer } from '../../../test/support/scenario.ts';
import type { ObservedContainer } from './container.ts';
import { LABEL } from './container.ts';
import { type OwnEndpoint, protectedContainers } from './protected.ts';

const NET = { net: { address: '172.18.0.2' } };
const SELF = aContainer('sentinel', {
  networks: NET,
  labels: { [LABEL.composeProject]: 'ops' },
});

function what(
  endpoint: Partial<OwnEndpoint>,
  redis: Partial<ObservedContainer>,
  self: ObservedContainer | null = SELF,
): string | undefined {
  const container = aContainer('ops-redis-1', redis);
  const containers = self === null ? [container] : [self, container];
  const endpoints = [{ what: 'its Redis', host: '', ...endpoint }];
  return protectedContainers(containers, self?.id, endpoints).get(container.id);
}

describe('what Sentinel never touches', () => {
  it('is itself', () => {
    assert.equal(protectedContainers([SELF], SELF.id, []).get(SELF.id), 'Sentinel itself');
  });

  it('is the owner of a namespace that it has joined', () => {
    const owner = aContainer('vpn');
    const self = aContainer('sentinel', { shares: [{ kind: 'network', owner: owner.id }] });
    assert.match(protectedContainers([self, owner], self.id, []).get(owner.id) ?? '', /the owner/);
  });

  it('is the owner of its namespace also where that was given by its name', () => {
    const owner = aContainer('vpn');
    const self = aContainer('sentinel', { shares: [{ kind: 'network', owner: 'vpn' }] });
    assert.match(protectedContainers([self, owner], self.id, []).get(owner.id) ?? '', /the owner/);
  });

  const service = { [LABEL.composeProject]: 'ops', [LABEL.composeService]: 'redis' };
  for (const [how, endpoint, redis, self] of [
    ['its name', { host: 'ops-redis-1' }, {}, SELF],
    ['its address', { host: '172.18.0.9' }, { networks: { net: { address: '172.18.0.9' } } }, SELF],
    ['its Compose service', { host: 'redis' }, { labels: service }, SELF],
    [
      'an alias on a network of ours',
      { host: 'cache' },
      { networks: { net: { address: '', aliases: ['cache'] } } },
      SELF,
    ],
    ['a port on the loopback', { host: '127.0.0.1', port: 6379 }, { publishedPorts: [6379] }, null],
    [
      'a port on an address of this machine',
      { host: '10.0.0.5', port: 6379, isThisHost: true },
      { publishedPorts: [6379] },
      null,
    ],
    [
      'a port on the host of our container',
      { host: 'host.docker.internal', port: 6379 },
      { publishedPorts: [6379] },
      SELF,
    ],
  ] as const) {
    it(`is what it is connected to by ${how}`, () => {
      assert.equal(what(endpoint, redis, self), 'its Redis');
    });
  }

  for (const [how, endpoint, redis] of [
    ['of another name', { host: 'redis' }, {}],
    [
      'with the alias on a network that is not ours',
      { host: 'cache' },
      { networks: { other: { address: '', aliases: ['cache'] } } },
    ],
    [
      'with the service in another project',
      { host: 'redis' },
      { labels: { ...service, [LABEL.composeProject]: 'shop' } },
    ],
    ['with another port', { host: 'host.docker.internal', port: 6380 }, { publishedPorts: [6379] }],
    [
      'with the port on the host, where the loopback is that of our container',
      { host: '127.0.0.1', port: 6379 },
      { publishedPorts: [6379] },
    ],
    ['without an address', { host: '' }, { networks: { net: { address: '' } } }],
  ] as const) {
    it(`is not a container ${how}`, () => {
      assert.equal(what(endpoint, redis), undefined);
    });
  }
});
