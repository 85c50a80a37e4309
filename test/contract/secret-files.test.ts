import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import type Docker from 'dockerode';
import { createDockerConnection } from '#adapters/docker/connection.ts';
import { createDockerRuntime } from '#adapters/docker/docker-runtime.ts';
import { createSystemClock } from '#adapters/system/system-clock.ts';
import { SecretReader } from '#controller/secret-reader.ts';
import { cleanText } from '#core/redaction/foreign-text.ts';
import type { ObservedContainer } from '#core/workload/container.ts';
import type { SecretFilesRead } from '#ports/container-runtime.ts';
import { eventually, TestStack } from '../support/engine.ts';
import { startEngineProxy } from '../support/engine-proxy.ts';

const run = promisify(execFile);
const never = new AbortController().signal;
const clock = createSystemClock();
const connection = createDockerConnection({ DOCKER_HOST: process.env['DOCKER_HOST'] });
const runtime = createDockerRuntime({ connection, clock });

/** Nothing about it looks like a password, and nobody would call it one. */
const SECRET = 'correct-horse-7';

let stack: TestStack;
let folder: string;
before(async () => {
  stack = await TestStack.open();
  folder = await mkdtemp(join(tmpdir(), 'sentinel-secrets-'));
});
after(async () => {
  await stack[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
  connection[Symbol.dispose]();
});

/** A file on the engine's host, which is this machine. */
async function aFile(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

async function inspected({ id }: Docker.Container): Promise<ObservedContainer> {
  return (await runtime.inspect(id, never)) ?? assert.fail(`no container ${id}`);
}

async function read(container: Docker.Container): Promise<SecretFilesRead> {
  return runtime.readSecretFiles(await inspected(container), never);
}

function textsOf({ files }: SecretFilesRead): Record<string, string> {
  return Object.fromEntries(files.map(({ path, text }) => [path, text]));
}

describe('files of secrets on the engine', () => {
  it('are read from a container that was created, runs, or has ended', async () => {
    const Binds = [`${await aFile('pg', `${SECRET}\n`)}:/run/secrets/pg:ro`];
    const container = await stack.container('lives', { start: false, HostConfig: { Binds } });
    const expected = { '/run/secrets/pg': `${SECRET}\n` };

    const created = textsOf(await read(container));
    await container.start();
    const running = textsOf(await read(container));
    await container.stop({ t: 0 });
    const ended = textsOf(await read(container));

    assert.deepEqual([created, running, ended], [expected, expected, expected]);
  });

  it('are read from a mounted folder, and where a variable says that one is', async () => {
    const inFolder = join(folder, 'many');
    await mkdir(join(inFolder, 'deep'), { recursive: true });
    await writeFile(join(inFolder, 'deep/a'), 'in a folder');
    const other = await aFile('other', SECRET);
    const container = await stack.container('named', {
      Env: [
        'PG_PASSWORD_FILE=/etc/pg',
        'COPIED_FILE=/run/secrets/copied',
        'CONFIG_FILE=/etc/app.yml',
      ],
      HostConfig: {
        Binds: [`${inFolder}:/run/secrets/many:ro`, `${other}:/etc/pg`, `${other}:/etc/app.yml`],
      },
      // As Compose copies the value of a variable into a container.
      script: 'echo copied > /run/secrets/copied; touch /ready; sleep 1000',
    });

    const texts = await eventually(async () => {
      const all = textsOf(await read(container));
      return all['/run/secrets/copied'] === 'copied\n' && all;
    });

    assert.deepEqual(texts, {
      '/run/secrets/many/deep/a': 'in a folder',
      '/etc/pg': SECRET,
      '/run/secrets/copied': 'copied\n',
    });
  });

  it('are none for a path that leads nowhere, and none in a tmpfs, which the engine does not show', async () => {
    const container = await stack.container('nowhere', {
      Env: ['GONE_FILE=/run/secrets/gone', 'TMP_FILE=/run/secrets/tmp/x'],
      HostConfig: { Tmpfs: { '/run/secrets/tmp': '' } },
      script: 'echo hidden-words > /run/secrets/tmp/x; sleep 1000',
    });

    assert.deepEqual(await read(container), { files: [], problems: [] });
  });

  it('cost no call where there are none', async () => {
    await using proxy = await startEngineProxy();
    using through = createDockerConnection({ DOCKER_HOST: `tcp://127.0.0.1:${proxy.port}` });
    const proxied = createDockerRuntime({ connection: through, clock });
    const container = await stack.container('plain', { Env: ['PG_PASSWORD=x'] });
    const seen = await proxied.inspect(container.id, never);

    const { files } = await proxied.readSecretFiles(seen ?? assert.fail('gone'), never);

    assert.deepEqual(files, []);
    assert.equal(
      proxy.requests.some((request) => request.includes('/archive')),
      false,
    );
  });

  it('are asked for once of a proxy that forbids it, which is no trouble', async () => {
    await using proxy = await startEngineProxy({
      answer: ({ url }, response) => {
        if (url?.includes('/archive') !== true) return false;
        response.writeHead(403).end('Forbidden');
        return true;
      },
    });
    using through = createDockerConnection({ DOCKER_HOST: `tcp://127.0.0.1:${proxy.port}` });
    const proxied = createDockerRuntime({ connection: through, clock });
    const path = await aFile('forbidden', SECRET);
    const Binds = [`${path}:/run/secrets/a`, `${path}:/run/secrets/b`];
    const { id } = await stack.container('forbidden', { HostConfig: { Binds } });
    const seen = await proxied.inspect(id, never);
    const warnings: string[] = [];
    const reader = new SecretReader({
      runtime: proxied,
      clock,
      signal: never,
      onWarning: (message) => warnings.push(message),
    });

    for (let look = 0; look < 3; look += 1) await reader.read(seen ?? assert.fail('gone'));

    assert.equal(proxy.requests.filter((request) => request.includes('/archive')).length, 1);
    assert.deepEqual(warnings, []);
  });
});

describe('files of secrets of a hostile container', () => {
  it('are bounded in size and number', async () => {
    const many = join(folder, 'hostile');
    await mkdir(many);
    for (let index = 0; index < 300; index += 1) {
      await writeFile(join(many, `f${String(index).padStart(3, '0')}`), `secret-no-${index}`);
    }
    await writeFile(join(many, 'a-large'), Buffer.alloc(9_000, 'x'));
    const huge = await aFile('huge', '');
    await run('truncate', ['-s', '3G', huge]);
    const small = await aFile('small', SECRET);
    const container = await stack.container('bounded', {
      HostConfig: {
        Binds: [
          `${many}:/run/secrets/many`,
          `${huge}:/run/secrets/z-huge`,
          `${small}:/run/secrets/small`,
        ],
      },
    });

    const { files, problems } = await read(container);

    assert.ok(files.length > 0 && files.length <= 64);
    assert.ok(files.every(({ text }) => text.length <= 8_192 && !text.startsWith('xxx')));
    assert.ok(problems.length > 0);
    assert.equal(problems.join().includes('secret-no'), false);
  });

  it('do not keep a small one from being known, however large they are', async () => {
    const huge = await aFile('huge2', '');
    await run('truncate', ['-s', '3G', huge]);
    const small = await aFile('small2', SECRET);
    const container = await stack.container('after', {
      HostConfig: { Binds: [`${huge}:/run/secrets/huge`, `${small}:/run/secrets/small`] },
    });

    const { files, problems } = await read(container);

    // The huge one is read first.
    assert.deepEqual(
      files.map(({ text }) => text),
      [SECRET],
    );
    assert.deepEqual(problems, ['/run/secrets/huge was not read as a whole']);
  });

  it('are given up when the engine does not come to an end with them', async () => {
    await using proxy = await startEngineProxy({
      relay: ({ url }, body) => (url?.includes('/archive') === true ? new PassThrough() : body),
    });
    using through = createDockerConnection({ DOCKER_HOST: `tcp://127.0.0.1:${proxy.port}` });
    const proxied = createDockerRuntime({ connection: through, clock });
    const Binds = [`${await aFile('held', SECRET)}:/run/secrets/held`];
    const container = await stack.container('held', { HostConfig: { Binds } });

    const read = await proxied.readSecretFiles(await inspected(container), never);

    const problems = ['/run/secrets/held was not read as a whole'];
    assert.deepEqual(read, { files: [], problems });
  });

  it('are plain files: no link, no pipe, no device, nothing that goes in circles', async () => {
    const odd = join(folder, 'odd');
    await mkdir(odd);
    await symlink('/etc/shadow', join(odd, 'shadow'));
    await symlink('.', join(odd, 'circle'));
    await symlink('/proc/1/environ', join(odd, 'environ'));
    await run('mkfifo', [join(odd, 'pipe')]);
    await writeFile(join(odd, 'binary'), Buffer.from([1, 0, 2, 255, 254, 7, 7, 7]));
    await writeFile(join(odd, 'plain'), SECRET);
    const container = await stack.container('odd', {
      Env: ['LINK_FILE=/run/secrets/link', 'DEVICE_FILE=/run/secrets/device'],
      HostConfig: { Binds: [`${odd}:/run/secrets/odd`] },
      script:
        'ln -s /etc/shadow /run/secrets/link; ln -s /dev/zero /run/secrets/device; sleep 1000',
    });

    const texts = textsOf(await read(container));

    assert.deepEqual(texts, { '/run/secrets/odd/plain': SECRET });
  });
});

describe('a container that prints its secret', () => {
  it('leaves no trace of it in what is kept of its log', async () => {
    const path = await aFile('printed', `${SECRET}\n`);
    const container = await stack.container('prints', {
      Env: ['APP_PHRASE_FILE=/run/secrets/phrase'],
      HostConfig: { Binds: [`${path}:/run/secrets/phrase:ro`] },
      script: 'read -r s < /run/secrets/phrase; echo "login with $s"; echo "$s" | base64; exit 1',
    });
    await container.wait();
    const seen = await inspected(container);
    const warnings: string[] = [];
    const onWarning = (message: string) => warnings.push(message);
    const reader = new SecretReader({ runtime, clock, signal: never, onWarning });
    await reader.read(seen);
    const lines = await Array.fromAsync(
      runtime.logs(seen.id, { tty: false, follow: false }, never),
    );
    const raw = lines.map(({ text }) => text).join('\n');

    const kept = cleanText(raw, seen.secrets?.redactor);

    const base64 = Buffer.from(`${SECRET}\n`).toString('base64');
    assert.match(raw, new RegExp(`login with ${SECRET}\\n${base64}`));
    assert.match(kept, /^login with \[redacted:[a-z]+#1\]\n\[redacted:[a-z]+#1\](?:Cg==)?$/);
    assert.deepEqual(warnings, []);
  });
});
