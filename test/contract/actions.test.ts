import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type Docker from 'dockerode';
import { createBuiltinActions } from '#actions/builtin-actions.ts';
import { createDockerConnection } from '#adapters/docker/connection.ts';
import { createDockerOperations } from '#adapters/docker/docker-operations.ts';
import { createDockerRuntime } from '#adapters/docker/docker-runtime.ts';
import { createSystemClock } from '#adapters/system/system-clock.ts';
import { RuntimeUnavailableError } from '#core/errors.ts';
import type { JsonObject } from '#ports/action-runner.ts';
import { expectationOf, INTENT, NEVER } from '../support/actions.ts';
import { eventually, TestStack } from '../support/engine.ts';

const connection = createDockerConnection({ DOCKER_HOST: process.env['DOCKER_HOST'] });
after(() => connection[Symbol.dispose]());
const clock = createSystemClock();
const runtime = createDockerRuntime({ connection, clock });
const operations = createDockerOperations({ connection });
const actions = createBuiltinActions({ runtime, operations, clock });
const MiB = 2 ** 20;
/** Of a block for documentation, so that no network of this machine has it. */
const SUBNET = '203.0.113';

async function expectationsOf(...containers: readonly Docker.Container[]) {
  const expect = [];
  for (const { id } of containers) {
    expect.push(expectationOf((await runtime.inspect(id, NEVER)) ?? assert.fail(`no ${id}`)));
  }
  return expect;
}

async function call(tool: string, args: JsonObject, ...containers: readonly Docker.Container[]) {
  const expect = await expectationsOf(...containers);
  return actions.call(tool, args, { intentId: INTENT, expect }, NEVER);
}

async function stateOf(container: Docker.Container): Promise<Docker.ContainerInspectInfo['State']> {
  return (await container.inspect()).State;
}

