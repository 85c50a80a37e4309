import { ContainerGoneError, RuntimeUnavailableError } from '#core/errors.ts';
import type { DockerAnswer, DockerConnection } from './connection.ts';

/** Docker gives no container another kind of name, so what does not match names none. */
export function isContainerRef(ref: string): boolean {
  return /^[a-zA-Z0-9][\w.-]*$/.test(ref);
}

/**
 * The path of one container.
 *
 * @throws {ContainerGoneError} `ref` cannot name one; as a path it might lead elsewhere
 */
export function containerPath(ref: string, rest: string): string {
  if (!isContainerRef(ref)) throw new ContainerGoneError(`no such container: ${ref}`);
  return `/containers/${encodeURIComponent(ref)}${rest}`;
}

/**
 * Reads the body of an answer that must be a success.
 *
 * @throws {RuntimeUnavailableError} another status, or a body that `parse` refuses
 */
export function readBody<Value>(
  answer: DockerAnswer,
  connection: DockerConnection,
  what: string,
  parse: (body: unknown) => Value,
): Value {
  if (answer.status >= 300) {
    throw new RuntimeUnavailableError(
      `${connection.label} ${what}: ${answer.status} ${answer.message}`.trimEnd(),
    );
  }
  try {
    return parse(answer.body);
  } catch (cause) {
    throw new RuntimeUnavailableError(`${connection.label} ${what}: no usable answer`, { cause });
  }
}
