import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { describe, it } from 'node:test';
import { eventually, TestStack, testDocker } from '../support/engine.ts';

/** Starts the demo under a project name of its own, its output piped. */
function start(...args: string[]) {
  const project = `sentinel-demo-test-${randomBytes(3).toString('hex')}`;
  const child = spawn(process.execPath, ['demo/main.ts', '--project', project, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  }
  const ended = new Promise<number | null>((done) => child.on('close', done));
  return { project, child, ended, output: () => output };
}

/** Everything of a run that is there: containers, networks, volumes, processes, folders. */
async function traces(project: string): Promise<string[]> {
  const docker = testDocker();
  const [containers, networks, { Volumes }, processes, folders] = await Promise.all([
    docker.listContainers({ all: true }),
    docker.listNetworks(),
    docker.listVolumes(),
    commandLines(),
    readdir(tmpdir()),
  ]);
  return [
    ...containers.flatMap(({ Names }) => Names),
    ...networks.map(({ Name }) => Name),
    ...Volumes.map(({ Name }) => Name),
    ...processes,
    ...folders,
  ].filter((name) => name.includes(project));
}

/** The operator is started with the paths of the run's folder, which carry the project's name. */
async function commandLines(): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  return Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
}

describe('the demo', () => {
  it('plays a scenario to its expected end, and leaves nothing behind', async () => {
    const { project, ended, output } = start('--only', 'crash', '--only', 'forbidden');

    const code = await ended;

    assert.equal(code, 0, output());
    assert.match(output(), /web +acts +docker\/restart_container on \S+-web-1 /);
    assert.match(output(), /ledger +held +restart .*DeniedWindow/);
    assert.match(output(), /ok {2}everything went as it should/);
    // Neither colours nor a cursor that moves.
    assert.ok(!output().includes('\u001b') && !output().includes('\r'));
    assert.deepEqual(await traces(project), []);
  });

  for (const [signal, expected] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    it(`removes everything when ${signal} ends it in the middle`, async () => {
      const { project, child, ended, output } = start('--only', 'database');
      await eventually(() => output().includes('Broken:'), { timeoutMs: 60_000 });

      child.kill(signal);
      const code = await ended;

      assert.equal(code, expected, output());
      assert.match(output(), new RegExp(`stopped by ${signal}`));
      assert.deepEqual(await traces(project), []);
    });
  }

  it('refuses a name that is taken, and leaves its owner alone', async () => {
    await using stack = await TestStack.open();
    const { id } = await stack.container('web-1');

    const refused = start('--project', stack.prefix);
    const code = await refused.ended;

    assert.equal(code, 1);
    assert.match(refused.output(), new RegExp(`${stack.name('web-1')} is on the Docker Engine`));
    const { State } = await stack.docker.getContainer(id).inspect();
    assert.equal(State.Running, true);
  });
});
