import { SentinelError } from '#core/errors.ts';
import { CliError, type ExitCode } from './context.ts';

export interface FailureText {
  readonly text: string;
  readonly code: ExitCode;
}

/** Codes of errors that come of what the user gave, not of what could not be reached. */
const USAGE_CODES = new Set(['SENTINEL_CONFIG_INVALID']);

/** What went wrong, in a line or two; the stack only where it was asked for. */
export function describeFailure(
  error: unknown,
  env: Readonly<Record<string, string | undefined>>,
): FailureText {
  const wantsStack = env['LOG_LEVEL'] === 'debug' || env['LOG_LEVEL'] === 'trace';
  const stack = wantsStack && error instanceof Error ? `\n${error.stack ?? ''}` : '';
  if (error instanceof CliError) {
    const remedy = error.remedy === undefined ? '' : `\n${error.remedy}`;
    return { text: `sentinel: ${error.message}${remedy}${stack}`, code: error.exitCode };
  }
  if (error instanceof SentinelError) {
    const code = USAGE_CODES.has(error.code) ? 2 : 3;
    return { text: `sentinel: ${error.message}${causeOf(error)}${stack}`, code };
  }
  const message = error instanceof Error ? error.message : String(error);
  const hint = wantsStack ? '' : '\nThis is a bug in Sentinel. LOG_LEVEL=debug shows where it is.';
  return { text: `sentinel: unexpected error: ${message}${hint}${stack}`, code: 3 };
}

/** The system's own words, where the message does not have them already. */
function causeOf({ message, cause }: Error): string {
  if (!(cause instanceof Error) || message.includes(cause.message)) return '';
  return `: ${cause.message}`;
}
