import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type Docker from 'dockerode';
import { createDockerConnection } from '#adapters/docker/connection.ts';
import { createDockerOperations } from '#adapters/docker/docker-operations.ts';
import {
  ContainerGoneError,
  OperationRefusedError,
  RuntimeUnavailableError,
} from '#core/errors.ts';
import type { ContainerBlueprint, CreateOptions } from '#ports/container-operations.ts';
import { eventually, TEST_IMAGE, TestStack } from '../support/engine.ts';

const never = new AbortController().signal;
const connection = createDockerConnection({ DOCKER_HOST: process.env['DOCKER_HOST'] });
const operations = createDockerOperations({ connection });

let stack: TestStack;
before(async () => {
  stack = await TestStack.open();
});
after(async () => {
  await stack[Symbol.asyncDispose]();
  connection[Symbol.dispose]();
});

async function stateOf(container: Docker.Container): Promise<Docker.ContainerInspectInfo['State']> {
  return (await container.inspect()).State;
}

async function blueprintOf(id: string): Promise<ContainerBlueprint> {
  const blueprint = await operations.blueprint(id, never);
  assert.ok(blueprint !== undefined);
  return blueprint;
}

describe('docker operations: lifecycle', () => {
  it('starts, pauses, unpauses, restarts, kills and stops', async () => {
    const container = await stack.container('cycle', { start: false });
    const { id } = container;

    await operations.start(id, never);
    const { StartedAt: firstStart } = await stateOf(container);
    await operations.start(id, never);
    await operations.pause(id, never);
    assert.equal((await stateOf(container)).Paused, true);
    await operations.unpause(id, never);
    assert.equal((await stateOf(container)).Paused, false);
    await operations.restart(id, 2, never);
    assert.notEqual((await stateOf(container)).StartedAt, firstStart);
    await operations.kill(id, 'SIGTERM', never);
    await eventually(async () => !(await stateOf(container)).Running);
    assert.equal((await stateOf(container)).ExitCode, 0);
    await operations.stop(id, 1, never);

    await operations.remove(id, { force: false }, never);
    await assert.rejects(operations.start(id, never), ContainerGoneError);
    await assert.rejects(operations.stop(id, undefined, never), ContainerGoneError);
  });

  it('honours the stop timeout of the container where the call names none', async () => {
    const container = await stack.container('stubborn', {
      script: 'trap "" TERM; while :; do sleep 0.1; done',
      StopTimeout: 1,
    });

    await operations.stop(container.id, undefined, never);

    assert.equal((await stateOf(container)).ExitCode, 137);
  });

  it('passes on why the engine refuses', async () => {
    const container = await stack.container('refusing');

    await assert.rejects(operations.kill(container.id, 'SIGNONE', never), (error) => {
      assert.ok(error instanceof OperationRefusedError);
      assert.match(error.message, /invalid signal/i);
      return true;
    });
    await assert.rejects(
      operations.remove(container.id, { force: false }, never),
      OperationRefusedError,
    );
    await operations.remove(container.id, { force: true }, never);
  });

  it('does not take a namespace owner that is gone for the container itself', async () => {
    const owner = await stack.container('owner');
    const sharer = await stack.container('sharer', {
      HostConfig: { NetworkMode: `container:${owner.id}` },
    });
    await owner.remove({ force: true });

    await assert.rejects(operations.restart(sharer.id, 0, never), OperationRefusedError);
    // Docker answers 404 here, and means the owner.
    await assert.rejects(operations.start(sharer.id, never), OperationRefusedError);
    await sharer.remove({ force: true });
  });
});

