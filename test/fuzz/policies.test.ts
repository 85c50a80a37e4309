import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { load } from 'js-yaml';
import { parseYamlFile } from '#adapters/files/yaml-documents.ts';
import { compilePolicySet } from '#core/policy/compile.ts';
import { compileConfig } from '#core/policy/compile-config.ts';
import type { PolicyProblem } from '#core/policy/problems.ts';
import { BUILTIN_TOOLS, builtinTool } from '#core/remediation/tools.ts';
import { assertUnpolluted, awkwardValue, nearJson, nearText, runs } from '../support/fuzz.ts';

const builtinTools = Object.values(BUILTIN_TOOLS).map(({ name }) => name);
const context = { tool: builtinTool, builtinTools };
const FILES = await Array.fromAsync(glob(['policies/*.yaml', 'crds-examples/sentinelpolicy.yaml']));
const TEXTS = FILES.sort().map((path) => readFileSync(path, 'utf8'));
const DOCUMENTS = TEXTS.flatMap((text) =>
  parseYamlFile('p.yaml', Buffer.from(text)).documents.map(({ value }) => value),
);
const CONFIG = readFileSync('crds-examples/sentinelconfig.yaml', 'utf8');

/** Everything that a validation does with the bytes of a file. */
function validate(text: string) {
  const { documents, problems } = parseYamlFile('p.yaml', Buffer.from(text));
  const set = compilePolicySet(
    documents.map((document) => ({ ...document, commit: '' })),
    context,
  );
  assertUnpolluted();
  const all = [...problems, ...set.problems, ...set.warnings];
  assertPlaced(all, text);
  return { documents, policies: set.policies, errors: all.filter(isError) };
}

function isError({ severity }: PolicyProblem): boolean {
  return severity === 'error';
}

/** A problem stands in a line of the file, says something, and fits a screen. */
function assertPlaced(problems: readonly PolicyProblem[], text: string): void {
  const lines = text.split(/\r\n|\r|\n/);
  for (const { line, column, message } of problems) {
    assert.ok(Number.isInteger(line) && line >= 1 && line <= lines.length + 1, `line ${line}`);
    assert.ok(Number.isInteger(column) && column >= 1, `column ${column}`);
    assert.notEqual(message, '');
  }
}

describe('a policy file with a few mistakes', () => {
  it('is compiled or told with places, whichever values, keys and places have changed', () => {
    const change = fc.constantFrom(...DOCUMENTS).chain(nearJson);
    const isEither = fc.property(change, (document) => {
      // JSON is YAML.
      const { documents, policies, errors } = validate(JSON.stringify(document, undefined, 1));

      assert.ok(policies.length + errors.length > 0);
      for (const { value } of documents)
        assert.deepEqual(value, JSON.parse(JSON.stringify(document)));
    });

    fc.assert(isEither, runs(600));
  });

  it('is compiled or told with places, whichever of its bytes have changed', () => {
    const change = fc.constantFrom(...TEXTS).chain(nearText);
    const isEither = fc.property(change, (text) => {
      const { documents, errors } = validate(text);

      if (errors.length > 0 || documents.length === 0) return;
      // What another parser makes of it, where it reads the same dialect at all.
      const others = readByOther(text);
      if (others !== undefined) assert.deepEqual(documents[0]?.value, others);
    });

    fc.assert(isEither, runs(400));
  });

  it('gives the same policy again from what was compiled', () => {
    const change = fc.constantFrom(...DOCUMENTS).chain(nearJson);
    const isSame = fc.property(change, (document) => {
      const [policy] = validate(JSON.stringify(document)).policies;
      if (policy === undefined) return;

      const [again] = validate(JSON.stringify(document, undefined, 2)).policies;

      assert.equal(again?.digest, policy.digest);
    });

    fc.assert(isSame, runs(200));
  });

  it('is not misled by an argument of any kind', () => {
    const action = (value: unknown) => ({
      ...(DOCUMENTS[0] as object),
      spec: {
        ...(DOCUMENTS[0] as { spec: object }).spec,
        remediation: {
          mode: 'Shadow',
          allowed: [{ name: 'x', tool: 'docker/exec_command', arguments: value }],
        },
      },
    });
    const isEither = fc.property(
      nearJson({ command: ['a', { $expr: '"b"' }] }),
      awkwardValue,
      (near, far) => {
        for (const value of [near, far]) {
          const { policies, errors } = validate(JSON.stringify(action(value)));
          assert.ok(policies.length + errors.length > 0);
        }
      },
    );

    fc.assert(isEither, runs(200));
  });
});

describe('a SentinelConfig with a few mistakes', () => {
  const [valid] = parseYamlFile('c.yaml', Buffer.from(CONFIG)).documents;
  const anyConfig = fc.oneof(
    nearJson(valid?.value).map((document) => JSON.stringify(document)),
    nearText(CONFIG),
  );

  it('is compiled or told with places', () => {
    const isEither = fc.property(anyConfig, (text) => {
      const { documents, problems } = parseYamlFile('c.yaml', Buffer.from(text));
      assertPlaced(problems, text);
      for (const document of documents) {
        const result = compileConfig({ ...document, commit: '' }, builtinTools);
        assertPlaced(result.problems, text);
        assert.equal(result.config === undefined, result.problems.length > 0);
      }
      assertUnpolluted();
    });

    fc.assert(isEither, runs(500));
  });
});

/** @returns `undefined` where the other parser finds fault, or more than one document */
function readByOther(text: string): unknown {
  try {
    return load(text);
  } catch {
    return undefined;
  }
}
