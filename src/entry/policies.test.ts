import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ConfigError } from '#core/errors.ts';
import { loadPolicies } from './policies.ts';

const POLICY = `apiVersion: sre-sentinel.io/v1alpha1
kind: SentinelPolicy
metadata: { name: web }
spec:
  selector: { projects: [shop] }
  thresholds: [{ name: unhealthy, signal: health, severity: critical }]
  remediation:
    allowed: [{ name: reload, tool: docker/exec_command, arguments: { command: [reload] } }]
  notify: [ops]
`;
const CONFIG = `apiVersion: sre-sentinel.io/v1alpha1
kind: SentinelConfig
spec:
  tools: { enable: [docker/exec_command] }
  notifiers: { ops: { webhook: { url: "http://127.0.0.1:9/" } } }
`;

describe('loading policies', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sentinel-policies-'));
  });
  after(async () => rm(folder, { recursive: true }));
  const file = async (name: string, text: string) => {
    const path = join(folder, name);
    await writeFile(path, text);
    return path;
  };

  it('holds them against the SentinelConfig, where one is named', async () => {
    const policy = await file('policy.yaml', POLICY);
    const config = await file('config.yaml', CONFIG);
    const other = await file('other.yaml', CONFIG.replace(/ops:/, 'dev:'));

    const loaded = [
      await loadPolicies([policy], undefined),
      await loadPolicies([policy], config),
      await loadPolicies([policy], other),
    ];

    assert.deepEqual(
      loaded.map(({ warnings }) => warnings.map(({ path }) => path)),
      [['spec.remediation.allowed[0].tool'], [], ['spec.notify[0]']],
    );
  });

  it('knows the providers of models that the SentinelConfig names, and those that are built in', async () => {
    const routing = 'modelRouting: { triage: [cerebras/fast, team/big, local/small] }';
    const policy = await file('asking.yaml', POLICY.replace('notify: [ops]', routing));
    const providers = '  providers: { team: { baseUrl: "http://team/v1" } }\n';
    const config = await file('providers.yaml', CONFIG + providers);

    const without = await loadPolicies([policy], undefined);
    const { warnings } = await loadPolicies([policy], config);

    assert.ok(without.warnings.every(({ path }) => !path.includes('modelRouting')));
    assert.deepEqual(
      warnings.map(({ path }) => path),
      ['spec.modelRouting.triage[2]'],
    );
  });

  it('finds a name that two paths both use, and a path that is not there', async () => {
    const one = await file('one.yaml', POLICY);
    const two = await file('two.yaml', POLICY);

    const { problems } = await loadPolicies([one, two, one, join(folder, 'nowhere')], undefined);

    assert.deepEqual(
      problems.map(({ file: path, message }) => [path, message]),
      [
        [join(folder, 'nowhere'), 'cannot be read: ENOENT'],
        [two, `policy web is already defined in ${one}`],
      ],
    );
  });

  it('tells of a broken SentinelConfig', async () => {
    const policy = await file('policy.yaml', POLICY);
    const config = await file('bad.yaml', CONFIG.replace('notifiers', 'notifier'));

    await assert.rejects(loadPolicies([policy], config), (error: Error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(
        error.message,
        /bad\.yaml:5:3: .*unknown field notifier; did you mean notifiers\?/,
      );
      return true;
    });
  });
});
