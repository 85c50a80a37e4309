import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { it } from 'node:test';
import { INTENT } from '../support/actions.ts';
import { callServed, openRunner } from '../support/mcp-client.ts';

const PROGRAM = new URL('../support/docker-mcp-stdio.ts', import.meta.url).pathname;

it('the built-in tools work from a program of their own', async () => {
  await using runner = await openRunner([
    { name: 'served', command: process.execPath, args: [PROGRAM] },
  ]);

  const seen = await callServed(runner, 'inspect_container', { target: 'web' });
  const { expect } = Object(seen.outcome === 'Succeeded' && seen.result['structured']).result;
  const args = { target: expect.id, intentId: INTENT, expect: [expect] };
  const done = await callServed(runner, 'restart_container', args);

  assert.equal(done.outcome, 'Succeeded', JSON.stringify(done));
});

it('the program ends when its client has gone', async () => {
  const child = spawn(process.execPath, [PROGRAM], { stdio: ['pipe', 'ignore', 'inherit'] });

  child.stdin.end();

  const [code] = (await once(child, 'exit')) as [number | null];
  assert.equal(code, 0);
});
