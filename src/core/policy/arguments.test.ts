import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { builtinTool, type ToolDescription } from '#core/remediation/tools.ts';
import type { JsonObject } from '#lib/json.ts';
import { runs } from '../../../test/support/fuzz.ts';
import {
  type ArgumentFacts,
  compileArguments,
  expandArguments,
  VARIANTS_MAX,
} from './arguments.ts';

const facts: ArgumentFacts = {
  cel: {
    container: {
      name: 'web-1',
      image: 'nginx:1',
      memoryLimit: 100 * 2 ** 20,
      labels: { 'autoheal.stop.timeout': '20' },
    },
    restarts: () => 2,
    logRate: () => undefined,
    logMatches: () => undefined,
    logErrors: () => undefined,
  },
  target: { name: 'web-1', key: 'h/web-1' },
};

const restart = tool('docker/restart_container');
const exec = tool('docker/exec_command');
const resources = tool('docker/update_resources');
/** Wants a text of at least 20 characters, which no placeholder has. */
const foreign: ToolDescription = {
  ...restart,
  name: 'acme/page',
  builtin: false,
  inputSchema: {
    type: 'object',
    properties: {
      who: { type: 'string' },
      token: { type: 'string', minLength: 20 },
      tags: { type: 'array', items: { type: 'string' } },
      level: { anyOf: [{ type: 'integer' }, { type: 'null' }] },
    },
  },
  validate: (args, dynamic = []) =>
    Object.entries(Object(args)).flatMap(([name, value]) =>
      !dynamic.includes(name) && name === 'who' && String(value).length > 10
        ? ['who: is too long']
        : [],
    ),
};

function tool(name: string): ToolDescription {
  return builtinTool(name) ?? assert.fail(name);
}

function expand(source: JsonObject, description: ToolDescription, given = facts) {
  const result = compileArguments(source, description);
  if (!result.ok) assert.fail(JSON.stringify(result.problems));
  return expandArguments(result.template, given, description);
}

function problems(source: JsonObject, description: ToolDescription | undefined) {
  const result = compileArguments(source, description);
  return result.ok ? [] : result.problems;
}

