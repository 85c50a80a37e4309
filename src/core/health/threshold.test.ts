import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ExhaustionForecast } from '#core/detection/exhaustion.ts';
import type { WorkloadHistory } from '#core/journal/state.ts';
import type { ObservedContainer } from '#core/workload/container.ts';
import type { WorkloadView } from '#core/workload/view.ts';
import {
  aContainer,
  aPolicy,
  compile,
  health,
  Scenario,
  START_MS,
} from '../../../test/support/scenario.ts';
import type { NamespaceOwner } from './judge-input.ts';
import { judge, type ThresholdMemory } from './threshold.ts';

/** The id that `aContainer` gives. */
const CONTAINER = aContainer('web').id;
const aHistory: WorkloadHistory = {
  container: CONTAINER,
  name: 'web',
  lastEventNano: '',
  starts: [],
};

/** Judges one threshold once, on a container that has run for an hour. */
function judged(
  threshold: object,
  {
    container = {},
    view = {},
    history = {},
    memory,
    atMs = START_MS,
    cutMs,
    owners = {},
  }: {
    container?: Partial<ObservedContainer>;
    view?: Partial<WorkloadView>;
    history?: Partial<WorkloadHistory>;
    memory?: ThresholdMemory;
    atMs?: number;
    cutMs?: number;
    owners?: Readonly<Record<string, NamespaceOwner>>;
  } = {},
) {
  const scenario = new Scenario();
  const key = scenario.put(aContainer('web', container), view);
  const [policy] = compile(
    aPolicy({
      thresholds: [{ name: 'it', severity: 'warning', ...threshold }],
      expected: [{ name: 'web' }],
      remediation: {},
    }),
  );
  const [compiled] = policy?.thresholds ?? [];
  const observed = scenario.views.get(key);
  if (compiled === undefined || observed === undefined) throw new Error('no threshold');
  const input = {
    nowMs: atMs,
    view: observed,
    history: { ...aHistory, ...history },
    startPeriodMs: 30_000,
    healthyForMs: 15_000,
    ownerOf: (ref: string) => owners[ref] ?? 'gone',
    ...(cutMs === undefined ? {} : { cutMs }),
  };
  return judge(compiled, input, memory);
}

const gauge = (value: number) => ({
  gauges: { 'memory.utilization': { kind: 'Value', value, atMs: 0 } } as const,
});
const NO_LIMIT = { kind: 'Unsupported', reason: 'NoLimit' } as const;
const crashed = (atMs: number, exitCode = 1) => ({
  exit: { container: CONTAINER, atMs, at: '', exitCode, cause: 'Crash' as const },
});

describe('a shared namespace', () => {
  const lost = { signal: 'namespace.lost' };
  const shares = [{ kind: 'network', owner: 'vpn' }] as const;
  const vpn = (startedLaterMs: number, more: Partial<ObservedContainer> = {}) =>
    aContainer('vpn', { startedAtMs: START_MS - 3_600_000 + startedLaterMs, ...more });
  const ill = health('unhealthy');

  for (const [what, owner, expected] of [
    ['that it has joined is not lost', vpn(-1), 'Clear'],
    ['whose owner was started with it is not lost', vpn(0), 'Clear'],
    ['whose owner was started after it is lost', vpn(1), 'Breached'],
    ['whose owner is not well yet waits for that', vpn(1, { health: ill }), 'Unknown'],
    ['whose owner is down waits for that', vpn(1, { state: 'exited' }), 'Unknown'],
    ['whose owner is being replaced waits for that', 'replaced', 'Unknown'],
    ['whose owner is gone is lost', 'gone', 'Breached'],
  ] as const) {
    it(what, () => {
      const { verdict } = judged(lost, { container: { shares }, owners: { vpn: owner } });

      assert.equal(verdict.kind, expected);
    });
  }

  it('is no matter of a container with its own, or of one that is down', () => {
    assert.equal(judged(lost).verdict.kind, 'Unsupported');
    const container = { shares, state: 'exited' } as const;
    assert.equal(judged(lost, { container }).verdict.kind, 'Unknown');
  });
});