describe('docker operations: updates', () => {
  it('raises memory past the swap limit that stands', async () => {
    const container = await stack.container('memory', {
      HostConfig: { Memory: 32 * 2 ** 20, MemorySwap: 48 * 2 ** 20, NanoCpus: 250_000_000 },
    });

    const limits = { memoryBytes: 64 * 2 ** 20, memorySwapBytes: 80 * 2 ** 20, pids: 33 };
    await operations.updateResources(container.id, limits, never);
    await operations.updateResources(container.id, { nanoCpus: 500_000_000 }, never);

    const { HostConfig: host } = await container.inspect();
    assert.equal(host.Memory, 64 * 2 ** 20);
    assert.equal(host.MemorySwap, 80 * 2 ** 20);
    assert.equal(host.PidsLimit, 33);
    assert.equal(host.NanoCpus, 500_000_000);
    await container.remove({ force: true });
  });

  it('limits what had no limit, and what has a quota instead of CPUs', async () => {
    const container = await stack.container('quota', {
      HostConfig: { CpuPeriod: 50_000, CpuQuota: 25_000 },
    });

    const memoryBytes = 64 * 2 ** 20;
    const limits = { memoryBytes, memorySwapBytes: memoryBytes, nanoCpus: 750_000_000 };
    await operations.updateResources(container.id, limits, never);

    const { HostConfig: host } = await container.inspect();
    assert.equal(host.MemorySwap, 64 * 2 ** 20);
    assert.equal(host.CpuQuota, 37_500);
    assert.equal(host.CpuPeriod, 50_000);
    await container.remove({ force: true });
  });

  it('changes the restart policy', async () => {
    const container = await stack.container('policy', { start: false });

    const policy = { name: 'on-failure', maximumRetryCount: 4 };
    await operations.updateRestartPolicy(container.id, policy, never);
    const onFailure = (await container.inspect()).HostConfig.RestartPolicy;
    await operations.updateRestartPolicy(container.id, { name: 'no', maximumRetryCount: 4 }, never);
    const no = (await container.inspect()).HostConfig.RestartPolicy;

    assert.deepEqual(onFailure, { Name: 'on-failure', MaximumRetryCount: 4 });
    assert.deepEqual(no, { Name: 'no', MaximumRetryCount: 0 });
  });
});

describe('docker operations: exec', () => {
  const limits = { timeoutMs: 10_000, outputBytesMax: 1_000 };

  it('runs an argv without a shell, and gives both streams and the exit code', async () => {
    const { id } = await stack.container('exec');

    const echo = await operations.exec(id, ['echo', '$HOME', '; exit 9'], limits, never);
    const script = 'echo out; sleep 0.1; echo err >&2; exit 3';
    const shell = await operations.exec(id, ['sh', '-c', script], limits, never);
    const missing = await operations.exec(id, ['no-such-program'], limits, never);

    assert.deepEqual(echo, { exitCode: 0, output: '$HOME ; exit 9\n', truncated: false });
    assert.deepEqual(shell, { exitCode: 3, output: 'out\nerr\n', truncated: false });
    assert.notEqual(missing.exitCode, 0);
  });

  it('caps the output and still waits for the end', async () => {
    const { id } = await stack.container('chatty');

    const script = "head -c 500000 /dev/zero | tr '\\0' x; exit 4";
    const result = await operations.exec(id, ['sh', '-c', script], limits, never);

    assert.deepEqual(result, { exitCode: 4, output: 'x'.repeat(1_000), truncated: true });
  });

  it('leaves the outcome open when the command does not end in time', async () => {
    const { id } = await stack.container('slow');

    const options = { ...limits, timeoutMs: 300 };
    const running = operations.exec(id, ['sleep', '1000'], options, never);

    await assert.rejects(running, RuntimeUnavailableError);
  });

  it('is refused by a container that does not run', async () => {
    const { id } = await stack.container('idle', { start: false });

    await assert.rejects(operations.exec(id, ['true'], limits, never), OperationRefusedError);
    await assert.rejects(
      operations.exec('0123456789ab', ['true'], limits, never),
      ContainerGoneError,
    );
  });
});

