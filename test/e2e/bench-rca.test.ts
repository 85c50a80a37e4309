import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { type StandIn, says, startStandIn } from '../support/openai-stand-in.ts';

const ANSWER = {
  explanation: 'c1 lacks the variable DEPLOY_ENV.',
  rootCause: 'missing variable',
  evidenceRefs: ['e1'],
  affectedComponents: ['c1'],
  choice: 'escalate',
  confidence: 0.9,
  prevention: 'Set it.',
};
const CASES = [
  { id: 'known', symptom: 'it is down', must_mention: ['DEPLOY_ENV'], evidence_file: 'a.txt' },
  { id: 'other', symptom: 'it is slow', must_mention: ['disk'], evidence_file: 'b.txt' },
];

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'sentinel rca-'));
  after(() => rm(path, { recursive: true, force: true }));
  await writeFile(join(path, 'cases.jsonl'), CASES.map((one) => JSON.stringify(one)).join('\n'));
  await writeFile(join(path, 'a.txt'), 'ready\nKeyError: DEPLOY_ENV\n');
  await writeFile(join(path, 'b.txt'), 'ready\ntoken=hunter2hunter2hunter2\n');
  return path;
}

/** The program itself, with an environment in which no provider has a key. */
async function bench(...args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, ['bench/rca.ts', ...args], {
    env: { PATH: process.env['PATH'] ?? '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
    });
  }
  const code = await new Promise((done) => child.on('close', done));
  assert.equal(code, 0, output);
  return output;
}

/** What does not depend on how fast this machine was. */
function score(output: string): string[] {
  return output.split('\n').filter((line) => /^ .*(?:model: |model's|not mentioned)/.test(line));
}

describe('the measurement of causes', () => {
  it('scores what a model says, records it without secrets, and repeats it offline', async () => {
    const path = await folder();
    const file = join(path, 'said.jsonl');
    let output: string;
    {
      await using model: StandIn = await startStandIn();
      model.say(says(ANSWER), says({ ...ANSWER, explanation: 'c1 waits for nothing.' }));
      const asked = ['--model', 'local/any', '--base-url', model.url, '--record', file];
      output = await bench(path, ...asked);
      assert.equal(model.received.length, 2);
    }

    const again = await bench(
      path,
      '--model',
      'local/any',
      '--base-url',
      'http://127.0.0.1:9/v1',
      '--replay',
      file,
    );

    assert.match(
      output,
      /^ {2}yes {2}model: missing variable: workload lacks the variable DEPLOY_ENV\.$/m,
    );
    assert.match(output, /^ {2}no {3}model: missing variable: workload waits for nothing\.$/m);
    assert.match(output, /in a language model's cause {12}1 of 2/);
    assert.match(output, /^model: 2 questions, \d{3,} tokens in, \d+ out; /m);
    assert.match(output, /^cost: \$0\.000000, of 2 answers$/m);
    assert.deepEqual(score(again), score(output));
    assert.equal(score(again).length, 6);
    assert.doesNotMatch(await readFile(file, 'utf8'), /hunter2/);
  });

  it('says that no model is at hand, and still how large and how dear a question is', async () => {
    const output = await bench(await folder());

    assert.match(output, /no language model is asked: .*OPENROUTER_API_KEY is not set/);
    assert.match(output, /in a language model's cause {12}not measured/);
    assert.match(output, /prompt: \d{4} characters, \d{3} tokens or so/);
    assert.match(output, /cerebras\/deep \(gpt-oss-120b, .*\): \$0\.00\d+ /);
  });
});