describe('a probe', () => {
  const probe = { signal: 'probe.http', probe: { port: 80, failureThreshold: 3 } };

  for (const [failures, expected] of [
    [0, 'Clear'],
    [1, 'Unknown'],
    [2, 'Unknown'],
    [3, 'Breached'],
  ] as const) {
    it(`that failed ${failures} times in a row is ${expected}`, () => {
      const view = { probes: { it: { failures, atMs: START_MS, message: '' } } };
      assert.equal(judged(probe, { view }).verdict.kind, expected);
    });
  }

  it('that failed while the container started is not known until the next may have told', () => {
    const failed = { failures: 0, notCounted: true, atMs: START_MS - 5_000, message: 'refused' };
    const started = { startedAtMs: START_MS - 30_000 };

    const { verdict } = judged(probe, { container: started, view: { probes: { it: failed } } });

    const recheckAtMs = START_MS + 10_000 + 2_000;
    assert.deepEqual(verdict, { kind: 'Unknown', reason: 'ProbeNotCounted', recheckAtMs });
  });

  it('that has no way to its target tells nothing', () => {
    const reading = { failures: 0, unroutable: true, atMs: START_MS, message: 'no route' };

    const { verdict } = judged(probe, { view: { probes: { it: reading } } });

    assert.deepEqual(verdict, { kind: 'Unsupported', reason: 'NoRoute' });
  });

  it('that was never asked is not known', () => {
    assert.deepEqual(judged(probe).verdict, { kind: 'Unknown', reason: 'NoSample' });
  });
});

describe('a log', () => {
  const rate = { signal: 'log.errors', above: 2, window: '10s' };
  const logs = (count: number, coveredSinceMs: number) => {
    const counters = { rate: () => 0, matches: () => 0, anomalies: () => 0, unusual: () => [] };
    return { view: { logs: { ...counters, coveredSinceMs, errors: () => count } } };
  };

  it('proves nothing by few lines in a window that was not seen whole', () => {
    const { verdict } = judged(rate, logs(0, START_MS - 5_000));
    assert.deepEqual(verdict, {
      kind: 'Unknown',
      reason: 'NotCovered',
      recheckAtMs: START_MS + 5_000,
    });
  });

  it('is clear by few lines in a window that was', () => {
    assert.equal(judged(rate, logs(0, START_MS - 10_000)).verdict.kind, 'Clear');
  });

  it('is breached by many lines however little was seen', () => {
    assert.equal(judged(rate, logs(3, START_MS - 1_000)).verdict.kind, 'Breached');
  });
});

