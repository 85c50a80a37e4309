import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { createBuiltinActions } from '#actions/builtin-actions.ts';
import { createDockerConnection } from '#adapters/docker/connection.ts';
import { createDockerOperations } from '#adapters/docker/docker-operations.ts';
import { createDockerRuntime } from '#adapters/docker/docker-runtime.ts';
import { MemoryEngine } from '#adapters/memory/memory-engine.ts';
import { VirtualClock } from '#adapters/memory/virtual-clock.ts';
import { createSystemClock } from '#adapters/system/system-clock.ts';
import {
  BUILTIN_TOOLS,
  type BuiltinToolName,
  type EventAllowance,
} from '#core/remediation/tools.ts';
import type { RuntimeEvent } from '#core/workload/event.ts';
import type { JsonObject } from '#ports/action-runner.ts';
import type { BuiltinActions } from '#ports/builtin-actions.ts';
import type { ContainerRuntime } from '#ports/container-runtime.ts';
import { expectationOf, INTENT, NEVER } from '../support/actions.ts';
import { eventually, TestStack } from '../support/engine.ts';

/** One engine with the means to put containers on it: the same scenarios run on each. */
interface Bench extends AsyncDisposable {
  readonly runtime: ContainerRuntime;
  readonly actions: BuiltinActions;
  /** A container that runs for ever; `MODE=new` makes it end at once with 7. */
  add(name: string, options?: { ignoresTerm?: boolean; owner?: string }): Promise<string>;
  /** Waits for work that may need time to pass. */
  run<Value>(work: Promise<Value>): Promise<Value>;
}

const connection = createDockerConnection({ DOCKER_HOST: process.env['DOCKER_HOST'] });
after(() => connection[Symbol.dispose]());

async function dockerBench(): Promise<Bench> {
  const stack = await TestStack.open();
  const clock = createSystemClock();
  const runtime = createDockerRuntime({ connection, clock });
  const operations = createDockerOperations({ connection });
  return {
    runtime,
    actions: createBuiltinActions({ runtime, operations, clock }),
    run: (work) => work,
    async add(name, { ignoresTerm = false, owner } = {}) {
      const trap = ignoresTerm ? 'trap "" TERM' : 'trap "exit 0" TERM';
      const { id } = await stack.container(name, {
        script: `test "$MODE" = new && exit 7; ${trap}; while :; do sleep 0.1; done`,
        StopTimeout: 1,
        HostConfig: owner === undefined ? {} : { NetworkMode: `container:${owner}` },
      });
      return id;
    },
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  };
}

