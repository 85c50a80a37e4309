import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { API_VERSION } from '#core/policy/schema.ts';
import { BUILTIN_TOOLS } from '#core/remediation/tools.ts';
import { readFixture } from '../../test/support/fixtures.ts';
import { createDoctorProbes, harmlessPaths } from './doctor-probes.ts';

const EXPRESSIONS = new Set(
  Object.values(BUILTIN_TOOLS).flatMap(({ dockerPaths }) => dockerPaths.map(({ path }) => path)),
);
const NOBODY = 'sentinel-doctor-asks-for-nobody';

describe('the paths that doctor tries', () => {
  for (const expression of EXPRESSIONS) {
    it(`are some that ${expression} matches`, () => {
      const paths = harmlessPaths(expression);

      assert.ok(paths.length > 0);
      for (const path of paths) {
        assert.match(path, new RegExp(`^${expression}$`));
        assert.match(path, /^[\w/-]+$/);
      }
    });
  }

  it('are one for each alternative', () => {
    assert.deepEqual(harmlessPaths('/networks/[^/]+/(connect|disconnect)'), [
      `/networks/${NOBODY}/connect`,
      `/networks/${NOBODY}/disconnect`,
    ]);
    assert.deepEqual(harmlessPaths('/images/[^/]+(/.*)?/json'), [`/images/${NOBODY}/json`]);
    assert.deepEqual(harmlessPaths('/(a|b)/(c|d)'), ['/a/c', '/a/d', '/b/c', '/b/d']);
  });
});

describe('the looks that doctor takes at an engine', () => {
  const asked: string[] = [];
  let inspecting = 0;
  let inspectingMost = 0;
  let folder = '';
  const containers = Array.from({ length: 12 }, (_, index) => index.toString(16).repeat(64));
  const template = Object(readFixture('docker/inspect-everything.json'));

  const engine = createServer((request, response) => {
    const path = (request.url ?? '').split('?', 1)[0]?.replace(/^\/v1\.\d+/, '') ?? '';
    asked.push(`${request.method} ${path}`);
    response.setHeader('content-type', 'application/json');
    const id = /^\/containers\/([0-9a-f]{64})\/json$/.exec(path)?.[1];
    if (path === '/_ping') {
      response.setHeader('api-version', '1.41').end('OK');
    } else if (path === '/containers/json') {
      const list = containers.map((Id, index) => ({
        Id,
        Names: [`/c${index}`],
        Labels: {},
        State: index % 2 === 0 ? 'running' : 'exited',
        Status: '',
        Image: 'busybox:1',
      }));
      response.end(JSON.stringify(list));
    } else if (id !== undefined) {
      inspecting += 1;
      inspectingMost = Math.max(inspecting, inspectingMost);
      setTimeout(() => {
        inspecting -= 1;
        response.end(JSON.stringify({ ...template, Id: id }));
      }, 5);
    } else if (path.endsWith('/update')) {
      response.writeHead(403).end('{"message":"not by this proxy"}');
    } else {
      response.writeHead(404).end('{"message":"no such container"}');
    }
  });

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sentinel-doctor-'));
    await new Promise<void>((done) => engine.listen(join(folder, 'engine.sock'), done));
    await chmod(join(folder, 'engine.sock'), 0o666);
  });
  after(async () => {
    engine.close();
    engine.closeAllConnections();
    await rm(folder, { recursive: true });
  });
  const open = async () =>
    createDoctorProbes({ DOCKER_HOST: `unix://${join(folder, 'engine.sock')}` });

  it('go at every container, a few at once, and at some that run', async () => {
    await using probes = await open();

    const all = await probes.containers();
    const some = await probes.someRunning();

    assert.deepEqual(
      all.map(({ id }) => id),
      containers,
    );
    assert.deepEqual(
      some.map(({ id }) => id),
      containers.filter((_, index) => index % 2 === 0).slice(0, 5),
    );
    assert.ok(inspectingMost <= 4, String(inspectingMost));
  });

  it('go at what the SentinelConfig says of data and Redis', async () => {
    const file = join(folder, 'sentinel.yaml');
    const spec = { data: { directory: join(folder, 'd') }, redis: { url: 'redis://box' } };
    const kind = 'SentinelConfig';
    await writeFile(file, JSON.stringify({ apiVersion: API_VERSION, kind, spec }));
    await mkdir(spec.data.directory);
    await using probes = await createDoctorProbes({ SENTINEL_CONFIG: file, SENTINEL_DATA: '/no' });

    const { data, hasRedis } = await probes.setting();
    const { exists } = await probes.data();

    assert.deepEqual([data, hasRedis, exists], [spec.data.directory, true, true]);
  });

  it('try each path that an expression stands for, up to one that is refused', async () => {
    await using probes = await open();
    asked.length = 0;

    const allowed = await probes.allows({ method: 'POST', path: '/containers/[^/]+/(start|stop)' });
    const refused = await probes.allows({
      method: 'POST',
      path: '/containers/[^/]+/(stop|update)',
    });

    assert.deepEqual([allowed, refused], [true, false]);
    assert.deepEqual(
      asked.filter((call) => call.includes(NOBODY)).map((call) => call.split('/').at(-1)),
      ['start', 'stop', 'stop', 'update'],
    );
  });
});