describe('a trend', () => {
  const filling = { signal: 'memory.trend', within: '15m' };
  const MINUTE_MS = 60_000;
  const telling = (forecast: ExhaustionForecast): Partial<WorkloadView> => ({
    ...gauge(0.5),
    samples: { names: () => [], of: () => [], forecast: () => forecast },
  });
  const reachedIn = (minutes: number) =>
    telling({ kind: 'Exhausting', inMs: minutes * MINUTE_MS, earliestMs: 0, slope: 1 });
  const none = (reason: 'TooFewSamples' | 'NoTrend' | 'TooFar') =>
    telling({ kind: 'None', reason });

  for (const [name, view, expected] of [
    ['that reaches the limit in time is breached', reachedIn(15), 'Breached'],
    ['that reaches it later is clear', reachedIn(16), 'Clear'],
    ['that has reached it is breached', telling({ kind: 'Reached' }), 'Breached'],
    ['that is none is clear', none('NoTrend'), 'Clear'],
    ['that reaches it who knows when is clear', none('TooFar'), 'Clear'],
    ['that nobody has followed yet is not known', {}, 'Unknown'],
    ['without a limit is of no use', { gauges: { 'memory.utilization': NO_LIMIT } }, 'Unsupported'],
  ] as const) {
    it(name, () => {
      assert.equal(judged(filling, { view }).verdict.kind, expected);
    });
  }

  it('once breached clears at twice the distance', () => {
    const memory = { breached: true, holdsSinceMs: START_MS - 1 };

    const kinds = [16, 30, 31].map(
      (minutes) => judged(filling, { view: reachedIn(minutes), memory }).verdict.kind,
    );

    assert.deepEqual(kinds, ['Breached', 'Breached', 'Clear']);
  });

  it('is known two minutes after the start period', () => {
    const startedAtMs = START_MS - 60_000;

    const { verdict } = judged(filling, {
      container: { startedAtMs },
      view: none('TooFewSamples'),
    });

    const recheckAtMs = startedAtMs + 30_000 + 120_000;
    assert.deepEqual(verdict, { kind: 'Unknown', reason: 'TooFewSamples', recheckAtMs });
  });

  it('says nothing of a container that is down, or that starts', () => {
    const down = judged(filling, { view: reachedIn(1), container: { state: 'exited' } });
    const starts = judged(filling, {
      view: reachedIn(1),
      container: { startedAtMs: START_MS - 1_000 },
    });

    assert.deepEqual([down.verdict.kind, starts.verdict.kind], ['Unknown', 'Ignored']);
  });
});

describe('health', () => {
  const unhealthy = { signal: 'health', equals: 'unhealthy' };

  for (const [name, container, expected] of [
    ['failed as often as the check asks', { health: health('unhealthy') }, 'Breached'],
    ['healthy', { health: health('healthy') }, 'Clear'],
    ['still starting', { health: health('starting') }, 'Unknown'],
    [
      'paused, which Docker calls unhealthy too',
      { state: 'paused', health: health('unhealthy') },
      'Unknown',
    ],
    [
      'exited, which Docker calls unhealthy too',
      { state: 'exited', health: health('unhealthy') },
      'Unknown',
    ],
    [
      'unhealthy with no failure counted',
      { health: health('unhealthy', { failingStreak: 0 }) },
      'Unknown',
    ],
    [
      'unhealthy from the run before',
      { startedAtMs: START_MS, health: health('unhealthy') },
      'Unknown',
    ],
    [
      'a probe that Docker could not run',
      { health: health('unhealthy', { exitCode: -1, output: 'cannot exec in a stopped state' }) },
      'Unknown',
    ],
    [
      'a probe that timed out',
      {
        health: health('unhealthy', { exitCode: -1, output: 'Health check exceeded timeout (1s)' }),
      },
      'Breached',
    ],
    ['no HEALTHCHECK', {}, 'Unsupported'],
  ] as const satisfies readonly (readonly [string, Partial<ObservedContainer>, string])[]) {
    it(`is ${expected} when it is ${name}`, () => {
      assert.equal(judged(unhealthy, { container }).verdict.kind, expected);
    });
  }
});

describe('`for`', () => {
  const threshold = { signal: 'memory.utilization', above: 0.9, for: '1m' };

  it('asks that the condition holds without a break', () => {
    const first = judged(threshold, { view: gauge(0.95) });
    const later = judged(threshold, {
      view: gauge(0.95),
      memory: first.memory,
      atMs: START_MS + 60_000,
    });

    assert.equal(first.verdict.kind, 'Pending');
    assert.equal(later.verdict.kind, 'Breached');
  });

  it('starts anew after a moment in which the condition did not hold', () => {
    const first = judged(threshold, { view: gauge(0.95) });
    const dip = judged(threshold, {
      view: gauge(0.5),
      memory: first.memory,
      atMs: START_MS + 30_000,
    });
    const later = judged(threshold, {
      view: gauge(0.95),
      memory: dip.memory,
      atMs: START_MS + 60_000,
    });

    assert.equal(later.verdict.kind, 'Pending');
  });

  it('says when to look again', () => {
    const { verdict } = judged(threshold, { view: gauge(0.95) });

    assert.equal('recheckAtMs' in verdict && verdict.recheckAtMs, START_MS + 60_000);
  });
});

