import { createBuiltinActions } from '#actions/builtin-actions.ts';
import { MemoryEngine } from '#adapters/memory/memory-engine.ts';
import { VirtualClock } from '#adapters/memory/virtual-clock.ts';
import type { ObservedContainer } from '#core/workload/container.ts';
import type { Expectation, JsonObject } from '#ports/action-runner.ts';
import type { BuiltinActions, BuiltinResult } from '#ports/builtin-actions.ts';

export const INTENT = 'k3v9q0m2xa';
export const NEVER = new AbortController().signal;

/** The built-in tools over an engine in memory, on a clock that the test moves. */
export interface ActionBench {
  readonly clock: VirtualClock;
  readonly engine: MemoryEngine;
  readonly actions: BuiltinActions;
  readonly inspect: (ref: string) => Promise<ObservedContainer>;
  /** Calls a tool on containers as they are now, and lets the time pass that it needs. */
  readonly call: (
    tool: string,
    args: JsonObject,
    refs: readonly string[],
  ) => Promise<BuiltinResult>;
  /** Actions of the events from now on, until `stop`; `name:action`. */
  readonly record: () => { readonly seen: string[]; readonly stop: () => void };
}

export function actionBench(): ActionBench {
  const clock = new VirtualClock();
  const engine = new MemoryEngine(clock);
  const actions = createBuiltinActions({ runtime: engine, operations: engine, clock });
  const inspect = async (ref: string) => {
    const seen = await engine.inspect(ref, NEVER);
    if (seen === undefined) throw new Error(`no container ${ref}`);
    return seen;
  };
  return {
    clock,
    engine,
    actions,
    inspect,
    async call(tool, args, refs) {
      const expect: Expectation[] = [];
      for (const ref of refs) expect.push(expectationOf(await inspect(ref)));
      return clock.run(actions.call(tool, args, { intentId: INTENT, expect }, NEVER));
    },
    record() {
      const stop = new AbortController();
      const seen: string[] = [];
      void (async () => {
        for await (const event of engine.events({ onOpen: () => undefined }, stop.signal)) {
          seen.push(`${event.name}:${event.action}`);
        }
      })();
      return { seen, stop: () => stop.abort() };
    },
  };
}

export function expectationOf({ id, state, startedAtMs }: ObservedContainer): Expectation {
  return { id, state, ...(startedAtMs === undefined ? {} : { startedAtMs }) };
}
