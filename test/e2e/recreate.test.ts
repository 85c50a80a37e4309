import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type Docker from 'dockerode';
import { eventually, TestStack } from '../support/engine.ts';
import { SentinelProcess } from '../support/sentinel-process.ts';
import { aQuickPolicy, aService, recordEvents, untilHealth } from '../support/workloads.ts';

const STRONG = { tools: { enable: ['docker/update_env_vars', 'docker/recreate_container'] } };
/** Well only where MODE says so. */
const BY_MODE = '[ "$MODE" = good ] && touch /ok; trap "exit 0" TERM; while :; do sleep 0.1; done';

const setMode = (mode: string) => ({
  allowed: [{ name: 'mode', tool: 'docker/update_env_vars', arguments: { set: { MODE: mode } } }],
  verify: { within: '5s', healthyFor: '1s' },
});

/** Everything that a person has configured, without what the engine gave it. */
function configured({
  Config,
  HostConfig,
  NetworkSettings,
  Name,
  Mounts,
}: Docker.ContainerInspectInfo) {
  const { Hostname: _, Env, Labels, ...config } = Config;
  const own = Object.entries(Labels).filter(([label]) => !label.startsWith('sre-sentinel.'));
  const networks = Object.entries(NetworkSettings.Networks).map(([name, network]) => [
    name,
    {
      aliases: (network.Aliases ?? [])
        .filter((alias: string) => !/^[0-9a-f]{12}$/.test(alias))
        .sort(),
    },
  ]);
  return {
    name: Name,
    config: { ...config, Labels: Object.fromEntries(own) },
    env: [...Env].sort(),
    hostConfig: HostConfig,
    mounts: Mounts,
    networks: Object.fromEntries(networks),
  };
}

/** What of the stack is on the engine, by name. */
async function containersOf(stack: TestStack): Promise<Docker.ContainerInfo[]> {
  const all = await stack.docker.listContainers({ all: true });
  return all.filter(({ Names }) => Names.some((name) => name.includes(stack.prefix)));
}

const namesOf = async (stack: TestStack): Promise<string[]> =>
  (await containersOf(stack)).flatMap(({ Names }) => Names).sort();

