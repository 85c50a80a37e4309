import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { it } from 'node:test';
import { createMcpActionRunner } from '#adapters/mcp/mcp-action-runner.ts';
import { EMPTY_LOCK } from '#adapters/mcp/tools-lock.ts';
import { createSystemClock } from '#adapters/system/system-clock.ts';
import type { JsonObject } from '#ports/action-runner.ts';
import { INTENT, NEVER } from '../support/actions.ts';

const PROGRAM = new URL('../support/docker-mcp-stdio.ts', import.meta.url).pathname;

it('the built-in tools work from a program of their own', async () => {
  await using runner = createMcpActionRunner({
    clock: createSystemClock(),
    version: '1',
    docker: { command: process.execPath, args: [PROGRAM] },
    servers: [],
    enabledTools: [],
    lock: EMPTY_LOCK,
  });
  await runner.connected();
  const call = (tool: string, id: string, more: JsonObject = {}) => {
    const expect = [{ id, state: 'running' as const, ...more }] as const;
    const request = { tool, arguments: {}, intentId: INTENT, expect, timeoutMs: 10_000 };
    return runner.call(request, NEVER);
  };

  const seen = await call('docker/inspect_container', 'web');
  const expected = seen.outcome === 'Succeeded' ? (seen.result['expect'] as JsonObject) : {};
  const { id, startedAtMs } = expected;
  const done = await call('docker/restart_container', id as string, {
    startedAtMs: startedAtMs as number,
  });

  assert.equal(done.outcome, 'Succeeded', JSON.stringify(done));
});

it('the program ends when its client has gone', async () => {
  const child = spawn(process.execPath, [PROGRAM], { stdio: ['pipe', 'ignore', 'inherit'] });

  child.stdin.end();

  const [code] = (await once(child, 'exit')) as [number | null];
  assert.equal(code, 0);
});
