import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BUILTIN_TOOLS, builtinTool } from './tools.ts';

const CHECK = { intervalMs: 10_000, timeoutMs: 5_000, startPeriodMs: 30_000, retries: 3 };

describe('what a policy may give a built-in tool', () => {
  const cases: readonly [string, unknown, RegExp | undefined][] = [
    ['docker/restart_container', { timeoutSeconds: 10 }, undefined],
    ['docker/restart_container', { timeoutSeconds: '10' }, /timeoutSeconds/],
    ['docker/restart_container', { target: 'db' }, /target/],
    ['docker/kill_container', {}, undefined],
    ['docker/kill_container', { signal: 'SIGHUP' }, undefined],
    ['docker/kill_container', { signal: 'TERM; rm' }, /signal/],
    ['docker/update_resources', {}, /must set/],
    ['docker/update_resources', { memory: '512m' }, undefined],
    ['docker/update_resources', { memory: '1k' }, /at least 6m/],
    ['docker/update_resources', { memory: 'lots' }, /memory/],
    ['docker/update_resources', { memory: -1 }, /at least 6m/],
    ['docker/update_resources', { memorySwap: -1 }, /memorySwap/],
    ['docker/update_resources', { pids: -1 }, /pids/],
    ['docker/exec_command', { command: ['nginx', '-s', 'reload'] }, undefined],
    ['docker/exec_command', { command: 'nginx -s reload' }, /command/],
    ['docker/exec_command', { command: [] }, /command/],
    ['docker/update_env_vars', { set: {} }, /set/],
    ['docker/update_env_vars', { set: { 'A B': 'x' } }, /set/],
    ['docker/recreate_container', { image: 'evil' }, /image/],
    ['docker/rollback_image', { image: 'web:1' }, undefined],
  ];
  for (const [tool, args, complaint] of cases) {
    it(`${tool} ${JSON.stringify(args)}: ${complaint ?? 'fine'}`, () => {
      const problems = builtinTool(tool)?.validate(args) ?? [];

      if (complaint === undefined) assert.deepEqual(problems, []);
      else assert.match(problems.join('\n'), complaint);
    });
  }

  it('does not complain of values that are not known yet, but of names that do not exist', () => {
    const tool = BUILTIN_TOOLS.update_resources;

    assert.deepEqual(tool.validate({ memory: { $expr: 'x' } }, ['memory']), []);
    assert.match(tool.validate({ memroy: { $expr: 'x' } }, ['memroy']).join(), /memroy/);
    assert.match(tool.validate({ memory: {}, cpus: 'two' }, ['memory']).join(), /cpus/);
  });
});

describe('what is known of each built-in tool', () => {
  it('a tool that reads causes no event, and its paths change nothing', () => {
    const reading = Object.values(BUILTIN_TOOLS).filter(({ readOnly }) => readOnly);

    assert.equal(reading.length, 5);
    for (const { name, events, dockerPaths } of reading) {
      assert.deepEqual(events, {}, name);
      assert.ok(
        dockerPaths.every(({ method }) => method === 'GET'),
        name,
      );
    }
  });

  it('the four that can change what runs need the second key', () => {
    const names = Object.values(BUILTIN_TOOLS).filter(({ needsEnable }) => needsEnable);

    assert.deepEqual(
      names.map(({ name }) => name),
      ['exec_command', 'update_env_vars', 'recreate_container', 'rollback_image'].map(
        (tool) => `docker/${tool}`,
      ),
    );
  });

  it('whoever interrupts the target cuts its sharers off; pause and update do not', () => {
    const cutting = Object.values(BUILTIN_TOOLS).filter(({ cutsSharers }) => cutsSharers);

    assert.deepEqual(cutting.map(({ name }) => name.replace('docker/', '')).toSorted(), [
      'kill_container',
      'recreate_container',
      'restart_container',
      'rollback_image',
      'start_container',
      'stop_container',
      'update_env_vars',
    ]);
  });

  it('a restart may take its grace and a margin, and each sharer its own', () => {
    const tool = BUILTIN_TOOLS.restart_container;
    const owner = { stopTimeoutSeconds: 60, health: aHealth() };

    assert.equal(tool.timeoutMs({}, [owner]), 90_000);
    assert.equal(tool.timeoutMs({ timeoutSeconds: 5 }, [owner]), 35_000);
    assert.equal(tool.timeoutMs({ timeoutSeconds: 5 }, [owner, {}]), 35_000 + 75_000 + 40_000);
  });
});

function aHealth() {
  return { status: 'healthy' as const, failingStreak: 0, check: CHECK };
}