describe('docker operations: recreation', () => {
  /** Makes a copy beside the original, which is detached and stopped as a recreation does it. */
  async function recreate(
    old: Docker.Container,
    suffix: string,
    options: Omit<CreateOptions, 'name'> = {},
  ): Promise<Docker.Container> {
    const blueprint = await blueprintOf(old.id);
    const create = { name: stack.name(suffix), ...options };
    const id = await operations.createFrom(blueprint, create, never);
    await operations.stop(old.id, 0, never);
    await operations.disconnectNetworks(old.id, never);
    await operations.start(id, never);
    return stack.docker.getContainer(id);
  }

  it('keeps every setting of a container that has all of them', async () => {
    const front = stack.name('front');
    const back = stack.name('back');
    const IPAM = { Config: [{ Subnet: subnet(1) }] };
    await stack.docker.createNetwork({ Name: front, IPAM });
    await stack.docker.createNetwork({ Name: back, IPAM: { Config: [{ Subnet: subnet(2) }] } });
    const friend = await stack.container('friend');
    const original = await stack.container('all', {
      ...EVERYTHING,
      Labels: { 'com.example.team': 'shop', ...stack.compose(stack.prefix, 'web') },
      HostConfig: {
        ...EVERYTHING.HostConfig,
        Binds: ['/tmp:/host-tmp:ro', `${stack.name('volume')}:/named`],
        NetworkMode: front,
        PidMode: `container:${friend.id}`,
      },
      NetworkingConfig: {
        EndpointsConfig: {
          [front]: {
            IPAMConfig: { IPv4Address: address(1, 77) },
            Aliases: ['web', 'shop'],
            Links: [`${stack.name('friend')}:buddy`],
          },
        },
      },
    });
    await stack.docker.getNetwork(back).connect({
      Container: original.id,
      EndpointConfig: { IPAMConfig: { IPv4Address: address(2, 78) }, Aliases: ['web-back'] },
    });
    const before = await original.inspect();

    const copy = await recreate(original, 'all-new');

    const now = await copy.inspect();
    assert.equal(now.State.Running, true);
    assert.deepEqual(settingsOf(now), settingsOf(before));
    await Promise.all([original, copy, friend].map((one) => one.remove({ force: true, v: true })));
    await stack.docker.getVolume(stack.name('volume')).remove();
  });

  it('gives a plain container a hostname of its own, and nothing else new', async () => {
    const original = await stack.container('plain');
    const before = await original.inspect();

    const copy = await recreate(original, 'plain-new');

    const now = await copy.inspect();
    assert.equal(now.Config.Hostname, copy.id.slice(0, 12));
    assert.deepEqual(settingsOf(now), settingsOf(before));
  });

  it('finds what was written to an anonymous volume', async () => {
    const original = await stack.container('anonymous', {
      Volumes: { '/data': {} },
      HostConfig: { Mounts: [{ Type: 'volume', Source: '', Target: '/more' }] },
      script: 'echo kept >> /data/f; echo kept >> /more/f; exec sleep 1000',
    });

    const copy = await recreate(original, 'anonymous-new');
    await operations.remove(original.id, { force: true }, never);

    const options = { timeoutMs: 10_000, outputBytesMax: 1_000 };
    const files = await eventually(async () => {
      const { output } = await operations.exec(
        copy.id,
        ['cat', '/data/f', '/more/f'],
        options,
        never,
      );
      return output === 'kept\n'.repeat(4) && output;
    });
    assert.equal(files, 'kept\n'.repeat(4));
    const { Mounts: mounts } = await copy.inspect();
    await copy.remove({ force: true, v: true });
    for (const { Name: name } of mounts) await stack.docker.getVolume(name ?? '').remove();
  });

  it('follows a namespace owner that was recreated too', async () => {
    const owner = await stack.container('netns');
    const sharer = await stack.container('in-netns', {
      HostConfig: {
        NetworkMode: `container:${owner.id}`,
        IpcMode: 'private',
        PidMode: `container:${owner.id}`,
      },
    });

    const newOwner = await recreate(owner, 'netns-new');
    const replacedOwners = { [owner.id]: newOwner.id };
    const copy = await recreate(sharer, 'in-netns-new', { replacedOwners });

    const { HostConfig: host, State: state } = await copy.inspect();
    assert.equal(state.Running, true);
    assert.equal(host.NetworkMode, `container:${newOwner.id}`);
    assert.equal(host.PidMode, `container:${newOwner.id}`);
  });

  it('changes env and labels by name, and the image without keeping the old one’s values', async () => {
    const image = `${stack.prefix}/app`;
    await commit(image, 'v1', ['ENV VERSION=1 KEEP=image', 'CMD ["sleep","1000"]', 'LABEL v=1']);
    await commit(image, 'v2', ['ENV VERSION=2', 'CMD ["sleep","2000"]', 'LABEL v=2']);
    const original = await stack.docker.createContainer({
      name: stack.name('image'),
      Image: `${image}:v1`,
      Env: ['MINE=1', 'KEEP=container'],
      Labels: { mine: '1' },
    });
    await original.start();

    const copy = await recreate(original, 'image-new', {
      image: `${image}:v2`,
      env: { MINE: '2', MORE: 'x=y' },
      labels: { added: 'yes' },
    });

    const { Config: config } = await copy.inspect();
    assert.deepEqual(config.Cmd, ['sleep', '2000']);
    const env = ['KEEP=container', 'MINE=2', 'MORE=x=y', 'VERSION=2'];
    assert.deepEqual(config.Env.toSorted(), env);
    assert.deepEqual(config.Labels, { v: '2', mine: '1', added: 'yes' });
    assert.equal(config.Image, `${image}:v2`);

    const history = await operations.imageHistory(`${image}:v1`, never);
    const references = history.map((entry) => entry.references);
    assert.deepEqual(references.flat().toSorted(), [`${image}:v1`, `${image}:v2`]);
    assert.ok((history[0]?.createdAtMs ?? 0) >= (history[1]?.createdAtMs ?? 0));
    await copy.remove({ force: true });
    await original.remove({ force: true });
    for (const tag of ['v1', 'v2']) await stack.docker.getImage(`${image}:${tag}`).remove();
  });

  it('recreates from the image that ran, though its tag has moved on', async () => {
    const image = `${stack.prefix}/moved`;
    await commit(image, 'latest', ['CMD ["sleep","1000"]']);
    const original = await stack.docker.createContainer({
      name: stack.name('moved'),
      Image: `${image}:latest`,
    });
    await original.start();
    const before = await original.inspect();
    await commit(image, 'latest', ['CMD ["sleep","2000"]']);

    const copy = await recreate(original, 'moved-new');

    const now = await copy.inspect();
    assert.equal(now.Image, before.Image);
    await copy.remove({ force: true });
    await original.remove({ force: true });
    await stack.docker.getImage(`${image}:latest`).remove();
    await stack.docker.getImage(before.Image).remove({ force: true });
  });

  it('leaves nothing behind when a network cannot be attached', async () => {
    const network = stack.name('picky');
    await stack.docker.createNetwork({ Name: network });
    const original = await stack.container('fleeting', { start: false });
    const blueprint = await blueprintOf(original.id);
    const Networks = { bridge: {}, [network]: { IPAMConfig: { IPv4Address: 'nonsense' } } };
    const raw = { ...(blueprint.raw as object), NetworkSettings: { Networks } };

    const name = stack.name('fleeting-new');
    const creating = operations.createFrom({ ...blueprint, raw }, { name }, never);

    await assert.rejects(creating, OperationRefusedError);
    assert.equal(await operations.blueprint(name, never), undefined);
  });

  it('restores the networks of the old container, however often it is told to', async () => {
    const network = stack.name('restored');
    await stack.docker.createNetwork({ Name: network, IPAM: { Config: [{ Subnet: subnet(3) }] } });
    const container = await stack.container('restored', {
      HostConfig: { NetworkMode: network },
      NetworkingConfig: {
        EndpointsConfig: {
          [network]: { IPAMConfig: { IPv4Address: address(3, 9) }, Aliases: ['db'] },
        },
      },
    });
    const blueprint = await blueprintOf(container.id);
    await operations.stop(container.id, 0, never);

    await operations.disconnectNetworks(container.id, never);
    await operations.disconnectNetworks(container.id, never);
    assert.deepEqual((await container.inspect()).NetworkSettings.Networks, {});
    await operations.connectNetworks(blueprint, container.id, never);
    await operations.connectNetworks(blueprint, container.id, never);
    await operations.start(container.id, never);

    const endpoint = (await container.inspect()).NetworkSettings.Networks[network];
    assert.equal(endpoint?.IPAddress, address(3, 9));
    assert.ok(endpoint?.Aliases?.includes('db'));
    await container.remove({ force: true });
  });

  it('renames, and knows no blueprint of what is gone', async () => {
    const container = await stack.container('named', { start: false });

    await operations.rename(container.id, stack.name('renamed'), never);

    const blueprint = await blueprintOf(stack.name('renamed'));
    assert.equal(blueprint.id, container.id);
    assert.equal(blueprint.image, TEST_IMAGE);
    assert.equal(blueprint.running, false);
    assert.equal(await operations.blueprint(stack.name('named'), never), undefined);
  });
});

