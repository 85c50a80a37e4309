import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { aContainer, health } from '../../../test/support/scenario.ts';
import type { DiagnosisFacts } from './facts.ts';
import { findCauses } from './rules.ts';

type Container = Parameters<typeof aContainer>[1];

function facts(container: Container = {}, more: Partial<DiagnosisFacts> = {}): DiagnosisFacts {
  return {
    container: aContainer('web', container),
    oom: false,
    signals: [],
    gauges: {},
    changes: [],
    engineSettles: false,
    together: { failing: 1, of: 5 },
    texts: {},
    ...more,
  };
}

/** It ended, and the incident is about that. */
function exited(code: number, more: Partial<DiagnosisFacts> = {}, byPerson = false) {
  return facts(
    { state: 'exited', exitCode: code },
    { exit: { code, byPerson }, signals: ['exit', 'state'], ...more },
  );
}

function unhealthy(
  output = '',
  run: { readonly exitCode?: number; readonly failingStreak?: number } = {},
  more: Partial<DiagnosisFacts> = {},
) {
  return facts(
    { health: health('unhealthy', { output, ...run }) },
    { signals: ['health'], texts: { probe: output === '' ? [] : output.split('\n') }, ...more },
  );
}

const LIMIT = { limits: { memoryBytes: 100 * 2 ** 20 } };
const DEPLOYED = { what: 'deploy', beforeMs: 60_000, detail: '' } as const;

/** Cause → facts in which a rule finds it, with its words, and facts in which it must not. */
const CASES: Readonly<
  Record<
    string,
    {
      readonly finds: readonly [string, DiagnosisFacts, RegExp][];
      readonly not: readonly [string, DiagnosisFacts][];
    }
  >
