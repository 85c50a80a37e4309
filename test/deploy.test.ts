import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { CORE_SCHEMA, load, mergeTag } from 'js-yaml';
import { z } from 'zod';
import { REFUSAL_REASONS } from '#core/remediation/refusal.ts';
import { BUILTIN_TOOLS, type DockerPath } from '#core/remediation/tools.ts';
import { harmlessPaths } from '#entry/doctor-probes.ts';
import { createMetrics } from '#telemetry/metrics.ts';

const Service = z.looseObject({
  read_only: z.boolean().optional(),
  cap_drop: z.array(z.string()).optional(),
  security_opt: z.array(z.string()).optional(),
  restart: z.string().optional(),
  image: z.string().optional(),
  command: z.array(z.string()).optional(),
  ports: z.array(z.string()).default([]),
});
const ComposeFile = z.looseObject({ services: z.record(z.string(), Service) });

async function compose(path: string): Promise<z.infer<typeof ComposeFile>> {
  const text = await readFile(path, 'utf8');
  return ComposeFile.parse(load(text, { schema: CORE_SCHEMA.withTags(mergeTag) }));
}

describe('the Compose file', () => {
  it('gives no service of ours a right that it does not need', async () => {
    const { services } = await compose('deploy/compose.yaml');

    for (const name of ['sentinel', 'redis', 'prometheus']) {
      const service = services[name];
      assert.equal(service?.read_only, true, name);
      assert.deepEqual(service.cap_drop, ['ALL'], name);
      assert.deepEqual(service.security_opt, ['no-new-privileges:true'], name);
    }
  });

  it('publishes nothing beyond this machine', async () => {
    const { services } = await compose('deploy/compose.yaml');

    const ports = Object.values(services).flatMap((service) => service.ports);

    assert.ok(ports.length > 0);
    assert.deepEqual(
      ports.filter((port) => !port.startsWith('127.0.0.1:')),
      [],
    );
  });

  it('pins each foreign image to a version', async () => {
    const { services } = await compose('deploy/compose.yaml');

    const images = Object.values(services).map(({ image }) => image ?? '');

    const floating = images.filter((image) => !/:v?\d/.test(image));
    assert.deepEqual(floating, ['sre-sentinel:latest']);
  });
});

describe('the socket proxy', async () => {
  const { services } = await compose('deploy/socket-proxy/compose.yaml');
  const flags = services['socket-proxy']?.command ?? [];
  const id = 'f'.repeat(64);

  /** As the proxy does it: the whole path against the expression of its method. */
  const allows = (method: string, path: string): boolean => {
    const flag = flags.find((text) => text.startsWith(`-allow${method}=`));
    return flag !== undefined && new RegExp(`^${flag.slice(flag.indexOf('=') + 1)}$`).test(path);
  };

  for (const [method, path] of [
    ['HEAD', '/_ping'],
    ['GET', '/v1.41/_ping'],
    ['GET', '/v1.41/version'],
    ['GET', '/v1.41/info'],
    ['GET', '/v1.52/events'],
    ['GET', '/v1.41/containers/json'],
    ['GET', `/v1.41/containers/${id}/json`],
    ['GET', `/v1.41/containers/${id}/stats`],
    ['GET', `/v1.41/containers/${id}/logs`],
    ['POST', `/v1.41/containers/${id}/restart`],
    ['POST', '/v1.41/containers/shop-web_1.a/start'],
  ] as const) {
    it(`lets ${method} ${path.replace(id, 'ID')} through`, () => {
      assert.equal(allows(method, path), true);
    });
  }

  for (const [method, path] of [
    ['POST', '/v1.41/containers/create'],
    ['POST', `/v1.41/containers/${id}/exec`],
    ['POST', `/v1.41/containers/${id}/update`],
    ['POST', '/v1.41/exec/abc/start'],
    ['POST', '/v1.41/containers/../exec/abc/start'],
    ['POST', '/v1.41/images/create'],
    ['POST', '/v1.41/containers/prune'],
    ['DELETE', `/v1.41/containers/${id}`],
    ['GET', `/v1.41/containers/${id}/archive`],
    ['GET', `/v1.41/containers/${id}/export`],
    ['GET', '/v1.41/secrets'],
    ['GET', '/v1.41/images/json'],
  ] as const) {
    it(`refuses ${method} ${path.replace(id, 'ID')}`, () => {
      assert.equal(allows(method, path), false);
    });
  }
});

