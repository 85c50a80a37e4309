import { z } from 'zod';
import type { ContainerOperations } from '#ports/container-operations.ts';
import { containerPath, readBody } from './answers.ts';
import type { DockerConnection } from './connection.ts';
import { createFrom, readBlueprint } from './create-from.ts';
import { runExec } from './exec.ts';
import { readImageHistory } from './image-history.ts';
import { attachNetworks, detachNetworks } from './networks.ts';
import { expectDone } from './operation-answers.ts';
import { CurrentCpu, toUpdateBody } from './update-resources.ts';

export interface DockerOperationsOptions {
  readonly connection: DockerConnection;
}

/** Docker's own patience before it kills, where a container names none. */
const STOP_TIMEOUT_SECONDS = 10;
/** A container may ask to be waited for without end; a call may not. */
const ENDLESS_SECONDS = 3_600;
/** What the engine may take beyond the stop timeout before the call counts as hung. */
const STOP_MARGIN_MS = 30_000;

const StopTimeout = z
  .object({ Config: z.object({ StopTimeout: z.number().nullish() }) })
  .transform((body) => body.Config.StopTimeout ?? STOP_TIMEOUT_SECONDS);

/** The writing side of one Docker (or Podman) engine. */
export function createDockerOperations({
  connection,
}: DockerOperationsOptions): ContainerOperations {
  /** One call about one container: POST, unless told otherwise. */
  async function act(
    id: string,
    verb: string,
    signal: AbortSignal,
    options: { query?: Record<string, string>; body?: object; timeoutMs?: number } = {},
  ): Promise<void> {
    const path = containerPath(id, `/${verb}`);
    const answer = await connection.request({ method: 'POST', path, ...options }, signal);
    expectDone(answer, `${verb} ${id}`, id);
  }

  async function inspect<Value>(id: string, parse: (body: unknown) => Value, signal: AbortSignal) {
    const path = containerPath(id, '/json');
    const answer = await connection.request({ method: 'GET', path }, signal);
    return readBody(expectDone(answer, `inspect ${id}`, id), connection, path, parse);
  }

  /** The engine answers when the container has stopped, so its own timeout bounds the call. */
  async function actThatStops(
    id: string,
    verb: 'stop' | 'restart',
    timeoutSeconds: number | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const parse = (body: unknown) => StopTimeout.parse(body);
    const seconds = timeoutSeconds ?? (await inspect(id, parse, signal));
    const waitMs = (seconds < 0 ? ENDLESS_SECONDS : seconds) * 1_000 + STOP_MARGIN_MS;
    await act(id, verb, signal, {
      timeoutMs: waitMs,
      ...(timeoutSeconds !== undefined && { query: { t: String(timeoutSeconds) } }),
    });
  }

  return {
    start: (id, signal) => act(id, 'start', signal),
    stop: (id, seconds, signal) => actThatStops(id, 'stop', seconds, signal),
    restart: (id, seconds, signal) => actThatStops(id, 'restart', seconds, signal),
    kill: (id, name, signal) => act(id, 'kill', signal, { query: { signal: name } }),
    pause: (id, signal) => act(id, 'pause', signal),
    unpause: (id, signal) => act(id, 'unpause', signal),
    async updateResources(id, limits, signal) {
      const current = await inspect(id, (body) => CurrentCpu.parse(body), signal);
      await act(id, 'update', signal, { body: toUpdateBody(limits, current) });
    },
    async updateRestartPolicy(id, { name, maximumRetryCount }, signal) {
      // Docker refuses a count beside any other policy.
      const count = name === 'on-failure' ? maximumRetryCount : 0;
      const body = { RestartPolicy: { Name: name, MaximumRetryCount: count } };
      await act(id, 'update', signal, { body });
    },
    exec: (id, command, options, signal) =>
      runExec(connection, id, command, { ...options, signal }),
    blueprint: (ref, signal) => readBlueprint(connection, ref, signal),
    createFrom: (blueprint, options, signal) => createFrom(connection, blueprint, options, signal),
    rename: (id, name, signal) => act(id, 'rename', signal, { query: { name } }),
    async remove(id, { force }, signal) {
      const query = { v: '0', force: force ? '1' : '0' };
      const path = containerPath(id, '');
      const answer = await connection.request(
        // Forcing kills first, and a large container takes its time to be deleted.
        { method: 'DELETE', path, query, timeoutMs: STOP_MARGIN_MS },
        signal,
      );
      expectDone(answer, `remove ${id}`, id);
    },
    disconnectNetworks: (id, signal) => detachNetworks(connection, id, signal),
    connectNetworks: (blueprint, id, signal) => attachNetworks(connection, blueprint, id, signal),
    imageHistory: (reference, signal) => readImageHistory(connection, reference, signal),
  };
}
