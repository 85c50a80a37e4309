import type { BuiltinResult } from '#ports/builtin-actions.ts';
import { checkTargets } from './check-targets.ts';
import type { ActionContext, ToolCall } from './context.ts';
import { afterFailedWrite } from './engine-failure.ts';
import { failed, succeeded } from './outcome.ts';

const OUTPUT_BYTES_MAX = 64 * 1024;
/** How much of the output a failure quotes. */
const QUOTED_CHARACTERS = 2_000;

/** Runs an argv inside the target. An exit code other than 0 is `Failed`. Output is raw text. */
export async function execCommand(
  context: ActionContext,
  call: ToolCall<{ readonly command: readonly string[]; readonly timeoutSeconds: number }>,
): Promise<BuiltinResult> {
  const checked = await checkTargets(context, call);
  if ('refusal' in checked) return checked.refusal;

  const { target } = checked.targets;
  const { command, timeoutSeconds } = call.args;
  try {
    const { exitCode, output, truncated } = await context.operations.exec(
      target.id,
      command,
      { timeoutMs: timeoutSeconds * 1_000, outputBytesMax: OUTPUT_BYTES_MAX },
      call.signal,
    );
    if (exitCode !== 0) {
      return failed(`exit code ${exitCode}: ${output.slice(-QUOTED_CHARACTERS)}`);
    }
    return succeeded({ intentId: call.intentId, exitCode, output, truncated });
  } catch (error) {
    return afterFailedWrite(context, target, error);
  }
}