/** Who needs which calls, as the table in SECURITY.md says: one entry for each tool, and `observe`. */
async function documentedCalls(): Promise<Map<string, readonly DockerPath[]>> {
  const table = new Map<string, readonly DockerPath[]>();
  const text = await readFile('SECURITY.md', 'utf8');
  for (const [, who = '', cell = ''] of text.matchAll(/^\| ([^|]+) \| (.*`[A-Z]+ \/.*) \|$/gm)) {
    const calls = [...cell.matchAll(/`(GET|POST|DELETE|PUT) ([^`]+)`/g)].map(
      ([, method, path = '']) => ({ method: method as DockerPath['method'], path }),
    );
    const tools = [...who.matchAll(/`(\w+)`/g)].map(([, tool = '']) => tool);
    for (const name of who.startsWith('observe') ? ['observe'] : tools) table.set(name, calls);
  }
  const same = table.get('recreate_container') ?? [];
  return table.set('rollback_image', [...same, ...(table.get('rollback_image') ?? [])]);
}

describe('SECURITY.md', async () => {
  const rows = await documentedCalls();
  const observe = rows.get('observe') ?? [];

  for (const [name, { dockerPaths }] of Object.entries(BUILTIN_TOOLS)) {
    it(`lists what ${name} asks of Docker, and nothing else`, () => {
      const listed = rows.get(name) ?? [];

      const needed = dockerPaths.flatMap(({ method, path }) =>
        harmlessPaths(path).map((one) => `${method} ${one.replace(/sentinel-[a-z-]+/, 'ID')}`),
      );
      const calls = [...listed, ...observe].map(({ method, path }) => `${method} ${path}`);
      const missing = needed.filter((call) => !calls.includes(call));
      const needless = listed.filter((call) => !dockerPaths.some((path) => isCallOf(path)(call)));

      assert.deepEqual({ missing, needless }, { missing: [], needless: [] });
    });
  }
});

function isCallOf(need: DockerPath): (call: DockerPath) => boolean {
  return (call) => call.method === need.method && new RegExp(`^${need.path}$`).test(call.path);
}

describe('the alert rules', async () => {
  const rules = await readFile('deploy/prometheus/rules.yaml', 'utf8');

  it('have a case each that tests them', async () => {
    const cases = await readFile('deploy/prometheus/rules.test.yaml', 'utf8');

    const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name ?? '');

    const untested = alerts.filter((name) => !new RegExp(`\\b${name}\\b`).test(cases));
    assert.ok(alerts.length > 0);
    assert.deepEqual(untested, []);
  });

  it('read only metrics that exist', async () => {
    const existing = await createMetrics().registry.getMetricsAsJSON();
    const names = new Set(existing.map(({ name }) => name));

    const read = [...rules.matchAll(/\b(?:sentinel|controller_runtime|workqueue)_\w+/g)];

    const unknown = read
      .map(([name]) => name.replace(/_bucket$/, ''))
      .filter((name) => !names.has(name));
    assert.ok(read.length > 0);
    assert.deepEqual(unknown, []);
  });

  it('name only reasons that a refusal can have', () => {
    const named = [...rules.matchAll(/reason=~?"(?<reasons>[^"]+)"/g)].flatMap(
      ({ groups }) => groups?.['reasons']?.split('|') ?? [],
    );

    const known: readonly string[] = REFUSAL_REASONS;
    assert.ok(named.length > 0);
    assert.deepEqual(
      named.filter((reason) => !known.includes(reason)),
      [],
    );
  });
});
