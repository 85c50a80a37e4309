import {
  ContainerGoneError,
  OperationRefusedError,
  RuntimeUnavailableError,
} from '#core/errors.ts';
import type { DockerAnswer } from './connection.ts';

/** Answers of a proxy that could not reach the engine: whether it acted is not known. */
const NO_ANSWER = new Set([502, 503, 504]);

/**
 * Passes an answer that means "done" (2xx) or "already so" (304).
 *
 * @param id the container that the call was about
 * @throws {ContainerGoneError} the engine does not know that container
 * @throws {RuntimeUnavailableError} a proxy had no answer from the engine
 * @throws {OperationRefusedError} anything else, with the engine's words
 */
export function expectDone(answer: DockerAnswer, what: string, id: string): DockerAnswer {
  const { status, message } = answer;
  if (status < 400) return answer;
  const text = `${what}: ${status} ${message}`.trimEnd();
  if (status === 404 && isAbout(message, id)) throw new ContainerGoneError(text);
  if (NO_ANSWER.has(status)) throw new RuntimeUnavailableError(text);
  throw new OperationRefusedError(text);
}

/**
 * Docker answers 404 also for what the container needs: the owner of its network namespace, a
 * network. Those messages name the other one; the container itself is then still there.
 */
function isAbout(message: string, id: string): boolean {
  return message === '' || message.includes(id);
}
