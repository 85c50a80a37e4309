import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import {
  createDockerConnection,
  type DockerConnectionOptions,
} from '#adapters/docker/connection.ts';
import { createDockerOperations } from '#adapters/docker/docker-operations.ts';
import { createDockerRuntime } from '#adapters/docker/docker-runtime.ts';
import { ConfigError, RuntimeForbiddenError, RuntimeUnavailableError } from '#core/errors.ts';
import type { ContainerRuntime } from '#ports/container-runtime.ts';
import { eventually, TestStack } from '../support/engine.ts';
import { type ProxyOptions, startEngineProxy } from '../support/engine-proxy.ts';

const run = promisify(execFile);
const never = new AbortController().signal;
const clock = { bootMs: () => Math.round(performance.now()) };

/** An endpoint before the engine, and a runtime that knows only that endpoint. */
async function through(proxyOptions: ProxyOptions, options: DockerConnectionOptions = {}) {
  const proxy = await startEngineProxy(proxyOptions);
  const DOCKER_HOST = `tcp://127.0.0.1:${proxy.port}`;
  const connection = createDockerConnection({ DOCKER_HOST, ...options });
  const runtime = createDockerRuntime({ connection, clock });
  const operations = createDockerOperations({ connection });
  return {
    proxy,
    runtime,
    operations,
    async [Symbol.asyncDispose]() {
      connection[Symbol.dispose]();
      await proxy[Symbol.asyncDispose]();
    },
  };
}

describe('docker connection: versions', () => {
  it('sends every path with the older of both versions, and follows the engine to another', async () => {
    let theirs = '1.40';
    await using setup = await through({ apiVersion: () => theirs });
    const { runtime, proxy } = setup;

    const first = await runtime.info(never);
    await runtime.list(never);
    theirs = '1.38';
    const second = await runtime.info(never);
    await runtime.inspect('nothing', never);

    assert.equal(first.apiVersion, '1.40');
    assert.equal(second.apiVersion, '1.38');
    assert.deepEqual(proxy.requests, [
      'GET /_ping',
      'GET /v1.40/info',
      'GET /v1.40/containers/json?all=1',
      'GET /_ping',
      'GET /v1.38/info',
      'GET /v1.38/containers/nothing/json',
    ]);
  });

  it('never goes beyond the version that it knows', async () => {
    await using setup = await through({
      apiVersion: () => '1.99',
      answer: ({ url }, response) => {
        if (url === '/_ping') return false;
        response.writeHead(200, { 'content-type': 'application/json' }).end('[]');
        return true;
      },
    });

    await setup.runtime.list(never);

    assert.deepEqual(setup.proxy.requests, ['GET /_ping', 'GET /v1.44/containers/json?all=1']);
  });

  it('takes an engine that names no version for the oldest', async () => {
    await using setup = await through({ apiVersion: () => null });

    const { apiVersion } = await setup.runtime.info(never);

    assert.equal(apiVersion, '1.24');
  });

  it('names both versions when the engine is too old', async () => {
    await using setup = await through({ apiVersion: () => '1.18' });

    await assert.rejects(setup.runtime.info(never), (error) => {
      assert.ok(error instanceof RuntimeUnavailableError);
      assert.match(error.message, /speaks Docker API 1\.18; at least 1\.24/);
      return true;
    });
  });

  it('asks again after a ping that failed', async () => {
    let down = true;
    await using setup = await through({
      answer: (_, response) => {
        if (down) response.writeHead(502).end('bad gateway');
        return down;
      },
    });
    await assert.rejects(setup.runtime.list(never), RuntimeUnavailableError);
    down = false;

    assert.ok(Array.isArray(await setup.runtime.list(never)));
  });
});

