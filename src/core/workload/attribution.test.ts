import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Cause, WorkloadObserved } from '#core/journal/data.ts';
import { BUILTIN_TOOLS } from '#core/remediation/tools.ts';
import { HOST, Scenario } from '../../../test/support/scenario.ts';
import { attribute, type EventContext, missedStop } from './attribution.ts';
import type { EventAction, RuntimeEvent } from './event.ts';

type Seen = EventAction | readonly [EventAction, Partial<RuntimeEvent>];

/** Attributes events one after the other, each on the history that the ones before have made. */
function facts(
  events: readonly Seen[],
  more: Partial<EventContext> = {},
  gapMs = 100,
): WorkloadObserved[] {
  const scenario = new Scenario();
  const key = `${HOST}/web`;
  return events.flatMap((seen) => {
    const [action, rest] = typeof seen === 'string' ? [seen, {}] : seen;
    scenario.pass(gapMs);
    const fact = attribute(
      {
        action,
        containerId: 'c',
        name: 'web',
        labels: {},
        timeNano: `${scenario.wallMs}000000`,
        ...(action === 'kill' ? { signal: '15' } : {}),
        ...(action === 'die' ? { exitCode: 137 } : {}),
        ...rest,
      },
      {
        nowMs: scenario.nowMs,
        history: scenario.state.workloads[key],
        own: undefined,
        stopSignal: 'SIGTERM',
        stopTimeoutSeconds: undefined,
        restartPolicy: 'no',
        autoRemove: false,
        ...more,
      },
    );
    if (fact === undefined) return [];
    scenario.append({ type: 'workload.observed', workload: key, data: fact });
    return [fact];
  });
}

function causes(...args: Parameters<typeof facts>): Cause[] {
  return facts(...args).map(({ cause }) => cause);
}

const RESTART = {
  intent: 'i1',
  allowance: { kill: 2, die: 1, stop: 1, start: 1, restart: 1 },
  hasEnded: false,
};

const onNew = (action: EventAction): Seen => [action, { containerId: 'new' }];
const REPLACEMENT = {
  intent: 'i1',
  allowance: BUILTIN_TOOLS.recreate_container.events,
  hasEnded: false,
};

describe('who caused an event', () => {
  for (const [name, events, more, expected] of [
    ['a crash is a die alone, whatever its code', ['die'], {}, ['Crash']],
    ['docker stop', ['kill', 'die', 'stop'], {}, ['Human', 'Human', 'Human']],
    [
      'docker stop that needs SIGKILL',
      ['kill', ['kill', { signal: '9' }], 'die', 'stop'],
      {},
      ['Human', 'Human', 'Human', 'Human'],
    ],
    [
      'docker restart',
      ['kill', 'die', 'stop', 'start', 'restart'],
      {},
      ['Human', 'Human', 'Human', 'Human', 'Human'],
    ],
    [
      'our own restart',
      ['kill', 'die', 'stop', 'start', 'restart'],
      { own: RESTART },
      ['Sentinel', 'Sentinel', 'Sentinel', 'Sentinel', 'Sentinel'],
    ],
    [
      'a person’s stop amid our own restart',
      ['kill', 'die', 'stop', 'start', 'restart', 'kill', 'kill', 'die', 'stop'],
      { own: RESTART },
      [...Array<Cause>(5).fill('Sentinel'), ...Array<Cause>(4).fill('Human')],
    ],
    [
      'a crash amid our own restart, before the engine was told',
      ['die', 'kill', 'die'],
      { own: RESTART },
      ['Crash', 'Sentinel', 'Sentinel'],
    ],
    [
      'a crash right after our own restart of what was down',
      ['start', 'restart', 'die'],
      { own: RESTART },
      ['Sentinel', 'Sentinel', 'Crash'],
    ],
    [
      'a person’s stop right after our own restart of what was down',
      ['start', 'restart', 'kill', 'die', 'stop'],
      { own: RESTART },
      ['Sentinel', 'Sentinel', 'Human', 'Human', 'Human'],
    ],
    [
      'our own replacement, which goes back from the new container to the old one',
      [
        ...(['create'] as const).map(onNew),
        ...(['kill', 'die', 'stop', 'rename'] as const),
        ...(['rename', 'start', 'kill', 'die', 'stop', 'rename'] as const).map(onNew),
        ...(['rename', 'start'] as const),
        ...(['destroy'] as const).map(onNew),
      ],
      { own: REPLACEMENT },
      Array<Cause>(14).fill('Sentinel'),
    ],
    [
      'a crash right after our own start',
      ['start', 'die'],
      { own: { intent: 'i1', allowance: { start: 1 }, hasEnded: false } },
      ['Sentinel', 'Crash'],
    ],
    [
      'the engine restarts what crashed',
      ['die', 'start'],
      { restartPolicy: 'always' },
      ['Crash', 'Engine'],
    ],
    ['a person starts what crashed', ['die', 'start'], {}, ['Crash', 'Human']],
    [
      'a person starts the container that takes the place of what crashed',
      ['die', ...(['create', 'start'] as const).map(onNew)],
      { restartPolicy: 'always' },
      ['Crash', 'Human', 'Human'],
    ],
    [
      'a person starts what a person stopped, though a policy would restart it',
      ['kill', 'die', 'stop', 'start'],
      { restartPolicy: 'always' },
      ['Human', 'Human', 'Human', 'Human'],
    ],
    [
      'the engine starts what it has stopped with itself, as its restart policy says',
      ['kill', 'die', 'stop', 'start'],
      { restartPolicy: 'always', engineStarts: true },
      ['Human', 'Human', 'Human', 'Engine'],
    ],
    [
      'a person starts what no engine would, right after it has come up',
      ['kill', 'die', 'stop', 'start'],
      { engineStarts: true },
      ['Human', 'Human', 'Human', 'Human'],
    ],
    [
      'the engine removes what ran with --rm',
      ['die', 'destroy'],
      { autoRemove: true },
      ['Crash', 'Engine'],
    ],
    ['a reload by SIGHUP is no stop', [['kill', { signal: '1' }], 'die'], {}, ['Crash']],
    [
      'SIGHUP where it is the stop signal',
      [['kill', { signal: '1' }], 'die'],
      { stopSignal: 'SIGHUP' },
      ['Human', 'Human'],
    ],
    ['health and updates leave no fact', ['health_status', 'update'], {}, []],
  ] as const satisfies readonly (readonly [
    string,
    readonly Seen[],
    Partial<EventContext>,
    readonly Cause[],
  ])[]) {
    it(name, () => {
      assert.deepEqual(causes(events, more), expected);
    });
  }

  it('what a person does is counted against a call that is under way, and not against one that has ended', () => {
    const intents = [false, true].flatMap((hasEnded) => {
      const own = { intent: 'i1', allowance: { start: 1 }, hasEnded };
      return facts(['rename', 'kill', 'start'], { own }).map(({ intent }) => intent);
    });

    assert.deepEqual(intents, ['i1', 'i1', 'i1', undefined, undefined, 'i1']);
  });

  it('a die long after a signal that the process survived is a crash', () => {
    assert.deepEqual(causes(['kill', 'die'], {}, 21_000), ['Human', 'Crash']);
  });

  it('a die within a long stop timeout still belongs to the stop', () => {
    assert.deepEqual(causes(['kill', 'die'], { stopTimeoutSeconds: 60 }, 50_000), [
      'Human',
      'Human',
    ]);
  });
});

