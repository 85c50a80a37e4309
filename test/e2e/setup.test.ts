import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { access } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { describe, it } from 'node:test';

const SCRIPT = resolve('scripts/setup.mjs');
const PRIVATE_SOCKET = '/run/sre-sentinel-dev/docker.sock';
const isRoot = process.getuid?.() === 0;

/** Runs the set-up from another folder, as a person with another shell position would. */
function start(args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [SCRIPT, ...args], {
    cwd: tmpdir(),
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString('utf8')));
  const ended = new Promise<{ code: number | null; output: string; errors: string }>((done) => {
    child.on('close', (code) => done({ code, output, errors }));
  });
  return { child, ended };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

describe('the set-up', () => {
  it('says nothing where all is there, and passes the exit code on', async () => {
    const { code, output, errors } = await start(['--for', 'test', '--', 'sh', '-c', 'exit 7'])
      .ended;

    assert.deepEqual({ code, output, errors }, { code: 7, output: '', errors: '' });
  });

  it("gives the command the project's own Node and an engine", async () => {
    const script = 'console.log(process.versions.node.split(".")[0], process.env.DOCKER_HOST)';

    const { output } = await start(['--for', 'demo', '--', 'node', '-e', script]).ended;

    assert.match(output, /^24 \S+:\/\//);
  });

  it('ends as a shell would say it when a signal ends the command', async () => {
    const { code } = await start(['--', 'sh', '-c', 'kill -KILL $$']).ended;

    assert.equal(code, 128 + 9);
  });

  it('hands a signal to the command and waits for its end', async () => {
    const { child, ended } = start([
      '--',
      'sh',
      '-c',
      'trap "exit 5" TERM; echo up; while :; do sleep 0.1; done',
    ]);
    child.stdout.once('data', () => child.kill('SIGTERM'));

    const { code } = await ended;

    assert.equal(code, 5);
  });

  for (const args of [
    [],
    ['--for', 'tset', '--', 'true'],
    ['--fro', 'test', '--', 'true'],
    ['true'],
  ]) {
    it(`explains itself to: ${args.join(' ') || 'nothing'}`, async () => {
      const { code, errors } = await start(args).ended;

      assert.equal(code, 1);
      assert.match(errors, /usage:/);
    });
  }

  it('says which program cannot be started', async () => {
    const { code, errors } = await start(['--', 'no-such-program']).ended;

    assert.equal(code, 1);
    assert.match(errors, /no-such-program/);
  });

  it('brings a private engine up for a command, and down with its last user', {
    skip: isRoot ? false : 'only root starts an engine',
  }, async () => {
    const wasUp = await exists(PRIVATE_SOCKET);
    const ping = `curl() { node -e 'require("http").get({socketPath: process.argv[1], path: "/_ping"}, (r) => r.pipe(process.stdout))' "$1"; }; curl "\${DOCKER_HOST#unix://}"`;

    const { code, output, errors } = await start(['--', 'sh', '-c', ping], {
      SENTINEL_SETUP_PRIVATE_ENGINE: '1',
    }).ended;

    assert.deepEqual({ code, output }, { code: 0, output: 'OK' }, errors);
    assert.equal(await exists(PRIVATE_SOCKET), wasUp);
  });
});