describe('docker connection: transport', () => {
  it('keeps connections for reads', async () => {
    await using setup = await through({});

    for (let count = 0; count < 5; count += 1) await setup.runtime.list(never);

    assert.equal(setup.proxy.connections(), 1);
  });

  it('survives a kept connection that the other side has closed', async () => {
    await using setup = await through({});
    await setup.runtime.list(never);
    setup.proxy.cut();

    assert.ok(Array.isArray(await setup.runtime.list(never)));
  });

  it('reports each answer and each failure once', async () => {
    const seen: string[] = [];
    const onRequest = ({ method, code }: { method: string; code: string }) =>
      seen.push(`${method} ${code}`);
    await using setup = await through({}, { onRequest });
    await setup.runtime.inspect('nothing', never);
    await setup.operations.start('nothing', never).catch(() => undefined);
    await setup.proxy[Symbol.asyncDispose]();
    await setup.runtime.list(never).catch(() => undefined);

    assert.deepEqual(seen.slice(0, 3), ['GET 200', 'GET 404', 'POST 404']);
    assert.ok(seen.length > 3 && seen.slice(3).every((entry) => entry === 'GET error'));
  });

  it('gives up on an engine that does not answer, and on a caller that does not wait', async () => {
    await using setup = await through(
      { answer: ({ url }) => url !== '/_ping' },
      { timeoutMs: 200 },
    );
    const impatient = AbortSignal.abort(new Error('shutting down'));

    await assert.rejects(setup.runtime.list(never), (error) => {
      assert.ok(error instanceof RuntimeUnavailableError);
      assert.match(error.message, /no answer within 200 ms/);
      return true;
    });
    await assert.rejects(setup.runtime.list(impatient), RuntimeUnavailableError);
  });

  it('tells a refusal by a proxy from an engine that is away', async () => {
    await using setup = await through({
      answer: ({ url }, response) => {
        if (url === '/_ping') return false;
        response.writeHead(403).end('<html>Forbidden by policy</html>');
        return true;
      },
    });

    await assert.rejects(setup.runtime.list(never), RuntimeForbiddenError);
    await assert.rejects(setup.operations.start('x', never), RuntimeForbiddenError);
    const logs = setup.runtime.logs('x', { tty: false, follow: true }, never);
    await assert.rejects(Array.fromAsync(logs), RuntimeForbiddenError);
  });

  it('does not take a proxy without an engine for a refusal', async () => {
    await using setup = await through({
      answer: ({ url }, response) => {
        if (url === '/_ping') return false;
        response.writeHead(503).end('no server is available');
        return true;
      },
    });

    await assert.rejects(setup.operations.start('x', never), RuntimeUnavailableError);
    await assert.rejects(setup.runtime.inspect('x', never), RuntimeUnavailableError);
  });

  it('calls nonsense unavailable', async () => {
    await using setup = await through({
      answer: ({ url }, response) => {
        if (url === '/_ping') return false;
        response.end(url?.includes('/logs') === true ? 'not a frame at all' : '{"half":');
        return true;
      },
    });

    await assert.rejects(setup.runtime.list(never), RuntimeUnavailableError);
    await assert.rejects(setup.runtime.info(never), RuntimeUnavailableError);
    const logs = setup.runtime.logs('x', { tty: false, follow: false }, never);
    await assert.rejects(Array.fromAsync(logs), RuntimeUnavailableError);
  });

  it('reads what the daemon left out at the end of a followed log', async () => {
    const lines = ['one', 'two', 'three'].map(
      (text, second) => `2026-11-24T06:00:0${second}.000000001Z ${text}\n`,
    );
    await using setup = await through({
      answer: ({ url = '' }, response) => {
        if (!url.includes('/logs?')) return false;
        response.end(
          lines
            .slice(0, url.includes('follow=1') ? 2 : 3)
            .map(toFrame)
            .join(''),
        );
        return true;
      },
    });

    const followed = setup.runtime.logs('x', { tty: false, follow: true }, never);
    const texts = (await Array.fromAsync(followed)).map(({ text }) => text);

    assert.deepEqual(texts, ['one', 'two', 'three']);
    const since = String(Date.UTC(2026, 10, 24, 6, 0, 1) / 1_000);
    assert.ok(setup.proxy.requests.at(-1)?.includes(`since=${since}.000000001`));
  });

  it('negotiates anew when the caller that began it gives up', async () => {
    let held: (() => void) | undefined;
    await using setup = await through({
      answer: ({ url }) => {
        if (url !== '/_ping' || held !== undefined) return false;
        held = () => undefined;
        return true;
      },
    });
    const impatient = new AbortController();

    const first = setup.runtime.list(impatient.signal);
    const second = setup.runtime.list(never);
    await eventually(() => held);
    impatient.abort();

    await assert.rejects(first, RuntimeUnavailableError);
    assert.ok(Array.isArray(await second));
  });

  it('throws when a stream of events is cut, and ends when its reader goes', async () => {
    await using setup = await through({});
    const opened = Promise.withResolvers<void>();
    const reading = Array.fromAsync(setup.runtime.events({ onOpen: opened.resolve }, never));
    reading.catch(() => undefined);
    await opened.promise;
    setup.proxy.cut();
    await assert.rejects(reading, RuntimeUnavailableError);

    const stop = new AbortController();
    const reopened = Promise.withResolvers<void>();
    const second = Array.fromAsync(setup.runtime.events({ onOpen: reopened.resolve }, stop.signal));
    await reopened.promise;
    stop.abort();
    assert.deepEqual(await second, []);
  });
});