describe('an action that replaces the container', () => {
  it('keeps all that was configured but what it changes, and clears up behind itself', async () => {
    await using stack = await TestStack.open();
    const network = await stack.docker.createNetwork({ Name: stack.name('net') });
    const web = await aService(stack, 'web', {
      script: BY_MODE,
      Env: ['MODE=bad', 'KEEP=1'],
      Labels: stack.compose(stack.prefix, 'web'),
      WorkingDir: '/tmp',
      StopTimeout: 3,
      HostConfig: {
        NetworkMode: stack.name('net'),
        Memory: 64 << 20,
        MemorySwap: 96 << 20,
        RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 4 },
        Tmpfs: { '/scratch': 'size=1m' },
        CapDrop: ['NET_RAW'],
        LogConfig: { Type: 'json-file', Config: { 'max-size': '1m' } },
      },
      NetworkingConfig: {
        EndpointsConfig: { [stack.name('net')]: { Aliases: ['frontend'] } },
      },
    });
    await untilHealth(web, 'unhealthy');
    const before = await web.inspect();
    await using events = await recordEvents(stack);
    await using operator = await SentinelProcess.start({
      policies: [aQuickPolicy(stack, { remediation: setMode('good') })],
      config: STRONG,
    });

    const incident = await operator.untilIncident(
      stack.name('web'),
      ({ resolution }) => resolution !== undefined,
    );
    await eventually(async () => (await namesOf(stack)).length === 1, {
      what: 'a single container',
    });

    assert.equal(incident.resolution, 'Remediated');
    assert.equal(incident.attempts.length, 1);
    const after = await stack.docker.getContainer(stack.name('web')).inspect();
    assert.notEqual(after.Id, before.Id);
    assert.equal(after.State.Health?.Status, 'healthy');
    const expected = configured(before);
    assert.deepEqual(configured(after), {
      ...expected,
      env: expected.env.map((variable) => (variable === 'MODE=bad' ? 'MODE=good' : variable)),
    });
    // Created before the old one was touched, which was removed last.
    const actions = events.seen.map(({ action, id }) => [action, id === before.Id]);
    const at = (action: string, isOld: boolean) =>
      actions.findIndex((one) => one[0] === action && one[1] === isOld);
    assert.ok(at('create', false) < at('kill', true));
    assert.ok(at('health_status: healthy', false) < at('destroy', true));
    await network.inspect();
  });

  it('brings the old container back where the new one does not become healthy', async () => {
    await using stack = await TestStack.open();
    const web = await aService(stack, 'web', { script: BY_MODE, Env: ['MODE=bad'] });
    await untilHealth(web, 'unhealthy');
    const before = await web.inspect();
    await using operator = await SentinelProcess.start({
      policies: [aQuickPolicy(stack, { remediation: setMode('worse') })],
      config: STRONG,
    });

    const incident = await operator.untilIncident(
      stack.name('web'),
      ({ escalations }) => escalations.length > 0,
    );

    const [attempt, ...others] = incident.attempts;
    assert.deepEqual(others, []);
    assert.equal(attempt?.outcome, 'Failed');
    assert.match(attempt.message ?? '', /the old container is back/);
    assert.deepEqual(await namesOf(stack), [`/${stack.name('web')}`]);
    const after = await web.inspect();
    assert.equal(after.State.Running, true);
    assert.deepEqual(configured(after), configured(before));
  });

  it('is refused to a policy alone: the operator of the process has to enable it', async () => {
    await using stack = await TestStack.open();
    const web = await aService(stack, 'web', { script: BY_MODE, Env: ['MODE=bad'] });
    await untilHealth(web, 'unhealthy');
    await using operator = await SentinelProcess.start({
      policies: [aQuickPolicy(stack, { remediation: setMode('good') })],
    });

    const message = await operator.untilRefused(stack.name('web'), 'ToolsNotReady');
    const incident = await operator.untilIncident(
      stack.name('web'),
      ({ escalations }) => escalations.length > 0,
    );

    assert.match(message, /tools\.enable/);
    assert.deepEqual(incident.attempts, []);
    assert.deepEqual(await namesOf(stack), [`/${stack.name('web')}`]);
  });

  for (const round of [1, 2, 3]) {
    it(`leaves exactly one container behind when the operator is killed amid it (${round})`, async (t) => {
      await using stack = await TestStack.open();
      const web = await aService(stack, 'web', { script: BY_MODE, Env: ['MODE=bad'] });
      await untilHealth(web, 'unhealthy');
      await using operator = await SentinelProcess.start({
        policies: [aQuickPolicy(stack, { remediation: setMode('good') })],
        config: STRONG,
      });
      await operator.untilRecord('remediation.intended');
      // Once within the first call, whose answer is lost.
      const delayMs = round === 1 ? 10 : Math.random() * 1_500;
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      await operator.kill9();
      const inBetween = (await namesOf(stack)).join(' ');

      await operator.start();
      const incident = await operator.untilIncident(
        stack.name('web'),
        ({ resolution, escalations }) => resolution !== undefined || escalations.length > 0,
      );
      await eventually(
        async () => !(await namesOf(stack)).some((name) => name.includes('.sentinel-')),
        {
          what: 'an end of what was set aside',
        },
      );

      const [attempt] = incident.attempts;
      t.diagnostic(`killed after ${delayMs.toFixed(0)} ms (${inBetween}): ${attempt?.outcome}`);
      const left = await containersOf(stack);
      assert.deepEqual(
        left.map(({ Names, State }) => [Names, State]),
        [[[`/${stack.name('web')}`], 'running']],
      );
      // Back to the old one, or on with the new one; but never the same thing again.
      const { Config, Id } = await stack.docker.getContainer(stack.name('web')).inspect();
      assert.equal(Config.Env.includes('MODE=good'), Id !== web.id);
      const carriedOut = incident.attempts.filter(({ outcome }) => outcome !== 'NotExecuted');
      assert.ok(carriedOut.length <= 1, JSON.stringify(incident.attempts, null, 1));
      assert.equal((await operator.verifyJournal()).code, 0);
    });
  }
});