describe('the built-in tools on a real engine', () => {
  it('restart in another run, keep AutoRemove, and refuse what has changed since', async () => {
    await using stack = await TestStack.open();
    const web = await stack.container('web', { HostConfig: { AutoRemove: true } });
    const [before] = await expectationsOf(web);
    assert.ok(before);

    const done = await call('restart_container', { timeoutSeconds: 1 }, web);
    const stale = await actions.call(
      'restart_container',
      {},
      { intentId: INTENT, expect: [before] },
      NEVER,
    );

    assert.equal(done.outcome, 'Succeeded');
    assert.equal((await stateOf(web)).Running, true);
    assert.equal(stale.outcome === 'NotExecuted' && stale.reason, 'TargetChanged');
  });

  it('pause, unpause, stop, start and kill', async () => {
    await using stack = await TestStack.open();
    const web = await stack.container('web');
    const seen: string[] = [];

    for (const tool of ['pause', 'unpause', 'stop', 'start', 'kill']) {
      const { outcome } = await call(`${tool}_container`, {}, web);
      seen.push(`${tool} ${outcome} ${(await stateOf(web)).Status}`);
    }

    assert.deepEqual(seen, [
      'pause Succeeded paused',
      'unpause Succeeded running',
      'stop Succeeded exited',
      'start Succeeded running',
      'kill Succeeded exited',
    ]);
  });

  it('set memory above the old swap limit, and undo it exactly', async () => {
    await using stack = await TestStack.open();
    const web = await stack.container('web', {
      HostConfig: { Memory: 32 * MiB, MemorySwap: 64 * MiB },
    });
    const limits = async () => {
      const { Memory, MemorySwap } = (await web.inspect()).HostConfig;
      return { Memory, MemorySwap };
    };

    const done = await call('update_resources', { memory: '128m' }, web);
    const raised = await limits();
    const previous = done.outcome === 'Succeeded' ? done.result['previous'] : undefined;
    const undone = await call('update_resources', previous as JsonObject, web);

    assert.equal(done.outcome, 'Succeeded');
    assert.deepEqual(raised, { Memory: 128 * MiB, MemorySwap: 160 * MiB });
    assert.equal(undone.outcome, 'Succeeded');
    assert.deepEqual(await limits(), { Memory: 32 * MiB, MemorySwap: 64 * MiB });
  });

  it('lift a limit again that was not there before', async () => {
    await using stack = await TestStack.open();
    const web = await stack.container('web');

    const done = await call('update_resources', { memory: '64m', pids: 50 }, web);
    const previous = done.outcome === 'Succeeded' ? done.result['previous'] : undefined;
    const undone = await call('update_resources', previous as JsonObject, web);

    assert.equal(undone.outcome, 'Succeeded', JSON.stringify(undone));
    const seen = await runtime.inspect(web.id, NEVER);
    assert.equal(seen?.limits.memoryBytes, (await runtime.info(NEVER)).memoryBytes);
    assert.equal(seen?.limits.pids, undefined);
  });

  it('run a command as it is given, and tell its exit code', async () => {
    await using stack = await TestStack.open();
    const web = await stack.container('web');

    const said = await call('exec_command', { command: ['echo', '$HOME; ls'] }, web);
    const failed = await call(
      'exec_command',
      { command: ['sh', '-c', 'echo no >&2; exit 3'] },
      web,
    );

    assert.equal(said.outcome === 'Succeeded' && said.result['output'], '$HOME; ls\n');
    assert.deepEqual(failed, { outcome: 'Failed', message: 'exit code 3: no\n' });
  });

  it('give Docker’s reason when a container cannot start', async () => {
    await using stack = await TestStack.open();
    const broken = await stack.container('broken', { Cmd: ['/no/such/program'], start: false });

    const result = await call('start_container', {}, broken);

    assert.match(result.outcome === 'Failed' ? result.message : '', /no such file/);
  });

  it('restart those who share the network of a restarted container, once it is healthy', async () => {
    await using stack = await TestStack.open();
    const owner = await stack.container('vpn', {
      Healthcheck: { Test: ['CMD', 'true'], Interval: 5e8, Timeout: 2e9, Retries: 3 },
    });
    const sharer = await stack.container('app', {
      HostConfig: { NetworkMode: `container:${owner.id}` },
    });

    const result = await call('restart_container', { timeoutSeconds: 1 }, owner, sharer);

    assert.equal(result.outcome, 'Succeeded', JSON.stringify(result));
    const interfaces = await call('exec_command', { command: ['ls', '/sys/class/net'] }, sharer);
    assert.match(JSON.stringify(interfaces), /eth0/);
  });
});