describe('a gauge', () => {
  const threshold = { signal: 'memory.utilization', above: 0.9, clearBelow: 0.8 };
  const breached = { holdsSinceMs: START_MS - 1, breached: true };

  it('once breached stays so down to clearBelow', () => {
    const kinds = [0.9, 0.8, 0.79].map(
      (value) => judged(threshold, { view: gauge(value), memory: breached }).verdict.kind,
    );

    assert.deepEqual(kinds, ['Breached', 'Breached', 'Clear']);
  });

  it('is not breached at its limit, only above', () => {
    assert.equal(judged(threshold, { view: gauge(0.9) }).verdict.kind, 'Clear');
  });

  it('is ignored within startPeriod, and says until when', () => {
    const { verdict } = judged(threshold, {
      container: { startedAtMs: START_MS - 10_000 },
      view: gauge(1),
    });

    assert.deepEqual(verdict, {
      kind: 'Ignored',
      reason: 'StartPeriod',
      recheckAtMs: START_MS + 20_000,
    });
  });

  it('is unknown without a sample, never zero', () => {
    assert.equal(judged(threshold).verdict.kind, 'Unknown');
  });

  it('is unsupported where the container has no limit', () => {
    const view = {
      gauges: { 'memory.utilization': { kind: 'Unsupported', reason: 'NoLimit' } } as const,
    };

    assert.equal(judged(threshold, { view }).verdict.kind, 'Unsupported');
  });
});

describe('a kill for want of memory', () => {
  const kinds = (container: object) =>
    [14_999, 15_000].map((steadyMs) => {
      const history = { oom: { atMs: START_MS, startedSince: true as const, steadyMs } };
      return judged({ signal: 'oomKilled' }, { container, history }).verdict.kind;
    });

  it('that a run has outlived is over, also when the container ends or starts again', () => {
    assert.deepEqual(kinds({ state: 'exited', exitCode: 0 }), ['Breached', 'Clear']);
    assert.deepEqual(kinds({ startedAtMs: START_MS - 1_000 }), ['Breached', 'Clear']);
  });
});

