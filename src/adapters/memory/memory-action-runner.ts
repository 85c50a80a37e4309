import { builtinTool, splitToolName } from '#core/remediation/tools.ts';
import type {
  ActionCall,
  ActionResult,
  ActionRunner,
  ToolReadiness,
} from '#ports/action-runner.ts';
import type { BuiltinActions } from '#ports/builtin-actions.ts';
import type { Clock } from '#ports/clock.ts';

export interface MemoryActionRunnerOptions {
  readonly actions: BuiltinActions;
  readonly clock: Clock;
  /** `tools.enable`; every tool unless given. */
  readonly enabledTools?: readonly string[];
}

const RECOVER_TIMEOUT_MS = 600_000;

/**
 * The built-in tools without a protocol between: for tests and simulation, where time is virtual
 * and the waiting of a real MCP client would have no end.
 */
export function createMemoryActionRunner(options: MemoryActionRunnerOptions): ActionRunner {
  const { actions, clock, enabledTools } = options;

  function readiness(name: string): ToolReadiness {
    const tool = builtinTool(name);
    if (tool === undefined) {
      return { ready: false, reason: 'ToolUnknown', message: `there is no tool ${name}` };
    }
    if (tool.needsEnable && enabledTools?.includes(name) === false) {
      return { ready: false, reason: 'ToolNotEnabled', message: `${name} is not enabled` };
    }
    return { ready: true };
  }

  /** Gives up when the time is over: the work goes on, and what it comes to stays unknown. */
  async function within(
    timeoutMs: number,
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<ActionResult>,
  ): Promise<ActionResult> {
    const deadline = new AbortController();
    const { promise: late, resolve } = Promise.withResolvers<ActionResult>();
    const giveUp = (message: string) => {
      deadline.abort();
      resolve({ outcome: 'OutcomeUnknown', message });
    };
    const cancel = clock.after(timeoutMs, () => giveUp(`no answer within ${timeoutMs} ms`));
    const cancelled = () => giveUp('cancelled');
    signal.addEventListener('abort', cancelled);
    try {
      return await Promise.race([work(deadline.signal), late]);
    } finally {
      cancel();
      signal.removeEventListener('abort', cancelled);
    }
  }

  return {
    readiness,
    call(request: ActionCall, signal) {
      const ready = readiness(request.tool);
      if (!ready.ready) {
        const { reason, message } = ready;
        return Promise.resolve({ outcome: 'NotExecuted', reason, message });
      }
      const [, tool] = splitToolName(request.tool);
      const { arguments: args, intentId, expect, timeoutMs } = request;
      return within(timeoutMs, signal, (inner) =>
        actions.call(tool, args, { intentId, expect }, inner),
      );
    },
    recover: (intentId, signal) =>
      within(RECOVER_TIMEOUT_MS, signal, (inner) => actions.recover(intentId, inner)),
    settle: (intentId, signal) =>
      within(RECOVER_TIMEOUT_MS, signal, (inner) => actions.settle(intentId, inner)),
  };
}
