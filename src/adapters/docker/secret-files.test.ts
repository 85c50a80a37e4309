import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { pack } from 'tar-stream';
import { aContainer } from '../../../test/support/scenario.ts';
import { createDockerConnection } from './connection.ts';
import { readSecretFiles } from './secret-files.ts';

const NEVER = new AbortController().signal;
const HUGE = Buffer.alloc(2 ** 20, 'x');

async function aTar(files: Readonly<Record<string, string | Buffer>>): Promise<Buffer> {
  const tar = pack();
  for (const [name, content] of Object.entries(files)) tar.entry({ name }, content);
  tar.finalize();
  return buffer(tar as unknown as NodeJS.ReadableStream);
}

/** An engine that has archives, and forbids or lacks the others. */
async function read(archives: Readonly<Record<string, Buffer | Readable | number>>) {
  const asked: string[] = [];
  await using server = http.createServer(({ url = '' }, response) => {
    response.setHeader('api-version', '1.41');
    const path = new URL(url, 'http://engine').searchParams.get('path');
    if (path === null) return void response.end('OK');
    asked.push(path);
    const archive = archives[path] ?? 404;
    if (typeof archive === 'number') return void response.writeHead(archive).end();
    if (Buffer.isBuffer(archive)) return void response.end(archive);
    pipeline(archive, response, () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  using connection = createDockerConnection({ DOCKER_HOST: `tcp://127.0.0.1:${port}` });
  const secretFiles = { paths: Object.keys(archives), names: new Map<string, string>() };
  const container = { ...aContainer('web'), secretFiles };

  const { files, problems } = await readSecretFiles(connection, container, NEVER);

  const texts = Object.fromEntries(files.map(({ path, text }) => [path, text]));
  return { asked, texts, problems };
}

describe('files of secrets in the archives of an engine', () => {
  it('have the path that they have in the container', async () => {
    const { texts, problems } = await read({
      '/run/secrets/pg': await aTar({ pg: 'one' }),
      '/run/secrets/all': await aTar({ 'all/a': 'two', 'all/deep/b': 'three' }),
    });

    assert.deepEqual(texts, {
      '/run/secrets/pg': 'one',
      '/run/secrets/all/a': 'two',
      '/run/secrets/all/deep/b': 'three',
    });
    assert.deepEqual(problems, []);
  });

  it('are not there for a path that leads nowhere', async () => {
    const { texts, problems } = await read({ '/a': 404, '/b': await aTar({ b: 'one' }) });

    assert.deepEqual([texts, problems], [{ '/b': 'one' }, []]);
  });

  it('are asked for no more once that was forbidden', async () => {
    const { asked, texts, problems } = await read({ '/a': 403, '/b': await aTar({ b: 'one' }) });

    assert.deepEqual([asked, texts, problems], [['/a'], {}, []]);
  });

  it('leave room for each other, however large they are', async () => {
    const { texts, problems } = await read({
      '/a': await aTar({ a: HUGE }),
      '/b': await aTar({ b: HUGE }),
      '/c': await aTar({ c: 'small' }),
    });

    assert.deepEqual(texts, { '/c': 'small' });
    assert.deepEqual(problems, ['/a was not read as a whole', '/b was not read as a whole']);
  });

  it('are not read on beyond what is wanted', async () => {
    let sent = 0;
    const header = (await aTar({ a: HUGE })).subarray(0, 512);
    const endless = Readable.from(
      (function* () {
        yield header;
        // The mebibytes that it would take to see an end.
        for (; sent < 512; sent += 1) yield HUGE;
      })(),
    );

    const { texts } = await read({ '/a': endless });

    assert.deepEqual(texts, {});
    assert.ok(sent < 64);
  });

  it('are text: a key store is none', async () => {
    const { texts } = await read({
      '/a': await aTar({ a: Buffer.from([1, 0, 2]) }),
      '/b': await aTar({ b: Buffer.from([0xff, 0xfe, 0x41]) }),
      '/c': await aTar({ c: 'Grüße' }),
    });

    assert.deepEqual(texts, { '/c': 'Grüße' });
  });
});
