import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readFixture } from '../../../test/support/fixtures.ts';
import {
  attachedNetworks,
  Blueprint,
  furtherNetworks,
  type RecreateOptions,
  toCreateBody,
  unwantedNetwork,
} from './recreate.ts';
import { ImageConfig } from './recreate-image.ts';

const everything = Blueprint.parse(readFixture('docker/inspect-everything.json'));
const nginx = Blueprint.parse(readFixture('docker/inspect-engine-28.json'));
const nginxImage = ImageConfig.parse(readFixture('docker/image-nginx.json'));
const asItWas: RecreateOptions = { imageToUse: 'sre-sentinel-test/busybox:1', imageConfig: {} };

/** With fields of a host configuration or of a configuration replaced. */
function variant(host: object, config: object = {}): Blueprint {
  return Blueprint.parse({
    ...everything,
    HostConfig: { ...everything.HostConfig, ...host },
    Config: { ...everything.Config, ...config },
  });
}

describe('a create body from an inspect body', () => {
  it('has every field of the configuration and of the host configuration', () => {
    const { HostConfig, NetworkingConfig, ...config } = toCreateBody(everything, asItWas);

    assert.deepEqual(config, everything.Config);
    const { Binds, Mounts, ...host } = HostConfig;
    const {
      Binds: _binds,
      Mounts: _mounts,
      ContainerIDFile: _file,
      ...before
    } = everything.HostConfig;
    assert.deepEqual(host, before);
    assert.deepEqual(Binds, [
      '/srv/shop:/host-tmp:ro',
      'shop-data:/named',
      // Anonymous, declared by the container's own configuration.
      `${volumeAt('/anonymous')}:/anonymous`,
    ]);
    assert.deepEqual(Mounts, [{ Type: 'volume', Target: '/more', Source: volumeAt('/more') }]);
    assert.deepEqual(NetworkingConfig?.EndpointsConfig, {
      front: {
        IPAMConfig: { IPv4Address: '10.231.7.77' },
        Links: ['friend:buddy'],
        Aliases: ['web', 'shop', 'shop-host'],
      },
    });
  });

  it('keeps fields that nobody knew when this was written', () => {
    const blueprint = variant({ Annotations: { a: 'b' } }, { FutureField: [1] });

    const body = toCreateBody(blueprint, asItWas);

    assert.deepEqual(body.HostConfig['Annotations'], { a: 'b' });
    assert.deepEqual(body['FutureField'], [1]);
  });

  it('does not carry the old id over as the hostname', () => {
    const blueprint = variant({}, { Hostname: 'a'.repeat(12) });

    assert.equal('Hostname' in toCreateBody(blueprint, asItWas), false);
  });

  it('leaves out what Docker refuses beside another container’s network', () => {
    const NetworkMode = `container:${'b'.repeat(64)}`;
    const blueprint = Blueprint.parse({
      ...variant({ NetworkMode }),
      NetworkSettings: { Networks: {} },
    });

    const body = toCreateBody(blueprint, asItWas);

    for (const field of ['Hostname', 'ExposedPorts', 'NetworkingConfig']) {
      assert.equal(field in body, false, field);
    }
    assert.equal(unwantedNetwork(blueprint), undefined);
  });

  it('puts successors in the place of namespace owners', () => {
    const blueprint = variant({
      NetworkMode: `container:${'b'.repeat(64)}`,
      IpcMode: 'container:by-name',
      VolumesFrom: [`${'b'.repeat(64)}:ro`, 'data'],
    });

    const replacedOwners = { ['b'.repeat(64)]: 'c'.repeat(64) };
    const { HostConfig: host } = toCreateBody(blueprint, { ...asItWas, replacedOwners });

    assert.equal(host['NetworkMode'], `container:${'c'.repeat(64)}`);
    assert.equal(host['PidMode'], `container:${'c'.repeat(64)}`);
    assert.equal(host['IpcMode'], 'container:by-name');
    assert.deepEqual(host['VolumesFrom'], [`${'c'.repeat(64)}:ro`, 'data']);
  });

  it('writes links as they are given, not as they are listed', () => {
    const blueprint = variant({ Links: ['/db:/shop-web-1/database', '/cache:/shop-web-1/cache'] });

    const { HostConfig: host } = toCreateBody(blueprint, asItWas);

    assert.deepEqual(host['Links'], ['db:database', 'cache:cache']);
  });

  it('empties an entrypoint again that the image would supply', () => {
    const blueprint = variant({}, { Entrypoint: null });

    const imageConfig = { Entrypoint: ['/entry'] };
    const body = toCreateBody(blueprint, { ...asItWas, imageConfig });

    assert.deepEqual(body['Entrypoint'], []);
  });

  it('changes env and labels by name', () => {
    const env = { B: 'changed', C: 'a=b' };
    const labels = { added: 'yes', 'com.example.team': 'ops' };

    const body = toCreateBody(everything, { ...asItWas, env, labels });

    assert.deepEqual(body['Env'], ['A=1', 'B=changed', 'C=a=b']);
    assert.deepEqual(body['Labels'], { ...everything.Config.Labels, ...labels });
  });
});

