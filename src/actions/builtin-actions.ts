import {
  type BuiltinToolName,
  isBuiltinToolName,
  parseToolInput,
  type ToolInput,
} from '#core/remediation/tool-arguments.ts';
import type { ToolTarget } from '#core/remediation/tools.ts';
import { BUILTIN_TOOLS } from '#core/remediation/tools.ts';
import { withDeadline } from '#lib/deadline.ts';
import type { JsonObject } from '#ports/action-runner.ts';
import type { BoundCall, BuiltinActions, BuiltinResult } from '#ports/builtin-actions.ts';
import { type ActionContext, look, type ToolCall } from './context.ts';
import { execCommand } from './exec.ts';
import {
  killContainer,
  pauseContainer,
  restartContainer,
  startContainer,
  stopContainer,
  unpauseContainer,
} from './lifecycle.ts';
import { messageOf, notExecuted, outcomeUnknown } from './outcome.ts';
import {
  getLogs,
  getStats,
  healthCheck,
  inspectContainer,
  listContainers,
  type ReadCall,
} from './read.ts';
import { recoverIntent, settleIntent } from './recover.ts';
import { recreateContainer, rollbackImage, updateEnvVars } from './replace.ts';
import { updateResources } from './resources.ts';

/** A tool that reads a container, or acts on one. */
type Tool =
  | {
      readonly reads: true;
      readonly run: (context: ActionContext, call: ReadCall<never>) => Promise<BuiltinResult>;
    }
  | {
      readonly reads: false;
      readonly run: (context: ActionContext, call: ToolCall<never>) => Promise<BuiltinResult>;
    };

function reads<Name extends BuiltinToolName>(
  _name: Name,
  run: (context: ActionContext, call: ReadCall<ToolInput<Name>>) => Promise<BuiltinResult>,
): Tool {
  return { reads: true, run };
}

function acts<Name extends BuiltinToolName>(
  _name: Name,
  run: (context: ActionContext, call: ToolCall<ToolInput<Name>>) => Promise<BuiltinResult>,
): Tool {
  return { reads: false, run };
}

const TOOLS: Readonly<Record<BuiltinToolName, Tool>> = {
  list_containers: reads('list_containers', listContainers),
  health_check: reads('health_check', healthCheck),
  get_logs: reads('get_logs', getLogs),
  get_stats: reads('get_stats', getStats),
  inspect_container: reads('inspect_container', inspectContainer),
  restart_container: acts('restart_container', restartContainer),
  start_container: acts('start_container', startContainer),
  stop_container: acts('stop_container', stopContainer),
  pause_container: acts('pause_container', pauseContainer),
  unpause_container: acts('unpause_container', unpauseContainer),
  kill_container: acts('kill_container', killContainer),
  update_resources: acts('update_resources', updateResources),
  exec_command: acts('exec_command', execCommand),
  update_env_vars: acts('update_env_vars', updateEnvVars),
  recreate_container: acts('recreate_container', recreateContainer),
  rollback_image: acts('rollback_image', rollbackImage),
};

/** The built-in tools over one engine. They need no MCP: the server offers them, tests call them. */
export function createBuiltinActions(context: ActionContext): BuiltinActions {
  return {
    call: (tool, args, bound, signal) =>
      guarded(() => callTool(context, { tool, args, bound }, signal)),
    recover: (intentId, signal) => guarded(() => recoverIntent(context, intentId, signal)),
    settle: (intentId, signal) => guarded(() => settleIntent(context, intentId, signal)),
  };
}

async function callTool(
  context: ActionContext,
  request: { readonly tool: string; readonly args: JsonObject; readonly bound: BoundCall },
  signal: AbortSignal,
): Promise<BuiltinResult> {
  const { tool, args, bound } = request;
  if (!isBuiltinToolName(tool)) return notExecuted('ToolUnknown', `there is no tool ${tool}`);
  const entry = TOOLS[tool];
  const parsed = parseToolInput(tool, args);
  if ('problem' in parsed) return notExecuted('ArgumentsInvalid', parsed.problem);
  const [first] = bound.expect;
  const target = bound.target ?? first?.id ?? '';
  const timing = await timingOf(context, tool, bound);
  const timeoutMs = BUILTIN_TOOLS[tool].timeoutMs(args, timing);
  const run = (limited: AbortSignal) => {
    const call = { args: parsed.input as never, target, signal: limited };
    if (entry.reads) return entry.run(context, call);
    const { intentId, expect } = bound;
    return entry.run(context, { ...call, intentId, expect });
  };
  return withDeadline(context.clock, timeoutMs, run, signal);
}

/** What the tool's own deadline depends on; what cannot be read has Docker's defaults. */
async function timingOf(
  context: ActionContext,
  tool: BuiltinToolName,
  { expect }: BoundCall,
): Promise<ToolTarget[]> {
  if (BUILTIN_TOOLS[tool].readOnly) return [];
  const seen = await Promise.all(expect.map(({ id }) => look(context, id)));
  return seen.map((it) => (it === undefined || it === 'unseen' ? {} : it));
}

/** Whatever a bug throws: it is not known how far the call came. */
async function guarded(work: () => Promise<BuiltinResult>): Promise<BuiltinResult> {
  try {
    return await work();
  } catch (error) {
    return outcomeUnknown(`internal error: ${messageOf(error)}`);
  }
}