describe('a look back at an exit', () => {
  const CONTAINER = { id: 'c', stopSignal: 'SIGTERM', stopTimeoutSeconds: 10 };

  /** @param events action and second of each; a kill is by SIGTERM */
  function missed(events: readonly (readonly [EventAction, number])[]) {
    const past = events.map(([action, second]) => ({
      action,
      containerId: 'c',
      name: 'web',
      labels: {},
      timeNano: String(second * 1e9),
      ...(action === 'kill' ? { signal: '15' } : {}),
    }));
    return missedStop(past, CONTAINER)?.action;
  }

  for (const [what, expected, events] of [
    [
      'finds the signal before it',
      'kill',
      [
        ['start', 1],
        ['kill', 100],
        ['die', 110],
      ],
    ],
    [
      'finds a stop that is told after it',
      'stop',
      [
        ['start', 1],
        ['die', 110],
        ['stop', 110],
      ],
    ],
    [
      'takes no signal for its cause that the process has survived for long',
      undefined,
      [
        ['start', 1],
        ['kill', 100],
        ['die', 121],
      ],
    ],
    [
      'takes no signal to an earlier run for its cause',
      undefined,
      [
        ['kill', 100],
        ['die', 101],
        ['start', 102],
        ['die', 103],
      ],
    ],
  ] as const satisfies readonly (readonly [
    string,
    EventAction | undefined,
    readonly (readonly [EventAction, number])[],
  ])[]) {
    it(what, () => {
      assert.equal(missed(events), expected);
    });
  }
});

describe('a SIGKILL first of all, amid a restart of ours', () => {
  const killed: Seen = ['kill', { signal: '9' }];

  it('is somebody else’s: Docker begins with the stop signal', () => {
    assert.deepEqual(causes([killed, 'die'], { own: RESTART }), ['Human', 'Human']);
  });

  it('is ours behind the stop signal, and where it is the stop signal', () => {
    assert.deepEqual(causes(['kill', killed, 'die'], { own: RESTART }), [
      'Sentinel',
      'Sentinel',
      'Sentinel',
    ]);
    assert.deepEqual(causes([killed, 'die'], { own: RESTART, stopSignal: 'SIGKILL' }), [
      'Sentinel',
      'Sentinel',
    ]);
  });

  it('is ours amid a replacement, which may remove by force', () => {
    assert.deepEqual(causes([killed, 'die'], { own: REPLACEMENT }), ['Sentinel', 'Sentinel']);
  });
});