async function memoryBench(): Promise<Bench> {
  const clock = new VirtualClock();
  const engine = new MemoryEngine(clock);
  return {
    runtime: engine,
    actions: createBuiltinActions({ runtime: engine, operations: engine, clock }),
    run: (work) => clock.run(work),
    add: (name, { ignoresTerm = false, owner } = {}) =>
      engine.add({
        name,
        stopTimeoutSeconds: 1,
        plan: ({ env }) =>
          env['MODE'] === 'new' ? { exit: { afterMs: 10, code: 7 } } : { ignoresTerm },
        ...(owner === undefined ? {} : { shares: [{ kind: 'network', owner }] }),
      }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

interface Scenario {
  readonly tool: BuiltinToolName;
  readonly args?: JsonObject;
  readonly ignoresTerm?: boolean;
  readonly withSharer?: boolean;
  /** Called before, so that the tool finds what it needs. */
  readonly first?: BuiltinToolName;
  readonly next?: 'settle' | 'recover';
}

const SCENARIOS: readonly Scenario[] = [
  { tool: 'restart_container' },
  { tool: 'restart_container', ignoresTerm: true, withSharer: true },
  { tool: 'stop_container' },
  { tool: 'stop_container', ignoresTerm: true },
  { tool: 'start_container', first: 'stop_container' },
  { tool: 'pause_container' },
  { tool: 'unpause_container', first: 'pause_container' },
  { tool: 'kill_container' },
  { tool: 'kill_container', args: { signal: 'SIGTERM' }, ignoresTerm: true },
  { tool: 'update_resources', args: { memory: '64m' } },
  { tool: 'exec_command', args: { command: ['true'] } },
  { tool: 'recreate_container', withSharer: true, next: 'settle' },
  { tool: 'recreate_container', ignoresTerm: true, next: 'recover' },
  { tool: 'update_env_vars', args: { set: { MODE: 'new' } }, withSharer: true },
];

/** What a scenario did to each container, by the part that it played. */
interface Seen {
  readonly outcomes: readonly string[];
  readonly target: readonly string[];
  readonly sharer: readonly string[];
  readonly made: readonly string[];
}

async function play(bench: Bench, scenario: Scenario): Promise<Seen> {
  const { tool, args = {}, ignoresTerm = false, withSharer = false } = scenario;
  const target = await bench.add('web', { ignoresTerm });
  const sharer = withSharer ? await bench.add('app', { owner: target }) : undefined;
  const ids = sharer === undefined ? [target] : [target, sharer];
  const call = async (name: BuiltinToolName, given: JsonObject) => {
    const expect = [];
    for (const id of ids) {
      const seen = (await bench.runtime.inspect(id, NEVER)) ?? assert.fail(`no ${id}`);
      expect.push(expectationOf(seen));
    }
    return bench.run(bench.actions.call(name, given, { intentId: INTENT, expect }, NEVER));
  };
  if (scenario.first !== undefined) await call(scenario.first, {});

  const events = await record(bench);
  const outcomes = [(await call(tool, args)).outcome];
  if (scenario.next !== undefined) {
    outcomes.push((await bench.run(bench.actions[scenario.next](INTENT, NEVER))).outcome);
  }
  const all = await events.stop();

  const of = (wanted: (event: RuntimeEvent) => boolean) =>
    all.filter(wanted).map(({ action }) => action);
  return {
    outcomes,
    target: of(({ containerId }) => containerId === target),
    sharer: of(({ containerId }) => containerId === sharer),
    made: of(
      ({ containerId, labels }) =>
        !ids.includes(containerId) && labels['sre-sentinel.replaces'] === target,
    ),
  };
}

/** Markers of our own tell that everything before them has arrived. */
async function record(bench: Bench) {
  const all: RuntimeEvent[] = [];
  const abort = new AbortController();
  const opened = Promise.withResolvers<void>();
  const reading = (async () => {
    for await (const event of bench.runtime.events({ onOpen: opened.resolve }, abort.signal)) {
      all.push(event);
    }
  })();
  await opened.promise;
  const mark = async (name: string) => {
    const marker = await bench.add(name);
    await eventually(() => all.some(({ containerId }) => containerId === marker), { what: name });
  };
  await mark('begin');
  all.length = 0;
  return {
    async stop(): Promise<readonly RuntimeEvent[]> {
      await mark('end');
      abort.abort();
      await reading;
      return all;
    },
  };
}

describe('each built-in tool causes the events that are allowed to it, and no more', () => {
  for (const scenario of SCENARIOS) {
    const { tool, next = 'nothing', ...more } = scenario;
    it(`${tool} ${JSON.stringify(more)}, then ${next}: the same on both engines`, async () => {
      await using real = await dockerBench();
      await using memory = await memoryBench();
      const { events, sharerEvents } = BUILTIN_TOOLS[tool];

      const onDocker = await play(real, scenario);
      const inMemory = await play(memory, scenario);

      assert.deepEqual(inMemory, onDocker);
      assertAllowed(onDocker.target, events);
      assertAllowed(onDocker.made, events);
      assertAllowed(onDocker.sharer, sharerEvents);
    });
  }
});

function assertAllowed(actions: readonly string[], allowance: EventAllowance): void {
  const counts = Object.groupBy(actions, (action) => action);
  for (const [action, { length } = []] of Object.entries(counts)) {
    const allowed: Readonly<Record<string, number>> = allowance;
    assert.ok((length ?? 0) <= (allowed[action] ?? 0), `${action} came ${length} times`);
  }
}
