import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aContainer } from '../../../test/support/scenario.ts';
import { inspectText, logText, probeText, type RawLogLine } from './evidence-text.ts';

function aLine(text: string, more: Partial<RawLogLine> = {}): RawLogLine {
  return { timestamp: 'T', stream: 'stdout', text, truncated: false, ...more };
}

const KEY = [
  '-----BEGIN RSA PRIVATE KEY-----',
  'MIIEowIBAAKCAQEAnotreallyakey',
  '-----END RSA PRIVATE KEY-----',
];

describe('the text of a log', () => {
  it('is one line each, with time and stream, oldest first', () => {
    const lines = [aLine('one'), aLine('two', { stream: 'stderr', timestamp: 'U' })];

    assert.equal(logText(lines), 'T stdout one\nU stderr two\n');
  });

  it('finds a secret whose key is coloured', () => {
    const coloured = aLine('\u001b[36mpassword\u001b[0m=hunter2 ok');

    assert.equal(logText([coloured]), 'T stdout password=[redacted:password#1] ok\n');
  });

  it('holds no character that moves a cursor or hides what is written', () => {
    const hostile = aLine('a\u0007b\u202ec\u001b]0;title\u0007d\re\nT stdout forged');

    assert.equal(logText([hostile]), 'T stdout a\ufffdb\ufffdcd\ufffde T stdout forged\n');
  });

  it('takes a private key out that spans lines, with the other stream in between', () => {
    const lines = KEY.flatMap((text) => [aLine(text), aLine('well', { stream: 'stderr' })]);

    const text = logText([...lines, aLine('after')]);

    assert.doesNotMatch(text, /notreallyakey/);
    assert.equal(text.match(/stderr well/g)?.length, 3);
    assert.match(text, /stdout after\n$/);
  });

  it('takes the rest of a private key out when the excerpt begins in the middle of it', () => {
    const text = logText([...KEY.slice(1), 'after'].map((line) => aLine(line)));

    assert.equal(text, 'T stdout after\n');
  });

  it('is bounded: the newest lines stay, and a long line is cut after redaction', () => {
    const long = 'x'.repeat(16_000);
    const secret = aLine(`${'x'.repeat(1_990)} token=${'Zk3Qp9'.repeat(9)}`);

    const text = logText([...Array.from({ length: 50 }, () => aLine(long)), secret]);

    assert.ok(text.length < 50_000);
    assert.match(text, /…\n/);
    assert.doesNotMatch(text, /token=Zk/);
  });

  it('marks what the engine has cut already', () => {
    assert.equal(logText([aLine('half', { truncated: true })]), 'T stdout half…\n');
  });
});

describe('the text of a probe', () => {
  it('keeps its lines, redacted and bounded', () => {
    const run = { exitCode: 1, startedAtMs: 0, endedAtMs: 1 };

    const text = probeText({
      ...run,
      output: `refused\napi_key=Zk3Qp9Zk3Q\n${'x'.repeat(20_000)}`,
    });

    assert.match(text, /^refused\napi_key=\[redacted:key#1\]\n/);
    assert.ok(text.length < 17_000);
  });
});

describe('the text of an inspect', () => {
  it('leaves out what people put secrets into, and redacts what Docker says', () => {
    const container = aContainer('web', {
      labels: { note: 'in-a-label' },
      command: ['serve', 'in-a-command'],
      error: 'cannot start: --password hunter2',
    });

    const text = inspectText(container);

    assert.doesNotMatch(text, /in-a-label|in-a-command|hunter2/);
    assert.equal((JSON.parse(text) as { state: string }).state, 'running');
  });
});
