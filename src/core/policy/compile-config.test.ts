import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compileConfig } from './compile-config.ts';

const TOOLS = ['docker/exec_command', 'docker/restart_container'];

function compile(spec: unknown) {
  const value = { apiVersion: 'sre-sentinel.io/v1alpha1', kind: 'SentinelConfig', spec };
  const document = {
    file: 'c.yaml',
    value,
    commit: '',
    positionOf: () => ({ line: 1, column: 1 }),
  };
  return compileConfig(document, TOOLS);
}

describe('compileConfig', () => {
  it('is whole without a single setting', () => {
    const { config, problems } = compile({});

    assert.deepEqual(problems, []);
    assert.deepEqual(config?.metadata, { name: 'sentinel' });
    assert.deepEqual(config?.spec.maxActions, { max: 10, per: 600_000 });
    assert.deepEqual(config?.spec.tools.enable, []);
    assert.equal(config?.spec.lease, 'none');
  });

  for (const [what, spec, expected] of [
    [
      'a tool that does not exist',
      { tools: { enable: ['docker/exec_comand'] } },
      'spec.tools.enable[0]: there is no built-in tool docker/exec_comand; did you mean docker/exec_command?',
    ],
    [
      'a tool of a server that is not there',
      { tools: { enable: ['acme/x'] } },
      'spec.tools.enable[0]: mcp.servers names no server acme',
    ],
    [
      'a server in the place of the built-in one',
      { mcp: { servers: { docker: { url: 'http://x/mcp' } } } },
      'spec.mcp.servers: docker is the built-in server; choose another name',
    ],
    [
      'a server with two ways in',
      { mcp: { servers: { a: { url: 'http://x/mcp', command: ['x'] } } } },
      'spec.mcp.servers.a: needs either command or url',
    ],
    [
      'an unknown field',
      { notifier: {} },
      'spec.notifier: unknown field notifier; did you mean notifiers?',
    ],
    [
      'an unknown field of an entry',
      { notifiers: { ops: { webhok: {} } } },
      'spec.notifiers.ops.webhook: is required',
    ],
    [
      'a lease, which nobody would take',
      { lease: 'redis' },
      'spec.lease: is not built yet: remove it',
    ],
    [
      'further hosts, which nobody would look at',
      { hosts: { edge: { url: 'tcp://10.0.0.2:2376' } } },
      'spec.hosts: is not built yet: remove it',
    ],
    [
      'a bound on observations, which nobody keeps',
      { data: { observationBytesMax: 2_000_000 } },
      'spec.data.observationBytesMax: is not built yet: remove it',
    ],
    [
      'calls at once to one server, which are made in turn',
      { mcp: { servers: { a: { url: 'http://x/mcp', maxConcurrent: 2 } } } },
      'spec.mcp.servers.a.maxConcurrent: is not built yet: remove it',
    ],
    [
      'two places to take the address of Redis from',
      { redis: { url: 'redis://a', urlFrom: 'A' } },
      'spec.redis: takes either url or urlFrom',
    ],
    ['no bound on actions', { maxActions: { max: 0 } }, 'spec.maxActions.max: must be at least 1'],
    [
      'a secret where its name belongs',
      { providers: { a: { apiKey: 'sk-123', models: {} } } },
      'spec.providers.a.apiKey: must be the name of an environment variable',
    ],
    [
      'a name that is none',
      { providers: { Bad: { models: {} } } },
      'spec.providers.Bad: must be lower-case letters, digits and dashes, with a letter or digit at both ends',
    ],
  ] as const) {
    it(`refuses ${what}`, () => {
      const { config, problems } = compile(spec);

      assert.equal(config, undefined);
      assert.equal(`${problems[0]?.path}: ${problems[0]?.message}`, expected);
    });
  }
});
