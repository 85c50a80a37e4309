import assert from 'node:assert/strict';
import { it } from 'node:test';
import { readPolicyFolder } from '#adapters/files/policy-folder.ts';
import { readSentinelConfig } from '#adapters/files/sentinel-config.ts';
import { compilePolicySet } from '#core/policy/compile.ts';
import { formatProblem } from '#core/policy/problems.ts';
import { BUILTIN_TOOLS, builtinTool } from '#core/remediation/tools.ts';
import { SCENARIOS } from './scenarios.ts';

const builtinTools = Object.values(BUILTIN_TOOLS).map(({ name }) => name);

it('the policies are valid under sentinel.yaml, and allow what the scenarios expect', async () => {
  const settings = await readSentinelConfig('demo/sentinel.yaml', builtinTools);
  const { documents, problems } = await readPolicyFolder('demo/policies');

  const set = compilePolicySet(
    documents.map((document) => ({ ...document, commit: '' })),
    { tool: builtinTool, builtinTools, enabledTools: settings.tools.enable },
  );

  const found = [...problems, ...set.problems, ...set.warnings].map(formatProblem);
  assert.deepEqual(found, []);
  for (const { service, threshold, end } of SCENARIOS.flatMap(({ expected }) => expected)) {
    const policy = set.policies.find(({ spec }) => spec.selector.services?.includes(service));
    assert.ok(
      policy?.thresholds.some(({ name }) => name === threshold),
      `${service}: ${threshold}`,
    );
    if (end.kind !== 'Remediated') continue;
    const action = policy?.actions.find(({ name }) => name === end.action);
    assert.equal(action?.tool, end.tool, service);
  }
});
