import { startingDeadlineMs } from '#core/remediation/deadlines.ts';
import type { ObservedContainer } from '#core/workload/container.ts';
import type { JsonObject, JsonValue } from '#ports/action-runner.ts';
import type { BuiltinResult } from '#ports/builtin-actions.ts';
import type { LogLine } from '#ports/container-runtime.ts';
import type { ActionContext } from './context.ts';
import { failed, messageOf, notExecuted, notReached, succeeded } from './outcome.ts';

const LOG_BYTES_MAX = 256 * 1024;
const CONTAINERS_MAX = 1_000;

/** One call of a tool that reads. */
export interface ReadCall<Args> {
  readonly args: Args;
  /** Id or name. */
  readonly target: string;
  readonly signal: AbortSignal;
}

export async function listContainers(
  { runtime }: ActionContext,
  { signal }: ReadCall<unknown>,
): Promise<BuiltinResult> {
  try {
    const all = await runtime.list(signal);
    const containers = all.slice(0, CONTAINERS_MAX).map(({ id, name, state, healthInStatus }) => ({
      id,
      name,
      state,
      health: healthInStatus ?? null,
    }));
    return succeeded({ containers, truncated: all.length > CONTAINERS_MAX });
  } catch (error) {
    return notReached(error);
  }
}

export function inspectContainer(
  context: ActionContext,
  call: ReadCall<unknown>,
): Promise<BuiltinResult> {
  return onContainer(context, call, async (it) => ({ ...facts(it), health: health(it) }));
}

export function healthCheck(
  context: ActionContext,
  call: ReadCall<unknown>,
): Promise<BuiltinResult> {
  return onContainer(context, call, async (it) => ({
    id: it.id,
    name: it.name,
    state: it.state,
    exitCode: it.exitCode,
    oomKilled: it.oomKilled,
    error: it.error,
    health: health(it),
  }));
}

export function getStats(context: ActionContext, call: ReadCall<unknown>): Promise<BuiltinResult> {
  return onContainer(context, call, async (it) => {
    const sample = await context.runtime.sample(it, call.signal);
    // A stopped container has no sample; it is not one of zeroes.
    return { id: it.id, name: it.name, sample: plain(sample), limits: plain(it.limits) };
  });
}

/** The newest lines, oldest first, capped in bytes. Raw text of the container: hostile. */
export function getLogs(
  context: ActionContext,
  call: ReadCall<{ readonly tail: number }>,
): Promise<BuiltinResult> {
  return onContainer(context, call, async (it) => {
    const lines: LogLine[] = [];
    let bytes = 0;
    const query = { tty: it.tty, tail: call.args.tail, follow: false };
    for await (const line of context.runtime.logs(it.id, query, call.signal)) {
      bytes += Buffer.byteLength(line.text);
      lines.push(line);
    }
    let cut = 0;
    for (; bytes > LOG_BYTES_MAX && cut < lines.length; cut += 1) {
      bytes -= Buffer.byteLength(lines[cut]?.text ?? '');
    }
    return {
      id: it.id,
      name: it.name,
      lines: lines.slice(cut).map((line) => ({ ...line })),
      truncated: cut > 0,
    };
  });
}

async function onContainer(
  { runtime }: ActionContext,
  { target, signal }: ReadCall<unknown>,
  read: (container: ObservedContainer) => Promise<JsonObject>,
): Promise<BuiltinResult> {
  let container: ObservedContainer | undefined;
  try {
    container = await runtime.inspect(target, signal);
  } catch (error) {
    return notReached(error);
  }
  if (container === undefined) return notExecuted('TargetGone', `no such container: ${target}`);
  try {
    return succeeded(await read(container));
  } catch (error) {
    const isForbidden = notReached(error);
    return 'forbidden' in isForbidden ? isForbidden : failed(messageOf(error));
  }
}

/** What anyone may know: no values of variables, no labels (people put secrets there too). */
function facts(it: ObservedContainer): JsonObject {
  return {
    // What an acting tool wants to be told as `expect`.
    expect: {
      id: it.id,
      state: it.state,
      ...(it.startedAtMs === undefined ? {} : { startedAtMs: it.startedAtMs }),
    },
    id: it.id,
    name: it.name,
    image: it.image,
    imageId: it.imageId,
    createdAtMs: it.createdAtMs,
    state: it.state,
    exitCode: it.exitCode,
    oomKilled: it.oomKilled,
    error: it.error,
    startedAtMs: it.startedAtMs ?? null,
    finishedAtMs: it.finishedAtMs ?? null,
    restartPolicy: { ...it.restartPolicy },
    engineRestartCount: it.engineRestartCount,
    autoRemove: it.autoRemove,
    logDriver: it.logDriver,
    limits: plain(it.limits),
    shares: it.shares.map((share) => ({ ...share })),
    networks: Object.keys(it.networks),
    envNames: it.envNames,
    stopSignal: it.stopSignal,
    readOnlyRootFilesystem: it.readOnlyRootFilesystem,
  };
}

function health({ health: it }: ObservedContainer): JsonValue {
  if (it === undefined) return null;
  return {
    status: it.status,
    failingStreak: it.failingStreak,
    startingDeadlineMs: startingDeadlineMs(it),
    lastRun: plain(it.lastRun),
  };
}

/** A plain record of numbers, strings and such records, as JSON has it. */
function plain(value: object | undefined): JsonValue {
  return value === undefined ? null : (JSON.parse(JSON.stringify(value)) as JsonValue);
}
