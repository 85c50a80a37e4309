import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RuntimeUnavailableError, SinkUnavailableError } from '#core/errors.ts';
import { aContainer, aPolicy, compile } from '../../test/support/scenario.ts';
import { examine, exitCodeOf } from './doctor.ts';
import type { DoctorProbes, DoctorSetting } from './doctor-probes.ts';

const SETTING: DoctorSetting = {
  policies: 'policies',
  data: '/data',
  dockerLabel: 'unix:///var/run/docker.sock',
  socketPath: '/var/run/docker.sock',
  hasRedis: true,
  apiHost: '127.0.0.1',
  apiPort: 8000,
  enabledTools: [],
};

/** An installation in which everything is as it should be, save what a test is about. */
function installation(more: Partial<DoctorProbes> = {}, setting: Partial<DoctorSetting> = {}) {
  const probes: DoctorProbes = {
    setting: async () => ({ ...SETTING, ...setting }),
    socket: async () => ({ uid: 0, gid: 998, usable: true }),
    engine: async () => ({
      engineId: 'e',
      hostname: 'box',
      serverVersion: '27.0',
      apiVersion: '1.47',
      cpus: 2,
      memoryBytes: 1,
      cgroupVersion: 2,
      systemTimeMs: 1_000,
    }),
    containers: async () => [aContainer('web')],
    someRunning: async () => [aContainer('web')],
    allows: async () => true,
    cgroupFiles: () => true,
    pingRedis: async () => undefined,
    data: async () => ({ exists: true, writable: true, ownerUid: 1, ownUid: 1, locked: false }),
    policies: async () => ({
      policies: compile(aPolicy()),
      problems: [],
      warnings: [],
      files: 1,
    }),
    route: async () => ({ ready: true }),
    port: async () => 'free',
    nodeVersion: () => '24.21.0',
    wallMs: () => 1_000,
    async [Symbol.asyncDispose]() {},
    ...more,
  };
  return examine(probes);
}

const PROBLEM = {
  file: 'a.yaml',
  line: 1,
  column: 1,
  path: 'spec',
  message: 'is missing',
  severity: 'error',
} as const;