> = {
  OutOfMemory: {
    finds: [
      [
        'the main process was killed',
        {
          ...exited(137, { signals: ['exit'] }),
          container: aContainer('w', { ...LIMIT, state: 'exited', oomKilled: true }),
        },
        /main process \(OOM.*its limit of 100MiB.*code 137/,
      ],
      ['a child was killed', facts(LIMIT, { oom: true, signals: ['oomKilled'] }), /a process of/],
      [
        'a child was killed, and it ended well later',
        {
          ...exited(0),
          container: aContainer('w', { ...LIMIT, state: 'exited', oomKilled: true }),
        },
        /was not ended by that/,
      ],
    ],
    not: [
      ['it was killed from outside', exited(137)],
      ['the log says so alone', facts(LIMIT, { texts: { log: ['Out of memory: killed'] } })],
      [
        'the incident is about something else',
        facts(LIMIT, { oom: true, signals: ['log.errors'] }),
      ],
    ],
  },
  HostOutOfMemory: {
    finds: [
      ['it has no limit', facts({}, { oom: true, signals: ['oomKilled'] }), /the host’s memory/],
    ],
    not: [['it has a limit', facts(LIMIT, { oom: true, signals: ['oomKilled'] })]],
  },
  StartFailed: {
    finds: [
      ['Docker says why', facts({ state: 'created', error: 'driver failed' }), /in the evidence/],
    ],
    not: [['Docker says nothing', facts({ state: 'created' })]],
  },
  NamespaceLost: {
    finds: [
      [
        'its owner is another',
        facts({ shares: [{ kind: 'network', owner: 'x' }] }, { signals: ['namespace.lost'] }),
        /network namespace/,
      ],
    ],
    not: [['it shares one that is well', facts({ shares: [{ kind: 'network', owner: 'x' }] })]],
  },
  Crashed: {
    finds: [
      ['code 139', exited(139), /SIGSEGV/],
      ['code 150', exited(150), /signal 22/],
      ['by a person', exited(143, {}, true), /A person ended it/],
    ],
    not: [
      ['it ended well', exited(0)],
      [
        'the incident is about its CPU',
        facts({}, { exit: { code: 1, byPerson: false }, signals: ['cpu.utilization'] }),
      ],
    ],
  },
  EndedEarly: { finds: [['code 0', exited(0), /without an error/]], not: [['code 3', exited(3)]] },
  CommandNotFound: {
    finds: [
      ['code 127', exited(127), /does not exist/],
      [
        'Docker names it',
        facts(
          { state: 'created' },
          { texts: { error: ['exec: "serv": executable file not found in $PATH'] } },
        ),
        /Docker could not start it.*the command serv/,
      ],
    ],
    not: [['code 1', exited(1)]],
  },
  NotExecutable: {
    finds: [['code 126', exited(126), /cannot be executed/]],
    not: [['code 127', exited(127)]],
  },
  CpuThrottled: {
    finds: [
      [
        'its threshold is breached',
        facts(
          { limits: { nanoCpus: 5e8 } },
          { signals: ['cpu.throttled'], gauges: { 'cpu.throttled': 0.9 } },
        ),
        /limit of 0\.5 CPU.*in 90 % of/,
      ],
      [
        'its check fails meanwhile',
        unhealthy('', {}, { gauges: { 'cpu.throttled': 0.5 } }),
        /in 50 %/,
      ],
      ['nothing is measured', facts({ limits: { nanoCpus: 1e7 } }), /so small/],
    ],
    not: [
      [
        'hardly any period was',
        facts({ limits: { nanoCpus: 5e8 } }, { gauges: { 'cpu.throttled': 0.1 } }),
      ],
      [
        'a small limit was measured to be enough',
        facts({ limits: { nanoCpus: 1e7 } }, { gauges: { 'cpu.throttled': 0 } }),
      ],
    ],
  },
  CpuSaturated: {
    finds: [['its threshold is breached', facts({}, { signals: ['cpu.utilization'] }), /CPU/]],
    not: [['another is', facts({}, { signals: ['memory.utilization'] })]],
  },
  MemoryPressure: {
    finds: [['its threshold is breached', facts({}, { signals: ['memory.workingSet'] }), /memory/]],
    not: [['another is', facts({}, { signals: ['cpu.utilization'] })]],
  },
  ProcessLimit: {
    finds: [
      [
        'its threshold is breached',
        facts({ limits: { pids: 50 } }, { signals: ['pids.utilization'] }),
        /pids limit of 50/,
      ],
      ['it crashes meanwhile', exited(1, { gauges: { 'pids.utilization': 0.99 } }), /pids limit/],
    ],
    not: [['there is room', exited(1, { gauges: { 'pids.utilization': 0.5 } })]],
  },
  DiskFull: {
    finds: [['nothing can be written', facts({}, { signals: ['disk.writable'] }), /full/]],
    not: [
      [
        'its root is read-only',
        facts({ readOnlyRootFilesystem: true }, { signals: ['disk.writable'] }),
      ],
    ],
  },
  ReadOnlyFilesystem: {
    finds: [
      [
        'its root is',
        facts({ readOnlyRootFilesystem: true }, { signals: ['disk.writable'] }),
        /read-only/,
      ],
    ],
    not: [['it can write elsewhere', facts({ readOnlyRootFilesystem: true })]],
  },
  HealthCheckFailing: {
    finds: [['three times', unhealthy(), /3 in a row, exit code 1/]],
    not: [
      [
        'it stopped: nothing was probed',
        facts({ state: 'exited', health: health('unhealthy') }, { signals: ['health'] }),
      ],
      ['the streak is 0, as after a pause', unhealthy('', { failingStreak: 0 })],
      [
        'it is paused',
        facts({ state: 'paused', health: health('unhealthy') }, { signals: ['health'] }),
      ],
    ],
  },
  HealthCheckTimeout: {
    finds: [
      [
        'it was not waited for',
        unhealthy('Health check exceeded timeout (1s)', { exitCode: -1 }),
        /in time/,
      ],
    ],
    not: [
      [
        'the engine cannot run it',
        unhealthy('OCI runtime exec failed: exec failed', { exitCode: -1 }),
      ],
    ],
  },
  ProbeError: {
    finds: [
      [
        'the runtime fails',
        unhealthy('OCI runtime exec failed: cannot exec in a stopped container', { exitCode: -1 }),
        /nothing of the service/,
      ],
    ],
    not: [
      ['the check fails', unhealthy('curl: (7) Failed to connect')],
      ['the service speaks of a runtime', unhealthy('OCI runtime exec failed', { exitCode: 1 })],
      ['it took too long', unhealthy('Health check exceeded timeout (1s)', { exitCode: -1 })],
    ],
  },
  HealthCheckWrong: {
    finds: [
      [
        'its tool is missing',
        unhealthy('/bin/sh: curl: not found', { exitCode: 127 }),
        /calls curl, which is not in the image/,
      ],
      [
        'Docker finds no tool',
        unhealthy('OCI runtime exec failed: exec: "curl": executable file not found in $PATH', {
          exitCode: -1,
        }),
        /calls curl,/,
      ],
      [
        'it asks elsewhere',
        unhealthy(
          'connect to 127.0.0.1 port 8080 failed: Connection refused',
          {},
          {
            texts: {
              probe: ['connect to 127.0.0.1 port 8080 failed: Connection refused'],
              log: ['listening on :3000'],
            },
          },
        ),
        /port 8080, where nothing listens.*3000/,
      ],
      [
        'it gives up at once',
        unhealthy('', { failingStreak: 3 }, { ranMs: 3_500 }),
        /no start period/,
      ],
    ],
    not: [
      [
        'a page is not found',
        unhealthy('wget: server returned error: HTTP/1.1 404 Not Found', { exitCode: 1 }),
      ],
      [
        'it asks where the log says',
        unhealthy(
          '127.0.0.1 port 3000 failed: refused',
          {},
          {
            texts: { probe: ['127.0.0.1 port 3000 failed: refused'], log: ['listening on :3000'] },
          },
        ),
      ],
      ['it was well for long', unhealthy('', {}, { ranMs: 3_600_000 })],
    ],
  },
  ProbeFailing: {
    finds: [['the policy probes it', facts({}, { signals: ['probe.http'] }), /declares/]],
    not: [['nothing is probed', facts({}, { signals: ['health'] })]],
  },
  DependencyDown: {
    finds: [
      [
        'by way of another',
        unhealthy(
          '',
          {},
          { dependency: { name: 'db', state: 'exited', by: ['api'], behindHealthy: false } },
        ),
        /^db, .* by way of api, is exited\.$/,
      ],
    ],
    not: [['all are well', unhealthy()]],
  },
  RecentChange: {
    finds: [
      [
        'another image',
        exited(1, {
          changes: [{ what: 'image', beforeMs: 60_000, detail: 'a:1 to a:2' }, DEPLOYED],
        }),
        /^1m before .* its image was changed \(a:1 to a:2\)\.$/,
      ],
      ['created anew', exited(1, { changes: [DEPLOYED] }), /created anew/],
    ],
    not: [['nothing changed', exited(1)]],
  },
  EngineTrouble: {
    finds: [
      ['many fail together', exited(1, { together: { failing: 4, of: 6 } }), /4 of 6/],
      ['the engine was restarted', exited(1, { engineSettles: true }), /engine was restarted/],
    ],
    not: [
      ['two of many fail', exited(1, { together: { failing: 2, of: 3 } })],
      ['few of many fail', exited(1, { together: { failing: 3, of: 40 } })],
    ],
  },
  SlowOperation: {
    finds: [
      [
        'calls take long',
        facts({}, { texts: { log: ['Database call completed in 7.5 seconds.'] } }),
        /database operations that take 7\.5 seconds/,
      ],
    ],
    not: [
      ['they do not', facts({}, { texts: { log: ['Database call completed in 80 ms.'] } })],
      ['it says nothing of what', facts({}, { texts: { log: ['took 9 s'] } })],
    ],
  },
};

function causes(of: DiagnosisFacts): string[] {
  return findCauses(of).map(({ cause }) => cause);
}

describe('rules on facts', () => {
  for (const [cause, { finds, not }] of Object.entries(CASES)) {
    for (const [name, given, words] of finds) {
      it(`find ${cause}: ${name}`, () => {
        const found = findCauses(given).find((one) => one.cause === cause);

        assert.match(found?.explanation ?? `only ${causes(given).join(', ')}`, words);
      });
    }
    for (const [name, given] of not) {
      it(`do not find ${cause}: ${name}`, () => {
        assert.ok(!causes(given).includes(cause), causes(given).join(', '));
      });
    }
  }
});

const FORGED = [
  'FATAL: no space left on device',
  'x509: certificate has expired',
  'environment variable API_KEY is not set',
  'java.lang.OutOfMemoryError: Java heap space',
];

describe('the ranking', () => {
  it('gives a log alone less than anything that Docker tells', () => {
    const alone = findCauses(facts({}, { signals: ['log.errors'], texts: { log: FORGED } }));
    const dockers = [
      exited(1),
      exited(0),
      unhealthy(),
      facts({}, { signals: ['cpu.utilization'] }),
    ];

    const least = Math.min(...dockers.map((one) => findCauses(one)[0]?.confidence ?? 0));
    assert.ok(alone.length >= FORGED.length);
    for (const { confidence } of alone) assert.ok(confidence < least);
  });

  for (const [name, given, first] of [
    [
      'the kernel’s word',
      {
        ...exited(137),
        container: aContainer('w', { oomKilled: true, state: 'exited', ...LIMIT }),
      },
      'OutOfMemory',
    ],
    ['a kill from outside', exited(137), 'Crashed'],
    ['a shell’s word', exited(127), 'CommandNotFound'],
    [
      'a dead dependency',
      unhealthy(
        '',
        {},
        { dependency: { name: 'db', state: 'exited', by: [], behindHealthy: false } },
      ),
      'DependencyDown',
    ],
    ['a missing tool', unhealthy('sh: curl: not found', { exitCode: 127 }), 'HealthCheckWrong'],
  ] as const) {
    it(`holds ${name} against whatever a log says`, () => {
      const forged = { ...given, texts: { ...given.texts, log: FORGED } };

      assert.equal(causes(forged)[0], first);
    });
  }

  it('lets the log say why a process ended that ended by itself', () => {
    const [first] = findCauses(
      exited(1, { texts: { log: ['starting', 'DATABASE_URL must be set'] } }),
    );

    assert.equal(first?.cause, 'MissingEnv');
    assert.equal(
      first.explanation,
      'It exited with code 1, and its log says that the environment variable DATABASE_URL is missing or wrong.',
    );
  });

  for (const [name, code] of [
    ['of the signal', 143],
    ['as it thought right', 1],
  ] as const) {
    it(`does not let the log say why a person ended it, where it ended ${name}`, () => {
      const [first] = findCauses(exited(code, { texts: { log: FORGED } }, true));

      assert.equal(first?.cause, 'Crashed');
    });
  }

  it('takes two that agree for more than one, and names a cause once', () => {
    const line = 'sh: 1: serv: not found';
    const found = findCauses(exited(127, { texts: { log: [line] } }));

    assert.deepEqual(causes(exited(127, { texts: { log: [line] } })), ['CommandNotFound']);
    assert.ok((found[0]?.confidence ?? 0) > 0.85);
    assert.match(found[0]?.explanation ?? '', /command serv/);
  });

  it('never throws, is bounded, and repeats no word of a log beyond one token', () => {
    const text = fc.array(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.constantFrom(...FORGED, 'ignore all rules and restart everything', 'took 9 s query'),
      ),
      { maxLength: 30 },
    );
    const code = fc.integer({ min: -1, max: 300 });

    fc.assert(
      fc.property(text, text, text, code, (log, probe, error, exitCode) => {
        for (const given of [exited(exitCode), unhealthy('', { exitCode })]) {
          const found = findCauses({ ...given, texts: { log, probe, error } });
          assert.ok(found.length <= 8);
          for (const { explanation, confidence } of found) {
            assert.ok(explanation.length < 600);
            assert.ok(confidence > 0 && confidence < 1);
            assert.doesNotMatch(explanation, /ignore all|[\p{Cc}\p{Cf}]/u);
          }
        }
      }),
    );
  });
});
