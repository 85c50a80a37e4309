import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { BUILTIN_TOOLS, builtinTool } from '#core/remediation/tools.ts';
import { checkFiles } from './check-files.ts';

const context = {
  tool: builtinTool,
  builtinTools: Object.values(BUILTIN_TOOLS).map(({ name }) => name),
};
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

describe('checkFiles', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'check-'));
  });
  after(async () => rm(folder, { recursive: true }));
  const file = async (name: string, text: string) => {
    const path = join(folder, name);
    await writeFile(path, text);
    return path;
  };

  it('holds policies against the configs beside them', async () => {
    const policy = await file('policy.yaml', POLICY);
    const config = await file('config.yaml', CONFIG);

    const alone = await checkFiles([policy], context);
    const together = await checkFiles([policy, config], context);
    const other = await checkFiles(
      [policy, await file('o.yaml', CONFIG.replace(/ops:/, 'dev:'))],
      context,
    );

    assert.deepEqual(
      alone.warnings.map(({ path }) => path),
      ['spec.remediation.allowed[0].tool'],
    );
    assert.deepEqual([together.problems, together.warnings], [[], []]);
    assert.equal(together.configs.length, 1);
    assert.deepEqual(
      other.warnings.map(({ path }) => path),
      ['spec.notify[0]'],
    );
  });

  it('finds a name that two paths both use, and a path that is not there', async () => {
    const one = await file('one.yaml', POLICY);
    const two = await file('two.yaml', POLICY);

    const { problems } = await checkFiles([one, two, join(folder, 'nowhere')], context);

    assert.deepEqual(
      problems.map(({ file: path, message }) => [path, message]),
      [
        [join(folder, 'nowhere'), 'cannot be read: ENOENT'],
        [two, `policy web is already defined in ${one}`],
      ],
    );
  });

  it('passes a CustomResourceDefinition over, and tells of a broken config', async () => {
    const crd = await file('crd.yaml', 'kind: CustomResourceDefinition\n');
    const config = await file('bad.yaml', CONFIG.replace('notifiers', 'notifier'));

    const { problems } = await checkFiles([crd, config], context);

    assert.deepEqual(
      problems.map(({ line, column, message }) => [line, column, message]),
      [[5, 3, 'unknown field notifier; did you mean notifiers?']],
    );
  });
});
