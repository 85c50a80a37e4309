import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import type Docker from 'dockerode';
import { ensureBaseImage } from '../../scripts/base-image.ts';
import { buildImage } from '../../scripts/build-image.ts';
import { eventually, TestStack, testDocker } from '../support/engine.ts';

const TAG = `sre-sentinel-test/image:${process.pid}`;
const SOCKET = '/var/run/docker.sock';
const docker = testDocker();

/** `@types/dockerode` does not have it. */
type HostConfig = Docker.HostConfig & { readonly CgroupnsMode?: 'host' };

/** As deploy/compose.yaml runs it. */
const HARDENED: Docker.HostConfig = {
  ReadonlyRootfs: true,
  CapDrop: ['ALL'],
  SecurityOpt: ['no-new-privileges:true'],
  Tmpfs: { '/tmp': '' },
};

describe('the image', () => {
  before(async () => {
    await ensureBaseImage(docker);
    await buildImage(docker, TAG, () => {});
  });
  after(async () => {
    await docker.getImage(TAG).remove({ force: true });
  });

  it('runs as a user without rights, and says how its health is asked for', async () => {
    const { Config } = await docker.getImage(TAG).inspect();

    assert.equal(Config.User, '65532:65532');
    assert.deepEqual(Config.Entrypoint, ['node', '/app/bin/sentinel.mjs']);
    assert.deepEqual(Config.Cmd, ['run']);
    assert.ok(Config.Healthcheck);
  });

  it('holds no package manager, no test and no development package', async () => {
    await using stack = await TestStack.open();

    const found = await outputOf(
      stack,
      'for one in npm npx corepack yarn; do command -v $one; done;' +
        'ls -d /app/node_modules/typescript /app/node_modules/fast-check 2>/dev/null;' +
        'find /app/src -name "*.test.ts"; exit 0',
    );

    assert.equal(found, '');
  });

  it('can write to its data folder and nowhere else', async () => {
    await using stack = await TestStack.open();

    const answer = await outputOf(
      stack,
      'for at in /data /tmp /app /policies /etc; do touch $at/probe 2>/dev/null && echo $at; done; exit 0',
    );

    assert.equal(answer, '/data\n/tmp\n');
  });

  it('loads every module with production packages alone', async () => {
    await using stack = await TestStack.open();

    const failures = await outputOf(
      stack,
      `node --input-type=module -e "
        import { globSync } from 'node:fs';
        for (const file of globSync('src/*/**/*.ts')) {
          await import('/app/' + file).catch((error) => console.log(file + ': ' + error.message));
        }
        process.exit();"`,
    );

    assert.equal(failures, '');
  });

  it('becomes healthy with a read-only root and no capability', {
    skip: skipReason(),
  }, async () => {
    await using stack = await TestStack.open();
    const { gid } = await stat(socketPath());

    const sentinel = await stack.container('sentinel', {
      Image: TAG,
      Cmd: ['run'],
      HostConfig: {
        ...HARDENED,
        Binds: [`${socketPath()}:${SOCKET}`],
        GroupAdd: [String(gid)],
      },
      Healthcheck: { Interval: 1e9, Timeout: 5e9, Retries: 10 },
    });

    const status = await eventually(
      async () => {
        const { State } = await sentinel.inspect();
        assert.equal(State.Running, true, await logsOf(sentinel));
        return State.Health?.Status === 'healthy' && State.Health.Status;
      },
      { what: 'a healthy container', timeoutMs: 30_000 },
    );
    assert.equal(status, 'healthy');
  });

  it('sees the cgroup files of others with what doctor advises, and without it does not', {
    skip: skipReason(),
  }, async () => {
    await using stack = await TestStack.open();
    await stack.container('other');
    const { gid } = await stat(socketPath());
    const doctor = async (name: string, binds: string[], more: HostConfig) => {
      const container = await stack.container(name, {
        Image: TAG,
        Cmd: ['doctor'],
        HostConfig: {
          ...HARDENED,
          Binds: [`${socketPath()}:${SOCKET}`, ...binds],
          GroupAdd: [String(gid)],
          ...more,
        },
        Tty: true,
      });
      await container.wait();
      return logsOf(container);
    };

    const without = await doctor('without', [], {});
    const advised = await doctor('advised', ['/sys/fs/cgroup:/sys/fs/cgroup:ro'], {
      PidMode: 'host',
      CgroupnsMode: 'host',
    });

    assert.match(
      without,
      /stats: .* every 10 s\n.*pid: host, cgroup: host, .*\/sys\/fs\/cgroup:ro/,
    );
    assert.match(advised, /stats: the kernel’s cgroup files are visible/);
  });
});

/** Runs a shell script in the image, hardened, and returns what it printed. */
async function outputOf(stack: TestStack, script: string): Promise<string> {
  const container = await stack.container('probe', {
    Image: TAG,
    Entrypoint: ['sh', '-c'],
    Cmd: [script],
    WorkingDir: '/app',
    HostConfig: HARDENED,
    Tty: true,
  });
  const { StatusCode } = (await container.wait()) as { StatusCode: number };
  const text = await logsOf(container);
  assert.equal(StatusCode, 0, text);
  return text;
}

/** The containers here have a terminal, or only their text matters: no frames are taken apart. */
async function logsOf(container: Docker.Container): Promise<string> {
  const bytes = await container.logs({ stdout: true, stderr: true });
  return bytes.toString('utf8').replaceAll('\r\n', '\n');
}

function socketPath(): string {
  const host = process.env['DOCKER_HOST'] ?? `unix://${SOCKET}`;
  return host.replace('unix://', '');
}

function skipReason(): string | false {
  if (!existsSync('src/sentinel.ts')) return 'the program is not there';
  return socketPath().startsWith('/') ? false : 'this engine has no socket to mount';
}