describe('exit', () => {
  const threshold = { signal: 'exit', nonZero: true };
  const exited = { state: 'exited', exitCode: 1 } as const;

  it('of a run whose end no event has told yet is unknown, whatever ended the run before', () => {
    const { exit } = crashed(START_MS);
    const history = { exit: { ...exit, startedSince: true as const } };

    assert.equal(judged(threshold, { container: exited, history }).verdict.kind, 'Unknown');
  });

  it('is breached until the container has run for healthyFor again', () => {
    const at = (startedMs: number) =>
      judged(threshold, {
        container: { startedAtMs: startedMs },
        history: crashed(START_MS - 60_000),
      }).verdict.kind;

    assert.equal(
      judged(threshold, { container: exited, history: crashed(START_MS) }).verdict.kind,
      'Breached',
    );
    assert.equal(at(START_MS - 14_999), 'Breached');
    assert.equal(at(START_MS - 15_000), 'Clear');
  });

  it('is ignored also while the start by the engine is still to be told', () => {
    const { exit } = crashed(START_MS);
    const restarted = (name: 'no' | 'always') =>
      judged(threshold, {
        container: {
          startedAtMs: START_MS + 100,
          restartPolicy: { name, maximumRetryCount: 0 },
        },
        history: { exit: { ...exit, daemonMs: START_MS } },
        atMs: START_MS + 200,
      }).verdict.kind;

    assert.equal(restarted('always'), 'Ignored');
    assert.equal(restarted('no'), 'Breached');
  });

  it('is ignored in a loop of the engine also before the end of the last run was looked at', () => {
    const { exit } = crashed(START_MS);
    const starts = [{ atMs: START_MS - 1_000, cause: 'Engine' as const, afterCrash: true }];
    const history = { exit: { ...exit, daemonMs: START_MS }, starts };

    const { verdict } = judged(threshold, {
      container: { startedAtMs: START_MS - 1_000 },
      history,
    });

    assert.equal(verdict.kind, 'Ignored');
  });

  it('that was heard of late is over when the run after it is long enough', () => {
    const { exit } = crashed(START_MS);
    const history = { exit: { ...exit, startedSince: true as const } };

    const kind = (startedMs: number) =>
      judged(threshold, { container: { startedAtMs: startedMs }, history }).verdict.kind;

    assert.equal(kind(START_MS - 15_000), 'Clear');
    assert.equal(kind(START_MS - 14_999), 'Breached');
  });

  it('is over for as long as the start after it is on record, whatever the daemon’s clock says', () => {
    const { exit } = crashed(START_MS - 60_000);
    const starts = [{ atMs: START_MS - 15_000, cause: 'Human' as const, afterCrash: true }];
    const history = { exit: { ...exit, startedSince: true as const }, starts };

    const { verdict } = judged(threshold, { container: { startedAtMs: START_MS }, history });

    assert.equal(verdict.kind, 'Clear');
  });

  it('is ignored while the engine restarts the container', () => {
    const container = { state: 'restarting', exitCode: 1 } as const;

    assert.equal(
      judged(threshold, { container, history: crashed(START_MS) }).verdict.kind,
      'Ignored',
    );
  });

  it('does not count what a person or Sentinel caused', () => {
    for (const cause of ['Human', 'Sentinel'] as const) {
      const history = { exit: { ...crashed(START_MS).exit, cause } };

      assert.equal(judged(threshold, { container: exited, history }).verdict.kind, 'Clear');
    }
  });

  it('before the end of an action does not count after it', () => {
    const { verdict } = judged(threshold, {
      container: { startedAtMs: START_MS - 1_000 },
      history: crashed(START_MS - 5_000),
      cutMs: START_MS - 2_000,
    });

    assert.equal(verdict.kind, 'Clear');
  });
});

describe('restarts', () => {
  const threshold = { signal: 'restarts', above: 2, window: '10m' };
  const starts = (...agoMs: number[]) => ({
    starts: agoMs.map((ago) => ({
      atMs: START_MS - ago,
      cause: 'Engine' as const,
      afterCrash: true,
    })),
  });

  it('counts starts after crashes within the window', () => {
    assert.equal(
      judged(threshold, { history: starts(3_000, 2_000, 1_000) }).verdict.kind,
      'Breached',
    );
    assert.equal(
      judged(threshold, { history: starts(601_000, 2_000, 1_000) }).verdict.kind,
      'Clear',
    );
  });

  it('does not count starts after a stop by a person or by Sentinel', () => {
    const history = {
      starts: [1, 2, 3].map((ago) => ({
        atMs: START_MS - ago,
        cause: 'Human' as const,
        afterCrash: false,
      })),
    };

    assert.equal(judged(threshold, { history }).verdict.kind, 'Clear');
  });

  it('counts also while the engine is in the middle of one', () => {
    const container = { state: 'restarting' } as const;

    assert.equal(
      judged(threshold, { container, history: starts(3, 2, 1) }).verdict.kind,
      'Breached',
    );
  });
});

describe('when', () => {
  it('is breached when the expression is true', () => {
    const { verdict } = judged(
      { when: 'memory.utilization > 0.7 && restarts("24h") > 0' },
      {
        view: gauge(0.8),
        history: { starts: [{ atMs: START_MS - 1, cause: 'Engine', afterCrash: true }] },
      },
    );

    assert.equal(verdict.kind, 'Breached');
  });

  it('is unknown when a fact is absent, which neither opens nor clears', () => {
    const memory = { holdsSinceMs: START_MS, breached: true };

    const { verdict, memory: after } = judged({ when: 'memory.utilization > 0.7' }, { memory });

    assert.equal(verdict.kind, 'Unknown');
    assert.deepEqual(after, memory);
  });
});