describe('a recreation on a real engine', () => {
  it('keeps everything that inspect shows, and its sharer follows', async () => {
    await using stack = await TestStack.open();
    const network = stack.name('net');
    await stack.docker.createNetwork({
      Name: network,
      IPAM: { Config: [{ Subnet: `${SUBNET}.0/28` }] },
    });
    const volume = stack.name('data');
    try {
      const old = await stack.container('web', {
        script: 'echo kept > /data/file; echo kept > /anonymous/file; while :; do sleep 0.1; done',
        Env: ['MODE=old', 'EMPTY='],
        Labels: { team: 'shop', ...stack.compose(stack.prefix, 'web') },
        Volumes: { '/anonymous': {} },
        StopTimeout: 1,
        Healthcheck: { Test: ['CMD', 'test', '-e', '/data/file'], Interval: 5e8, Retries: 3 },
        HostConfig: {
          NetworkMode: network,
          Binds: [`${volume}:/data`],
          Memory: 48 * MiB,
          MemorySwap: 96 * MiB,
          PidsLimit: 40,
          RestartPolicy: { Name: 'unless-stopped', MaximumRetryCount: 0 },
          LogConfig: { Type: 'json-file', Config: { 'max-size': '1m' } },
          CapDrop: ['MKNOD'],
          ExtraHosts: ['db:10.9.9.9'],
        },
        NetworkingConfig: {
          EndpointsConfig: {
            [network]: { Aliases: ['www'], IPAMConfig: { IPv4Address: `${SUBNET}.5` } },
          },
        },
      });
      const sharer = await stack.container('app', {
        HostConfig: { NetworkMode: `container:${old.id}` },
        StopTimeout: 1,
      });
      const before = comparable(await old.inspect());

      const result = await call('recreate_container', {}, old, sharer);

      assert.equal(result.outcome, 'Succeeded', JSON.stringify(result));
      const web = stack.docker.getContainer(stack.name('web'));
      const now = await web.inspect();
      assert.notEqual(now.Id, old.id);
      assert.deepEqual(comparable(now), before);
      assert.equal(now.State.Health?.Status, 'healthy');
      const read = await call('exec_command', { command: ['cat', '/anonymous/file'] }, web);
      assert.equal(read.outcome === 'Succeeded' && read.result['output'], 'kept\n');
      const app = await stack.docker.getContainer(stack.name('app')).inspect();
      assert.equal(app.HostConfig.NetworkMode, `container:${now.Id}`);
      assert.equal(app.State.Running, true);

      const aside = stack.docker.getContainer(`${stack.name('web')}.sentinel-${INTENT}-old`);
      assert.equal((await aside.inspect()).HostConfig.RestartPolicy?.Name, 'no');
      assert.equal((await actions.settle(INTENT, NEVER)).outcome, 'Succeeded');
      await assert.rejects(aside.inspect(), { statusCode: 404 });
    } finally {
      // The stack removes the containers; the volume can go only after them.
      await stack[Symbol.asyncDispose]();
      await stack.docker.getVolume(volume).remove();
    }
  });

  it('returns to the old container, its address and its sharer when the new one does not start', async () => {
    await using stack = await TestStack.open();
    const network = stack.name('net');
    await stack.docker.createNetwork({
      Name: network,
      IPAM: { Config: [{ Subnet: `${SUBNET}.16/28` }] },
    });
    const old = await stack.container('web', {
      script: 'test "$MODE" = new && exit 7; while :; do sleep 0.1; done',
      Env: ['MODE=old'],
      StopTimeout: 1,
      HostConfig: {
        NetworkMode: network,
        RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 1 },
      },
      NetworkingConfig: {
        EndpointsConfig: { [network]: { IPAMConfig: { IPv4Address: `${SUBNET}.20` } } },
      },
    });
    const sharer = await stack.container('app', {
      HostConfig: { NetworkMode: `container:${old.id}` },
      StopTimeout: 1,
    });

    const result = await call('update_env_vars', { set: { MODE: 'new' } }, old, sharer);

    assert.match(result.outcome === 'Failed' ? result.message : '', /the old container is back/);
    const now = await stack.docker.getContainer(stack.name('web')).inspect();
    assert.equal(now.Id, old.id);
    assert.equal(now.State.Running, true);
    assert.deepEqual(now.HostConfig.RestartPolicy, { Name: 'on-failure', MaximumRetryCount: 1 });
    assert.equal(now.NetworkSettings.Networks[network]?.IPAddress, `${SUBNET}.20`);
    const interfaces = await eventually(
      async () => {
        const seen = await call('exec_command', { command: ['ls', '/sys/class/net'] }, sharer);
        return seen.outcome === 'Succeeded' && JSON.stringify(seen);
      },
      { what: 'the sharer' },
    );
    assert.match(interfaces, /eth0/);
  });

  for (const writes of [1, 2, 3, 4, 5, 6]) {
    it(`can be taken back after a crash at its write ${writes}`, async () => {
      await using stack = await TestStack.open();
      const old = await stack.container('web', {
        HostConfig: { RestartPolicy: { Name: 'always' } },
        StopTimeout: 1,
      });
      const expect = await expectationsOf(old);
      const doomed = createBuiltinActions({ ...cutOffAfter(writes), clock });
      const intentId = `${INTENT}${stack.prefix.replaceAll(/[^a-z0-9]/g, '')}`;
      await doomed.call('recreate_container', {}, { intentId, expect }, NEVER);

      const back = await actions.recover(intentId, NEVER);
      const again = await actions.recover(intentId, NEVER);

      assert.equal(back.outcome, 'Succeeded', JSON.stringify(back));
      assert.equal(again.outcome, 'NotExecuted');
      const now = await stack.docker.getContainer(stack.name('web')).inspect();
      assert.equal(now.Id, old.id);
      assert.equal(now.State.Running, true);
      assert.equal(now.HostConfig.RestartPolicy?.Name, 'always');
      const all = await runtime.list(NEVER);
      assert.equal(all.filter(({ name }) => name.startsWith(stack.prefix)).length, 1);
    });
  }

  it('goes back to an older image of the same repository', async () => {
    await using stack = await TestStack.open();
    const repository = `sre-sentinel-test/${stack.prefix}`;
    const image = async (tag: string) => {
      const box = await stack.container(`box-${tag}`, { script: 'true' });
      await box.wait();
      const { Id } = (await box.commit({ repo: repository, tag })) as { readonly Id: string };
      return Id;
    };
    const older = await image('1');
    // Docker dates images in whole seconds.
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const newer = await image('2');
    try {
      const loop = ['sh', '-c', 'while :; do sleep 0.1; done'];
      const web = await stack.container('web', {
        Image: `${repository}:2`,
        Cmd: loop,
        StopTimeout: 1,
      });

      const result = await call('rollback_image', {}, web);

      assert.equal(result.outcome, 'Succeeded', JSON.stringify(result));
      const now = await stack.docker.getContainer(stack.name('web')).inspect();
      assert.equal(now.Image, older);
      assert.deepEqual(now.Config.Cmd, loop);
    } finally {
      await stack[Symbol.asyncDispose]();
      for (const id of [newer, older]) await stack.docker.getImage(id).remove({ force: true });
    }
  });
});

