import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { rootCauseQuestion } from '#core/advice/root-cause.ts';
import { lastError, missing } from './cases.ts';
import { matterOf } from './matter.ts';

const INSPECT = JSON.stringify([
  {
    Id: 'f'.repeat(64),
    Name: '/shop-web-1',
    Created: '2026-11-24T10:00:00Z',
    Image: 'sha256:1',
    State: { Status: 'exited', ExitCode: 1, OOMKilled: false, Error: '', Pid: 0 },
    HostConfig: { RestartPolicy: { Name: 'no', MaximumRetryCount: 0 } },
    Config: { Image: 'shop/web:1', Labels: {} },
  },
]);
const CASE = {
  symptom: 'shop-web-1 exited',
  evidence: {
    'inspect.json': INSPECT,
    'web_logs.txt': 'starting\nError: connect ECONNREFUSED db:5432\n',
  },
};

describe('a recorded incident', () => {
  it('is asked about like any other: evidence, rules, candidates, the container and its log', () => {
    const { user, schema } = rootCauseQuestion(matterOf(CASE, 100));

    assert.match(user, /^c1: ended \(critical\)/m);
    assert.match(user, /^e1: exit = 1$/m);
    assert.match(user, /^ConnectionRefused \(/m);
    assert.match(user, /^image shop\/web:1$/m);
    assert.match(user, /^Error: connect ECONNREFUSED db:5432$/m);
    assert.match(JSON.stringify(schema), /"enum":\["restart-[0-9a-f]{12}","start-/);
  });

  it('is one with what people said of it where nothing is to be seen', () => {
    const said = { symptom: 'why is it slow?', evidence: { 'web_logs.txt': 'ready\n' } };

    const { user } = rootCauseQuestion(matterOf(said, 100));

    assert.match(user, /^e1: reported = why is it slow\?$/m);
    assert.match(user, /^nothing: the policy permits no action$/m);
  });

  it('has no more of its log than is at hand', () => {
    const log = Array.from({ length: 10 }, (_, index) => `line ${index}`);

    const matter = matterOf(CASE, 3, log);

    assert.deepEqual(
      matter.log.map(({ text }) => text),
      ['line 7', 'line 8', 'line 9'],
    );
  });

  it('gives the same question each time, so that an answer can be replayed', () => {
    const [one, other] = [matterOf(CASE, 100), matterOf(CASE, 100)].map(rootCauseQuestion);

    assert.deepEqual(one, other);
  });
});

describe('the score', () => {
  it('asks for each entry, in one of its wordings, whatever the case and the quotes', () => {
    const wanted = { must_mention: ['OOM|out of memory', "unexpected 'fi'"] };

    assert.deepEqual(missing(wanted, 'Out of Memory; unexpected "fi"'), []);
    assert.deepEqual(missing(wanted, 'oom'), ["unexpected 'fi'"]);
  });

  it('has the newest line that looks like an error as its naive peer', () => {
    assert.equal(lastError({ 'a_logs.txt': 'failed\nok\n' }), 'failed');
    assert.equal(lastError({ 'a_logs.txt': 'one\ntwo\n' }), 'two');
  });
});