describe('docker connection: TLS', () => {
  let folder: string;
  let tls: { key: string; cert: string; ca: string };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sentinel-tls-'));
    await makeCertificates(folder);
    const [key, cert, ca] = await Promise.all(
      ['server-key.pem', 'server.pem', 'ca.pem'].map((name) =>
        readFile(join(folder, name), 'utf8'),
      ),
    );
    assert.ok(key !== undefined && cert !== undefined && ca !== undefined);
    tls = { key, cert, ca };
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it('shows its certificate to an engine that shows one of the same authority', async () => {
    const secure = { DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: folder };
    await using setup = await through({ tls }, secure);

    const info = await setup.runtime.info(never);

    assert.ok(info.serverVersion.length > 0);
  });

  it('turns TLS on for any value of DOCKER_TLS_VERIFY, and refuses a stranger', async () => {
    const other = await mkdtemp(join(tmpdir(), 'sentinel-tls-other-'));
    await makeCertificates(other);
    await using setup = await through({ tls }, { DOCKER_TLS_VERIFY: '0', DOCKER_CERT_PATH: other });

    await assert.rejects(setup.runtime.info(never), (error) => {
      assert.ok(error instanceof RuntimeUnavailableError);
      assert.match(error.message, /certificate/i);
      return true;
    });
    await rm(other, { recursive: true });
  });

  it('says which file is missing', () => {
    const DOCKER_HOST = 'tcp://127.0.0.1:2376';
    const options = { DOCKER_HOST, DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/nonexistent' };

    assert.throws(
      () => createDockerConnection(options),
      (error) => error instanceof ConfigError && error.message.includes('/nonexistent/ca.pem'),
    );
  });
});

describe('docker connection: an older dialect', () => {
  it('serves state, events, logs, samples and operations at API 1.24', async () => {
    await using stack = await TestStack.open();
    await using setup = await through({ apiVersion: () => '1.24' });
    const { runtime, operations } = setup;
    await runtime.info(never);
    const container = await stack.container('old', { script: 'echo hello; exec sleep 1000' });

    const observed = await runtime.inspect(container.id, never);
    assert.ok(observed !== undefined);
    const byApi = await sampleByApi(runtime, observed);
    const logs = runtime.logs(container.id, { tty: false, follow: false }, never);
    const lines = await eventually(async () => {
      const read = await Array.fromAsync(logs);
      return read.length > 0 && read;
    });
    await operations.restart(container.id, 0, never);
    const blueprint = await operations.blueprint(container.id, never);
    assert.ok(blueprint !== undefined);
    const copy = await operations.createFrom(blueprint, { name: stack.name('copy') }, never);

    assert.ok((byApi?.cpu?.totalNs ?? 0) > 0);
    assert.deepEqual(
      lines.map(({ text }) => text),
      ['hello'],
    );
    assert.equal((await runtime.inspect(copy, never))?.state, 'created');
    assert.ok(setup.proxy.requests.slice(1).every((request) => request.includes(' /v1.24/')));
  });
});

/** A message on stdout as Docker multiplexes it; short, so that its length is one character. */
function toFrame(text: string): string {
  return `\u0001\0\0\0\0\0\0${String.fromCharCode(text.length)}${text}`;
}

/** With a process id of none, no cgroup files are found. */
function sampleByApi(
  runtime: ContainerRuntime,
  container: NonNullable<Awaited<ReturnType<ContainerRuntime['inspect']>>>,
) {
  return runtime.sample({ ...container, pid: 0 }, never);
}

/** An authority, and a certificate of it for the server and for the client. */
async function makeCertificates(folder: string): Promise<void> {
  const openssl = (command: string) => run('openssl', command.split(' '), { cwd: folder });
  const key = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes';
  await openssl(`req -x509 ${key} -days 2 -subj /CN=authority -keyout ca-key.pem -out ca.pem`);
  await writeFile(join(folder, 'san'), 'subjectAltName=IP:127.0.0.1');
  for (const [name, keyName] of [
    ['server', 'server-key'],
    ['cert', 'key'],
  ]) {
    await openssl(`req ${key} -subj /CN=${name} -keyout ${keyName}.pem -out ${name}.csr`);
    await openssl(
      `x509 -req -in ${name}.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 2 ` +
        `-extfile san -out ${name}.pem`,
    );
  }
}