/** An image built by the classic way: the changes of a Dockerfile upon a created container. */
async function commit(repo: string, tag: string, changes: readonly string[]): Promise<void> {
  // Without the stack's label, which the image would inherit; the name is enough to be removed by.
  const base = await stack.docker.createContainer({
    name: stack.name(`base-${tag}`),
    Image: TEST_IMAGE,
    Cmd: ['true'],
  });
  await base.commit({ repo, tag, changes: [...changes, 'ENTRYPOINT []'].join('\n') });
  await base.remove({ force: true });
}

function subnet(index: number): string {
  return `10.${200 + index}.${subnetOctet()}.0/24`;
}

function address(index: number, host: number): string {
  return `10.${200 + index}.${subnetOctet()}.${host}`;
}

/** From the stack's random prefix, so that parallel runs rarely meet. */
function subnetOctet(): number {
  return Number.parseInt(stack.prefix.slice(-2), 16);
}

/** What the user decided: without ids, instants, addresses that the engine chose, paths of the host. */
function settingsOf({
  Id: id,
  Config: config,
  HostConfig: host,
  ...rest
}: Docker.ContainerInspectInfo) {
  const own = id.slice(0, 12);
  const { Hostname: hostname, ...configRest } = config;
  const networks = Object.entries(rest.NetworkSettings.Networks).map(([name, endpoint]) => [
    name,
    {
      ipam: endpoint.IPAMConfig ?? null,
      aliases: (endpoint.Aliases ?? []).filter((alias: string) => alias !== own).toSorted(),
      links: endpoint.Links ?? null,
    },
  ]);
  const mounts = rest.Mounts.map(({ Type, Name, Source, Destination, RW, Propagation }) => ({
    Type,
    Name,
    Source,
    Destination,
    RW,
    Propagation,
  }));
  return {
    image: rest.Image,
    platform: rest.Platform,
    config: { ...configRest, hostname: hostname === own ? 'own id' : hostname },
    host: { ...host, Binds: host.Binds?.toSorted() ?? null },
    networks: Object.fromEntries(networks) as object,
    mounts: mounts.toSorted((a, b) => a.Destination.localeCompare(b.Destination)),
    // Published on a port that the engine chose, or on none.
    ports: Object.entries(rest.NetworkSettings.Ports).map(([port, to]) => [port, to?.length]),
  };
}

