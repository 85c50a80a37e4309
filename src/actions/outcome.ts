import { RuntimeForbiddenError } from '#core/errors.ts';
import type { JsonObject } from '#ports/action-runner.ts';
import type { BuiltinResult } from '#ports/builtin-actions.ts';

export function succeeded(result: JsonObject): BuiltinResult {
  return { outcome: 'Succeeded', result };
}

export function failed(message: string): BuiltinResult {
  return { outcome: 'Failed', message };
}

export function notExecuted(reason: string, message: string): BuiltinResult {
  return { outcome: 'NotExecuted', reason, message };
}

export function outcomeUnknown(message: string): BuiltinResult {
  return { outcome: 'OutcomeUnknown', message };
}

/** The engine, or a proxy before it, did not let the call through: nothing was touched. */
export function forbidden(message: string): BuiltinResult {
  return { outcome: 'NotExecuted', reason: 'ToolForbidden', message, forbidden: true };
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What a failed read before any write means: nothing was touched. */
export function notReached(error: unknown): BuiltinResult {
  return error instanceof RuntimeForbiddenError
    ? forbidden(error.message)
    : notExecuted('RuntimeUnavailable', messageOf(error));
}