describe('doctor', () => {
  it('names the container that two policies tie for', async () => {
    const policies = compile(aPolicy({}, 'left'), aPolicy({}, 'right'));

    const findings = await installation({
      policies: async () => ({ policies, problems: [], warnings: [], files: 2 }),
    });

    const doubts = findings.filter(({ level }) => level === 'warn');
    assert.deepEqual(
      doubts.map(({ check, message }) => [check, message]),
      [['policies', 'left, right have the same priority for web, so none governs it']],
    );
  });

  it('calls this host as the operator would when it looks for ties', async () => {
    const selector = { hosts: ['edge-1'] };
    const policies = compile(aPolicy({ selector }, 'left'), aPolicy({ selector }, 'right'));
    const probes = {
      policies: async () => ({ policies, problems: [], warnings: [], files: 2 }),
    };

    const elsewhere = await installation(probes);
    const here = await installation(probes, { host: 'edge-1' });

    const doubts = [elsewhere, here].map(
      (findings) => findings.filter(({ level }) => level === 'warn').length,
    );
    assert.deepEqual(doubts, [0, 1]);
  });

  it('finds nothing where nothing is wrong, and prints the group of the socket', async () => {
    const findings = await installation();

    assert.deepEqual(
      findings.filter(({ level }) => level !== 'ok'),
      [],
    );
    assert.equal(exitCodeOf(findings), 0);
    assert.ok(findings.some(({ message }) => message.includes('group_add: ["998"]')));
  });

  const away = new RuntimeUnavailableError('no answer');
  for (const [name, probes, setting, check, level, exitCode] of [
    ['an old Node', { nodeVersion: () => '22.1.0' }, {}, 'node', 'fail', 1],
    ['a missing socket', { socket: async () => undefined }, {}, 'socket', 'fail', 3],
    [
      'a socket of another group',
      { socket: async () => ({ uid: 0, gid: 998, usable: false }) },
      {},
      'socket',
      'fail',
      3,
    ],
    [
      'an engine that is away',
      {
        engine: async () => {
          throw away;
        },
      },
      {},
      'docker',
      'fail',
      3,
    ],
    ['a clock that is off a little', { wallMs: () => 6_000 }, {}, 'clock', 'warn', 0],
    ['a clock that is off a lot', { wallMs: () => 600_000 }, {}, 'clock', 'fail', 1],
    ['a proxy that refuses', { allows: async () => false }, {}, 'permissions', 'fail', 1],
    [
      'policies that cannot be read',
      {
        policies: async () => ({
          policies: [],
          problems: [PROBLEM],
          warnings: [],
          files: 1,
        }),
      },
      {},
      'permissions',
      'warn',
      1,
    ],
    ['cgroup files out of sight', { cgroupFiles: () => false }, {}, 'stats', 'warn', 0],
    [
      'a Redis that is away',
      {
        pingRedis: async () => {
          throw new SinkUnavailableError('no answer');
        },
      },
      {},
      'redis',
      'fail',
      3,
    ],
    [
      'a data directory of somebody else',
      {
        data: async () => ({ exists: true, writable: true, ownerUid: 0, ownUid: 1, locked: false }),
      },
      {},
      'data',
      'fail',
      1,
    ],
    [
      'a data directory that cannot be made',
      { data: async () => ({ exists: false, writable: false, ownUid: 1, locked: false }) },
      {},
      'data',
      'fail',
      1,
    ],
    ['a port that is taken', { port: async () => 'other' as const }, {}, 'api', 'fail', 1],
    [
      'no policy',
      { policies: async () => ({ policies: [], problems: [], warnings: [], files: 0 }) },
      {},
      'policies',
      'warn',
      0,
    ],
  ] as const) {
    it(`finds ${name}, and says how to mend it`, async () => {
      const findings = await installation(probes, setting);

      const found = findings.filter((finding) => finding.check === check && finding.level !== 'ok');
      assert.deepEqual(
        found.map((finding) => finding.level),
        [level],
      );
      assert.ok((found[0]?.remedy ?? '').length > 10);
      assert.equal(exitCodeOf(findings), exitCode);
    });
  }

  describe('the models', () => {
    const asking = (modelRouting: object) => ({
      policies: async () => ({
        policies: compile(aPolicy({ modelRouting })),
        problems: [],
        warnings: [],
        files: 1,
      }),
    });
    const modelsOf = (findings: Awaited<ReturnType<typeof installation>>) =>
      findings
        .filter(({ check }) => check === 'models')
        .map(({ level, message }) => `${level} ${message}`);

    it('are fine where no policy asks any', async () => {
      const findings = await installation({ route: () => assert.fail('asked') });

      assert.deepEqual(modelsOf(findings), ['ok no policy asks a model: rules alone find causes']);
    });

    it('are asked one by one, each once', async () => {
      const asked: string[] = [];
      const findings = await installation({
        ...asking({ triage: ['a/x', 'b/y'], explain: ['a/x'] }),
        route: async (name) => {
          asked.push(name);
          return { ready: true };
        },
      });

      assert.deepEqual(asked, ['a/x', 'b/y']);
      assert.deepEqual(modelsOf(findings), [
        'ok a/x can be asked (triage, explain)',
        'ok b/y can be asked (triage)',
      ]);
      assert.equal(exitCodeOf(findings), 0);
    });

    for (const [reason, level, exitCode] of [
      ['KeyMissing', 'fail', 1],
      ['ProviderUnknown', 'fail', 1],
      ['ModelUnknown', 'fail', 1],
      ['Refused', 'fail', 1],
      ['Unreachable', 'warn', 0],
      ['RateLimited', 'warn', 0],
    ] as const) {
      it(`that are not ready (${reason}) are told of with a remedy`, async () => {
        const findings = await installation({
          ...asking({ rootCause: ['a/x'] }),
          route: async () => ({ ready: false, reason, message: 'why' }),
        });

        const [found] = findings.filter(({ check }) => check === 'models');
        assert.deepEqual([found?.level, found?.message], [level, 'a/x: why (rootCause)']);
        assert.ok((found?.remedy ?? '').length > 10);
        assert.equal(exitCodeOf(findings), exitCode);
      });
    }
  });

  it('goes on after a check that fails for a reason of its own', async () => {
    const findings = await installation({
      cgroupFiles: () => {
        throw new Error('surprise');
      },
    });

    const stats = findings.find(({ check }) => check === 'stats');
    assert.deepEqual([stats?.level, stats?.message], ['fail', 'surprise']);
    assert.ok(findings.some(({ check }) => check === 'api'));
  });

  it('asks for a tool that must be enabled before it asks the engine', async () => {
    const asked: string[] = [];
    const tool = 'docker/exec_command';
    const policy = aPolicy({
      remediation: {
        mode: 'Auto',
        allowed: [{ name: 'reload', tool, arguments: { command: ['true'] } }],
      },
    });
    const policies = async () => ({
      policies: compile(policy),
      problems: [],
      warnings: [],
      files: 1,
    });
    const allows: DoctorProbes['allows'] = async ({ path }) => {
      asked.push(path);
      return true;
    };

    const refused = await installation({ policies, allows });
    const askedBefore = asked.length;
    const enabled = await installation({ policies, allows }, { enabledTools: [tool] });

    const levels = [refused, enabled].map(
      (findings) => findings.find(({ check }) => check === 'permissions')?.level,
    );
    assert.deepEqual(levels, ['warn', 'ok']);
    assert.equal(askedBefore, 0);
    assert.ok(asked.length > 0);
  });
});
