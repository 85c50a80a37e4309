import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { RuntimeUnavailableError } from '#core/errors.ts';
import type { ExecResult } from '#ports/container-operations.ts';
import { containerPath, readBody } from './answers.ts';
import type { DockerConnection } from './connection.ts';
import { startDeadline } from './deadline.ts';
import { createFrameParser } from './frames.ts';
import { expectDone } from './operation-answers.ts';

const CreatedExec = z.object({ Id: z.string().min(1) });
const ExecState = z.object({ Running: z.boolean(), ExitCode: z.number().nullish() });

const FRAME_BYTES_MAX = 64 * 2 ** 10;
/** The exit code is written a moment after the stream has ended. */
const EXIT_POLL_MS = 20;

/**
 * Runs an argv in a container and waits for its end.
 *
 * The API has no call to end a process that was started so: when the time is up it runs on, and
 * its outcome is not known.
 *
 * @throws {RuntimeUnavailableError} it did not end in time, or the stream broke
 */
export async function runExec(
  connection: DockerConnection,
  id: string,
  command: readonly string[],
  options: { readonly timeoutMs: number; readonly outputBytesMax: number; signal: AbortSignal },
): Promise<ExecResult> {
  using deadline = startDeadline(options.signal, options.timeoutMs);
  const { signal } = deadline;
  const path = containerPath(id, '/exec');
  const created = await connection.request(
    {
      method: 'POST',
      path,
      body: { Cmd: command, AttachStdout: true, AttachStderr: true, Tty: false },
    },
    signal,
  );
  expectDone(created, `exec in ${id}`, id);
  const execId = readBody(created, connection, path, (body) => CreatedExec.parse(body).Id);

  const output = await collectOutput(connection, { id, execId, ...options, signal });
  // An aborted stream ends quietly: only an exit code proves that the command has ended.
  const exitCode = await waitForExit(connection, execId, signal);
  if (exitCode === undefined) {
    const why = deadline.expired() ? `did not end within ${options.timeoutMs} ms` : 'was given up';
    throw new RuntimeUnavailableError(`exec in ${id} ${why}; it may still run`);
  }
  return { exitCode, ...output };
}

async function collectOutput(
  connection: DockerConnection,
  exec: {
    readonly id: string;
    readonly execId: string;
    readonly timeoutMs: number;
    readonly outputBytesMax: number;
    readonly signal: AbortSignal;
  },
): Promise<{ output: string; truncated: boolean }> {
  const opened = await connection.open(
    {
      method: 'POST',
      path: `/exec/${encodeURIComponent(exec.execId)}/start`,
      body: { Detach: false, Tty: false },
      timeoutMs: exec.timeoutMs,
    },
    exec.signal,
  );
  if (!('chunks' in opened)) {
    expectDone(opened, `exec in ${exec.id}`, exec.id);
    return { output: '', truncated: false };
  }

  const parser = createFrameParser(FRAME_BYTES_MAX);
  const pieces: Buffer[] = [];
  let room = exec.outputBytesMax;
  let truncated = false;
  for await (const chunk of opened.chunks) {
    // Beyond the cap it is read and dropped: a full pipe would hold the command up.
    for (const { payload, cut } of parser.push(chunk)) {
      truncated ||= cut || payload.length > room;
      if (room > 0) pieces.push(payload.subarray(0, room));
      room = Math.max(0, room - payload.length);
    }
  }
  return { output: Buffer.concat(pieces).toString(), truncated };
}

async function waitForExit(
  connection: DockerConnection,
  execId: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  const path = `/exec/${encodeURIComponent(execId)}/json`;
  while (!signal.aborted) {
    const answer = await connection.request({ method: 'GET', path }, signal);
    const state = readBody(answer, connection, path, (body) => ExecState.parse(body));
    if (!state.Running && typeof state.ExitCode === 'number') return state.ExitCode;
    await sleep(EXIT_POLL_MS);
  }
  return undefined;
}