describe('argument templates', () => {
  it('passes literals on', () => {
    assert.deepEqual(expand({ timeoutSeconds: 10 }, restart), [
      { ok: true, arguments: { timeoutSeconds: 10 } },
    ]);
    assert.deepEqual(expand({}, restart), [{ ok: true, arguments: {} }]);
  });

  it('fills expressions in', () => {
    const source = { memory: { $expr: 'least(container.memoryLimit * 3 / 2, quantity("1Gi"))' } };

    assert.deepEqual(expand(source, resources), [
      { ok: true, arguments: { memory: 150 * 2 ** 20 } },
    ]);
  });

  it('makes one candidate of each option, the first choice varying slowest', () => {
    const source = {
      command: {
        $oneOf: [
          ['nginx', '-s', { $oneOf: ['reload', 'reopen'] }],
          ['rm', '-f', '/x'],
        ],
      },
      timeoutSeconds: { $oneOf: [5, { $expr: 'int(container.labels["autoheal.stop.timeout"])' }] },
    };

    const variants = expand(source, exec);

    assert.deepEqual(variants, [
      { ok: true, arguments: { command: ['nginx', '-s', 'reload'], timeoutSeconds: 5 } },
      { ok: true, arguments: { command: ['nginx', '-s', 'reload'], timeoutSeconds: 20 } },
      { ok: true, arguments: { command: ['nginx', '-s', 'reopen'], timeoutSeconds: 5 } },
      { ok: true, arguments: { command: ['nginx', '-s', 'reopen'], timeoutSeconds: 20 } },
      { ok: true, arguments: { command: ['rm', '-f', '/x'], timeoutSeconds: 5 } },
      { ok: true, arguments: { command: ['rm', '-f', '/x'], timeoutSeconds: 20 } },
    ]);
  });

  it('refuses a variant whose facts are absent, and no other', () => {
    const source = { memory: { $oneOf: [{ $expr: 'container.memoryLimit' }, '1Gi'] } };
    const unlimited = {
      ...facts,
      cel: { ...facts.cel, container: { name: 'a', image: 'b', labels: {} } },
    };

    assert.deepEqual(expand(source, resources, unlimited), [
      { ok: false, reason: 'memory: container.memoryLimit is absent' },
      { ok: true, arguments: { memory: '1Gi' } },
    ]);
  });

  it('refuses a value outside the schema of the tool', () => {
    const source = { memory: { $expr: 'container.memoryLimit / 100' } };

    assert.deepEqual(expand(source, resources), [
      { ok: false, reason: 'memory: must be at least 6m' },
    ]);
  });

  it('refuses everything while the tool is not known', () => {
    const result = compileArguments({ who: { $target: 'name' } }, undefined);
    if (!result.ok) assert.fail();

    assert.deepEqual(expandArguments(result.template, facts, undefined), [
      { ok: false, reason: 'the schema of the tool is not known' },
    ]);
  });

  it('tells a foreign tool its target, and keeps secrets as markers', () => {
    const source = {
      who: { $target: 'name' },
      token: { $secret: 'PAGER_TOKEN' },
      tags: ['x', { $target: 'key' }],
    };

    assert.deepEqual(expand(source, foreign), [
      {
        ok: true,
        arguments: { who: 'web-1', token: { $secret: 'PAGER_TOKEN' }, tags: ['x', 'h/web-1'] },
      },
    ]);
  });

  it('refuses a target field that this workload does not have', () => {
    assert.deepEqual(expand({ who: { $target: 'service' } }, foreign), [
      { ok: false, reason: 'who: the target has no service' },
    ]);
  });

  it('checks what a foreign tool is given with its own schema', () => {
    const long = { ...facts, target: { name: 'a-very-long-name' } };

    assert.deepEqual(expand({ who: { $target: 'name' } }, foreign, long), [
      { ok: false, reason: 'who: is too long' },
    ]);
  });

  it('lets a secret stand among the literals that are checked', () => {
    const env = tool('docker/update_env_vars');

    assert.deepEqual(problems({ set: { GOOD: { $secret: 'X' } } }, env), []);
    assert.deepEqual(expand({ set: { GOOD: { $secret: 'X' } } }, env), [
      { ok: true, arguments: { set: { GOOD: { $secret: 'X' } } } },
    ]);
  });

  for (const [what, source, description, path, message] of [
    [
      'a marker beside other fields',
      { timeoutSeconds: { $expr: '1', x: 1 } },
      restart,
      ['timeoutSeconds'],
      '$expr must stand alone in its object',
    ],
    [
      'a marker in the place of all arguments',
      { $expr: '1' },
      restart,
      [],
      'arguments is an object of names; a marker stands in the place of a value',
    ],
    [
      'an unknown marker',
      { command: [{ $secrets: 'A' }] },
      exec,
      ['command', 0, '$secrets'],
      'there is no marker $secrets; did you mean $secret?',
    ],
    [
      'an expression that is no text',
      { timeoutSeconds: { $expr: 1 } },
      restart,
      ['timeoutSeconds', '$expr'],
      '$expr takes a CEL expression',
    ],
    [
      'an expression with a mistake',
      { timeoutSeconds: { $expr: 'restart("1h")' } },
      restart,
      ['timeoutSeconds', '$expr'],
      'there is no function restart; did you mean restarts? (column 1 of the expression)',
    ],
    [
      'an empty choice',
      { command: { $oneOf: [] } },
      exec,
      ['command', '$oneOf'],
      '$oneOf takes a list of at least one value',
    ],
    [
      'a choice of the same',
      { command: { $oneOf: [['a'], ['b'], ['a']] } },
      exec,
      ['command', '$oneOf', 2],
      'repeats option 1',
    ],
    [
      'an option that the tool does not take',
      { command: { $oneOf: [['a'], 'b'] } },
      exec,
      ['command', '$oneOf', 1],
      'is of type string, where the tool takes array',
    ],
    [
      'a list with an element of the wrong type',
      { command: ['a', { $expr: '1' }] },
      exec,
      ['command', 1, '$expr'],
      'the expression is of type int, where the tool takes string',
    ],
    [
      'an unknown target field',
      { who: { $target: 'nam' } },
      foreign,
      ['who', '$target'],
      '$target takes one of name, id, key, host, project, service, image; did you mean name?',
    ],
    [
      'a secret that is no name',
      { who: { $target: 'name' }, token: { $secret: 'a b' } },
      foreign,
      ['token', '$secret'],
      '$secret takes the name of a secret, such as DB_PASSWORD',
    ],
    [
      'a target for a built-in tool',
      { command: ['kick', { $target: 'name' }] },
      exec,
      ['command', 1, '$target'],
      'docker/exec_command is told its target by Sentinel; $target is for tools of other servers',
    ],
    [
      'a foreign tool without a target',
      { who: 'web-1' },
      foreign,
      [],
      'must say where the target goes, as in { container_name: { $target: name } }: only built-in tools are told by Sentinel',
    ],
    [
      'a foreign tool that one option leaves without a target',
      { who: { $oneOf: [{ $target: 'name' }, 'web-1'] } },
      foreign,
      [],
      'must say where the target goes, as in { container_name: { $target: name } }: only built-in tools are told by Sentinel',
    ],
    [
      'an unknown tool without a target',
      { who: 'web-1' },
      undefined,
      [],
      'must say where the target goes, as in { container_name: { $target: name } }: only built-in tools are told by Sentinel',
    ],
    [
      'a double where an integer may be',
      { who: { $target: 'name' }, level: { $expr: '1.5' } },
      foreign,
      ['level', '$expr'],
      'the expression is of type double, where the tool takes integer or null',
    ],
    [
      'an argument without which the tool cannot be',
      {},
      exec,
      [],
      'the tool needs the argument command',
    ],
  ] as const) {
    it(`refuses ${what}`, () => {
      const told = problems(source as JsonObject, description);

      assert.deepEqual(
        told.map((problem) => ({ path: problem.path, message: problem.message })),
        [{ path, message }],
      );
    });
  }

  it('allows sixteen candidates of one action, and not one more', () => {
    const options = (count: number) => ({
      command: ['x', { $oneOf: Array.from({ length: count }, (_, index) => `${index}`) }],
    });
    const product = {
      command: Array.from({ length: 5 }, () => ({ $oneOf: ['a', 'b'] })),
    };
    const bomb = { command: Array.from({ length: 60 }, () => ({ $oneOf: ['a', 'b'] })) };

    assert.equal(expand(options(VARIANTS_MAX), exec).length, 16);
    for (const source of [options(17), product, bomb]) {
      assert.deepEqual(problems(source, exec), [
        { path: [], message: '$oneOf makes more than 16 candidates' },
      ]);
    }
  });

  it('refuses arguments that are nested without end', () => {
    const endless: Record<string, JsonObject> = {};
    endless['x'] = endless;

    assert.match(problems(endless, exec)[0]?.message ?? '', /nested deeper than 16/);
  });

  it('never passes on what the schema of a built-in tool does not take', () => {
    const value = fc.oneof(
      fc.integer({ min: -5, max: 5_000 }),
      fc.constantFrom<JsonObject>(
        { $expr: 'int(container.labels["autoheal.stop.timeout"]) * 100' },
        { $expr: 'restarts("1h") - 3' },
        { $oneOf: [1, { $expr: 'container.memoryLimit' }] },
      ),
    );
    const staysInside = fc.property(value, (timeoutSeconds) => {
      const result = compileArguments({ timeoutSeconds }, restart);
      if (!result.ok) return true;
      return expandArguments(result.template, facts, restart).every(
        (variant) => !variant.ok || restart.validate(variant.arguments).length === 0,
      );
    });

    fc.assert(staysInside, runs());
  });
});