/** The engine as a process sees it that dies after so many writes: they take effect, no more do. */
function cutOffAfter(writes: number) {
  let left = writes;
  const away = () => Promise.reject(new RuntimeUnavailableError('the process has died'));
  const guard = <Port extends object>(port: Port, isWrite: (method: string) => boolean): Port =>
    new Proxy(port, {
      get(target, method, receiver) {
        if (left === 0) return away;
        if (isWrite(String(method))) left -= 1;
        return Reflect.get(target, method, receiver) as unknown;
      },
    });
  return {
    runtime: guard(runtime, () => false),
    operations: guard(operations, (method) => method !== 'blueprint' && method !== 'imageHistory'),
  };
}

/** What of an inspect belongs to one instance: the rest must be the same after a recreation. */
function comparable({
  Config,
  HostConfig,
  Mounts,
  NetworkSettings,
  Image,
  Name,
}: Docker.ContainerInspectInfo) {
  const { Hostname: _, Labels, Volumes: __, ...config } = Config;
  const labels = Object.fromEntries(
    Object.entries(Labels).filter(([label]) => !label.startsWith('sre-sentinel.')),
  );
  // An anonymous volume is asked for by its name the second time.
  const { Binds: ___, ...hostConfig } = HostConfig;
  const networks = Object.fromEntries(
    Object.entries(NetworkSettings.Networks).map(([name, { IPAMConfig, IPAddress, Aliases }]) => [
      name,
      {
        IPAMConfig,
        IPAddress,
        aliases: (Aliases ?? []).filter((alias: string) => !/^[0-9a-f]{12}$/.test(alias)),
      },
    ]),
  );
  const mounts = Mounts.map(({ Name: volume, Destination, RW }) => ({ volume, Destination, RW }));
  return {
    Name,
    Image,
    config,
    labels,
    hostConfig,
    networks,
    mounts: mounts.toSorted((a, b) => (a.Destination < b.Destination ? -1 : 1)),
  };
}