describe('a create body for another image', () => {
  const toOther = { imageToUse: 'nginx:1.28', image: 'nginx:1.28', imageConfig: nginxImage };

  it('says only what the container itself said', () => {
    const body = toCreateBody(nginx, toOther);

    assert.equal(body.Image, 'nginx:1.28');
    assert.deepEqual(body['Env'], ['MINE=1']);
    assert.deepEqual(body['Labels'], { 'com.docker.compose.project': 'shop' });
    assert.deepEqual(body['ExposedPorts'], { '8080/tcp': {} });
    assert.deepEqual(body['Healthcheck'], nginx.Config['Healthcheck']);
    for (const field of ['Cmd', 'Entrypoint', 'StopSignal', 'WorkingDir']) {
      assert.equal(field in body, false, field);
    }
    assert.deepEqual(body.HostConfig['Binds'], ['7777:/var/cache/nginx']);
  });

  it('keeps a command under an entrypoint of the container’s own', () => {
    const own = Blueprint.parse({ ...nginx, Config: { ...nginx.Config, Entrypoint: ['/mine'] } });

    const body = toCreateBody(own, toOther);

    assert.deepEqual(body['Entrypoint'], ['/mine']);
    assert.deepEqual(body['Cmd'], ['nginx', '-g', 'daemon off;']);
  });
});

describe('networks of a blueprint', () => {
  it('attaches one with the creation, by the very word of its mode, and the others later', () => {
    const { NetworkingConfig } = toCreateBody(nginx, asItWas);

    assert.deepEqual(NetworkingConfig?.EndpointsConfig, {
      '9f8e7d6c5b4a': {
        DriverOpts: { 'com.docker.network.endpoint.ifname': 'web0' },
        GwPriority: 5,
        Aliases: ['web'],
        MacAddress: 'aa:bb:cc:00:11:22',
      },
    });
    assert.deepEqual(furtherNetworks(nginx), [
      ['shop_back', { IPAMConfig: { IPv4Address: '172.21.0.9' }, Aliases: ['web'] }],
    ]);
    assert.equal(attachedNetworks(nginx).length, 2);
    assert.equal(unwantedNetwork(nginx), undefined);
  });

  it('names the network that the container had left', () => {
    const left = Blueprint.parse({
      ...variant({ NetworkMode: 'default' }),
      NetworkSettings: { Networks: { back: {} } },
    });

    assert.equal(unwantedNetwork(left), 'bridge');
    assert.deepEqual(furtherNetworks(left), [['back', {}]]);
  });

  it('asks for no aliases on the default bridge, which has none', () => {
    const Networks = { bridge: { Aliases: ['web'], MacAddress: '02:42:ac:11:00:02' } };
    const plain = Blueprint.parse({
      ...variant({ NetworkMode: 'default' }),
      NetworkSettings: { Networks },
    });

    assert.deepEqual(attachedNetworks(plain), [['bridge', {}]]);
  });
});

function volumeAt(destination: string): string {
  const mount = everything.Mounts?.find(({ Destination: to }) => to === destination);
  assert.ok(mount?.Name);
  return mount.Name;
}