const EVERYTHING = {
  Hostname: 'shop-host',
  Domainname: 'example.test',
  User: '0:0',
  Tty: true,
  OpenStdin: true,
  Env: ['A=1', 'B=two words'],
  Entrypoint: ['sh', '-c'],
  Cmd: ['sleep 1000'],
  WorkingDir: '/tmp',
  StopSignal: 'SIGINT',
  StopTimeout: 4,
  MacAddress: '02:42:0a:c9:00:aa',
  ExposedPorts: { '80/tcp': {}, '9/udp': {} },
  Healthcheck: {
    Test: ['CMD-SHELL', 'true'],
    Interval: 5e9,
    Timeout: 2e9,
    Retries: 4,
    StartPeriod: 1e9,
  },
  HostConfig: {
    Mounts: [{ Type: 'bind', Source: '/usr', Target: '/host-usr', ReadOnly: true }],
    Tmpfs: { '/scratch': 'size=65536k' },
    PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] },
    ExtraHosts: ['db:10.1.2.3'],
    Dns: ['10.0.0.53'],
    DnsOptions: ['ndots:2'],
    DnsSearch: ['example.test'],
    CapAdd: ['NET_ADMIN'],
    CapDrop: ['MKNOD'],
    SecurityOpt: ['no-new-privileges'],
    GroupAdd: ['44'],
    Devices: [
      { PathOnHost: '/dev/null', PathInContainer: '/dev/nothing', CgroupPermissions: 'rwm' },
    ],
    Ulimits: [{ Name: 'nofile', Soft: 1024, Hard: 2048 }],
    Sysctls: { 'net.core.somaxconn': '512' },
    ShmSize: 33_554_432,
    Memory: 67_108_864,
    MemorySwap: 134_217_728,
    MemoryReservation: 33_554_432,
    NanoCpus: 500_000_000,
    CpuShares: 512,
    CpusetCpus: '0',
    PidsLimit: 64,
    OomScoreAdj: 100,
    RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 2 },
    LogConfig: { Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '2' } },
    Init: true,
    ReadonlyRootfs: true,
    IpcMode: 'shareable',
    CgroupParent: '/sentinel-test',
    Runtime: 'runc',
  },
} satisfies Docker.ContainerCreateOptions;
