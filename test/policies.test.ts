import assert from 'node:assert/strict';
import { glob, readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { dump } from 'js-yaml';
import { readPolicyFolder } from '#adapters/files/policy-folder.ts';
import { readSentinelConfig } from '#adapters/files/sentinel-config.ts';
import { parseYamlFile } from '#adapters/files/yaml-documents.ts';
import { expandArguments } from '#core/policy/arguments.ts';
import { compilePolicySet } from '#core/policy/compile.ts';
import { formatProblem } from '#core/policy/problems.ts';
import { governing } from '#core/policy/select.ts';
import type { Selectable } from '#core/policy/selector.ts';
import { BUILTIN_TOOLS, builtinTool } from '#core/remediation/tools.ts';
import { loadPolicies } from '#entry/policies.ts';
import { generatedFiles } from '../scripts/generate.ts';

const builtinTools = Object.values(BUILTIN_TOOLS).map(({ name }) => name);
const loose: Selectable = { host: 'h', name: 'x', image: 'busybox:1', labels: {} };
const composed = (service: string, image = 'acme/app:1'): Selectable => ({
  ...loose,
  project: 'shop',
  service,
  image,
});

async function load(path: string) {
  const { documents, problems } = await readPolicyFolder(path);
  const set = compilePolicySet(
    documents.map((document) => ({ ...document, commit: '' })),
    { tool: builtinTool, builtinTools, enabledTools: ['docker/exec_command'] },
  );
  assert.deepEqual([...problems, ...set.problems].map(formatProblem), []);
  return { documents, ...set };
}

describe('policies/', () => {
  it('are all valid; the two that select by labels alone, as others did, are told so', async () => {
    const { policies, warnings } = await load('policies');

    assert.ok(policies.length >= 7);
    assert.deepEqual(
      warnings.map(({ file, path }) => [file, path]),
      [
        ['policies/from-docker-autoheal.yaml', 'spec.selector'],
        ['policies/from-monitor-label.yaml', 'spec.selector'],
      ],
    );
  });

  it('can be run together: no two of them are ever tied', async () => {
    const { policies } = await load('policies');

    const priorities = policies.map(({ spec }) => spec.priority);

    assert.equal(new Set(priorities).size, priorities.length);
  });

  it('begin with a comment that says what they are for', async () => {
    for await (const file of glob([
      'policies/*.yaml',
      'crds-examples/sentinel{policy,config}.yaml',
    ])) {
      const lines = (await readFile(file, 'utf8')).split('\n');

      assert.match(lines[0] ?? '', /^# yaml-language-server: \$schema=/, file);
      assert.match(lines[2] ?? '', /^# \S/, file);
    }
  });

  it('have one digest, however their YAML is laid out', async () => {
    const { documents, policies } = await load('policies');

    for (const options of [{ flowLevel: 0 }, { flowLevel: 3 }, { sortKeys: true }, { indent: 4 }]) {
      const text = documents.map(({ value }) => dump(value, options)).join('---\n');
      const again = parseYamlFile('all.yaml', Buffer.from(text));
      const set = compilePolicySet(
        again.documents.map((document) => ({ ...document, commit: '' })),
        { tool: builtinTool, builtinTools },
      );

      assert.deepEqual(
        set.policies.map(({ digest }) => digest),
        policies.map(({ digest }) => digest),
      );
    }
  });

  for (const [workload, policy] of [
    [composed('web'), 'web'],
    [composed('api-2'), 'web'],
    [composed('mail-worker'), 'worker'],
    [composed('cache', 'redis:7'), 'redis'],
    [composed('web', 'docker.io/library/redis:7'), 'redis'],
    [composed('cache', 'valkey/valkey:8-alpine'), 'redis'],
    [composed('db', 'postgres:16'), 'database'],
    [composed('db', 'docker.io/library/postgres@sha256:abc'), 'database'],
    [composed('db', 'mysql'), 'database'],
    [composed('db', 'bitnami/mongo:7'), 'database'],
    [composed('exporter', 'acme/postgres-exporter:1'), 'safe-defaults'],
    [composed('anything'), 'safe-defaults'],
    [{ ...loose, labels: { autoheal: 'true' } }, 'from-docker-autoheal'],
    [{ ...loose, labels: { autoheal: 'false' } }, undefined],
    [{ ...loose, labels: { 'sre-sentinel.monitor': 'true' } }, 'from-monitor-label'],
    [loose, undefined],
  ] as const) {
    it(`${policy ?? 'nothing'} governs ${JSON.stringify(workload)}`, async () => {
      const { policies } = await load('policies');

      const found = governing(policies, workload);

      assert.equal(found.kind === 'governed' ? found.policy.name : undefined, policy);
    });
  }

  for (const [label, seconds] of [
    ['25', 25],
    [undefined, 10],
    ['', 10],
    ['ten', 10],
    ['-5', 10],
    ['99999', 10],
    ['1.5', 10],
  ] as const) {
    it(`keeps the meaning of autoheal.stop.timeout=${label ?? '(none)'}`, async () => {
      const { policies } = await load('policies/from-docker-autoheal.yaml');
      const [action] = policies[0]?.actions ?? [];
      const labels = label === undefined ? {} : { 'autoheal.stop.timeout': label };
      const cel = {
        container: { name: 'x', image: 'y', labels },
        restarts: () => undefined,
        logRate: () => undefined,
        logMatches: () => undefined,
        logErrors: () => undefined,
      };

      const variants = expandArguments(
        action?.template ?? assert.fail(),
        { cel, target: {} },
        builtinTool('docker/restart_container'),
      );

      assert.deepEqual(variants, [{ ok: true, arguments: { timeoutSeconds: seconds } }]);
    });
  }
});

describe('crds-examples/', () => {
  it('holds a policy and a config that are valid, and know each other', async () => {
    const path = 'crds-examples/sentinelconfig.yaml';
    const config = await readSentinelConfig(path, builtinTools);
    const loaded = await loadPolicies(['crds-examples/sentinelpolicy.yaml'], path);

    assert.deepEqual(
      loaded.policies.map(({ name }) => name),
      ['shop-web'],
    );
    assert.deepEqual(config.maxActions, { max: 10, per: 600_000 });
    assert.deepEqual([...loaded.problems, ...loaded.warnings].map(formatProblem), []);
  });

  it('holds JSON Schemas that take them, and refuse what is misspelt', async () => {
    const ajv = new Ajv2020({
      strict: true,
      strictTypes: false,
      allErrors: true,
      validateFormats: false,
    });
    const schemaOf = async (kind: string) =>
      ajv.compile(JSON.parse(await readFile(`crds-examples/${kind}.schema.json`, 'utf8')));
    const isPolicy = await schemaOf('sentinelpolicy');
    const isConfig = await schemaOf('sentinelconfig');
    const examples = await readPolicyFolder('crds-examples/sentinelpolicy.yaml');
    const ready = await readPolicyFolder('policies');
    const config = await readPolicyFolder('crds-examples/sentinelconfig.yaml');

    for (const { value, file } of [...examples.documents, ...ready.documents]) {
      assert.equal(isPolicy(value), true, `${file}: ${ajv.errorsText(isPolicy.errors)}`);
    }
    assert.equal(isConfig(config.documents[0]?.value), true, ajv.errorsText(isConfig.errors));
    const misspelt = { ...Object(examples.documents[0]?.value), sepc: {} };
    assert.equal(isPolicy(misspelt), false);
  });

  it('and the reference are as the schema says', async () => {
    for (const [path, content] of await generatedFiles()) {
      assert.equal(await readFile(path, 'utf8'), content, `${path}: run npm run generate`);
    }
  });

  it('holds a CRD whose schema is structural', async () => {
    const { documents } = await readPolicyFolder('crds-examples/sentinelpolicy.crd.yaml');
    const versions = Object(documents[0]?.value).spec.versions;
    const offences: string[] = [];

    visit(versions[0].schema.openAPIV3Schema, 'schema', offences);

    assert.deepEqual(offences, []);
  });
});

/** Checks the rules of apiextensions.k8s.io/v1 that a schema made from JSON Schema would break. */
function visit(schema: Record<string, unknown>, path: string, offences: string[]): void {
  offences.push(...offencesOf(schema).map((offence) => `${path} ${offence}`));
  const { properties, items, additionalProperties } = schema;
  for (const [name, field] of Object.entries(Object(properties))) {
    visit(Object(field), `${path}.${name}`, offences);
  }
  if (items !== undefined) visit(Object(items), `${path}[]`, offences);
  if (typeof additionalProperties === 'object') {
    visit(Object(additionalProperties), `${path}.*`, offences);
  }
}

function offencesOf(schema: Record<string, unknown>): string[] {
  const { type, properties, additionalProperties } = schema;
  const isOpen = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const foreign = ['$ref', 'anyOf', 'oneOf', 'const', 'propertyNames', '$schema', '$defs'];
  const offences = foreign.filter((word) => word in schema).map((word) => `has ${word}`);
  if (typeof type !== 'string' && !isOpen) offences.push('has no type');
  if (additionalProperties === false) offences.push('forbids additional properties');
  if (properties !== undefined && additionalProperties !== undefined) {
    offences.push('has both properties and additionalProperties');
  }
  if (type === 'array' && schema['items'] === undefined) offences.push('has no items');
  return offences;
}
