import type { ActionResult } from '#ports/action-runner.ts';
import { foreignText } from './foreign-text.ts';

/** What became of a call that got no result. */
export type CallFailure =
  /** The server does not know our session: it did not look at the request. */
  { readonly kind: 'SessionGone' } | { readonly kind: 'Ended'; readonly result: ActionResult };

/** Statuses with which a server refuses a request before it looks at what it asks for. */
const REFUSED_UNSEEN: ReadonlySet<number> = new Set([400, 401, 403, 404, 405, 406, 413, 415, 429]);
/** Errors of the system that come before a byte was sent. */
const NEVER_SENT: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN']);
const METHOD_NOT_FOUND = -32601;
const INVALID_PARAMS = -32602;

/**
 * Tells a call that provably touched nothing from one whose fate is unknown. Only the former is
 * `NotExecuted`; in doubt it is unknown.
 *
 * @param hadSession whether the server had given us a session
 */
export function classifyCallError(error: unknown, hadSession: boolean): CallFailure {
  const message = foreignText(error instanceof Error ? error.message : String(error));
  switch (nameOf(error)) {
    case 'StreamableHTTPError':
      return ofStatus(codeOf(error), hadSession);
    case 'McpError':
      return ofProtocolError(codeOf(error), message);
    default:
      return ofTransportError(error, message);
  }
}

function ofStatus(status: string | number | undefined, hadSession: boolean): CallFailure {
  if (status === 404 && hadSession) return { kind: 'SessionGone' };
  const message = `the server answered ${status}`;
  return typeof status === 'number' && REFUSED_UNSEEN.has(status)
    ? ended('ServerUnavailable', message)
    : unknown(message);
}

function ofProtocolError(code: string | number | undefined, message: string): CallFailure {
  if (code === METHOD_NOT_FOUND) return ended('ToolUnknown', message);
  // Some servers say "invalid params" of their own output too, after the work.
  const isOfInput = code === INVALID_PARAMS && !/output|structured/i.test(message);
  return isOfInput ? ended('ArgumentsInvalid', message) : unknown(message);
}

function ofTransportError(error: unknown, message: string): CallFailure {
  if (message === 'Not connected') return ended('ServerUnavailable', 'not connected');
  const cause = codeOf((error as { readonly cause?: unknown } | null | undefined)?.cause);
  return typeof cause === 'string' && NEVER_SENT.has(cause)
    ? ended('ServerUnavailable', cause)
    : unknown(message);
}

function ended(reason: string, message: string): CallFailure {
  return { kind: 'Ended', result: { outcome: 'NotExecuted', reason, message } };
}

function unknown(message: string): CallFailure {
  return { kind: 'Ended', result: { outcome: 'OutcomeUnknown', message } };
}

/** The SDK's classes are told by name, so that telling them apart loads none of them. */
function nameOf(error: unknown): string {
  return error instanceof Error ? error.constructor.name : '';
}

function codeOf(error: unknown): string | number | undefined {
  const code = (error as { readonly code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' || typeof code === 'number' ? code : undefined;
}
