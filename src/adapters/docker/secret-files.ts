import { RuntimeForbiddenError } from '#core/errors.ts';
import type { SecretFile } from '#core/redaction/secret-files.ts';
import type { ObservedContainer } from '#core/workload/container.ts';
import type { SecretFilesRead } from '#ports/container-runtime.ts';
import { containerPath } from './answers.ts';
import type { DockerConnection } from './connection.ts';
import { startDeadline } from './deadline.ts';
import { type ArchivedFile, filesInTar } from './tar-files.ts';
import type { DockerCall } from './transport.ts';

/** Of one container. */
const FILES_MAX = 64;
const FILE_BYTES_MAX = 8 * 2 ** 10;
const TAR_BYTES_MAX = 256 * 2 ** 10;
/** The engine answers nothing else about a container while it packs files of it. */
const READ_WITHIN_MS = 3_000;

/**
 * Reads files of a container through the engine's archive. That needs no shell in the container, works
 * whether it runs or not, and follows no link out of it: the engine packs the link itself.
 *
 * @throws {RuntimeUnavailableError} the engine did not answer
 */
export async function readSecretFiles(
  connection: DockerConnection,
  container: ObservedContainer,
  signal: AbortSignal,
): Promise<SecretFilesRead> {
  const files: SecretFile[] = [];
  const problems: string[] = [];
  const { paths = [] } = container.secretFiles ?? {};
  let bytesLeft = TAR_BYTES_MAX;
  for (const [index, path] of paths.entries()) {
    // Each has its share of what is left, so that a huge one takes nothing from the others.
    const share = 1 / (paths.length - index);
    const bytesMax = Math.ceil(bytesLeft * share);
    const archive = await fetchArchive(connection, { id: container.id, path }, bytesMax, signal);
    if (archive === undefined) continue;
    if (archive === 'forbidden') return { files: [], problems: [] };
    bytesLeft -= archive.tar.length;
    const filesMax = Math.ceil((FILES_MAX - files.length) * share);
    const limits = { filesMax, bytesMax: FILE_BYTES_MAX };
    const { found, isWhole } = await filesInTar(archive.tar, limits);
    for (const file of found) {
      const text = textOf(file);
      if (text !== undefined) files.push({ path: placeOf(path, file.name), text });
    }
    if (archive.isCut || !isWhole) problems.push(`${path} was not read as a whole`);
  }
  return { files, problems };
}

interface Archive {
  readonly tar: Buffer;
  /** There is more of it. */
  readonly isCut: boolean;
}

/** @returns `undefined` when there is nothing at the path */
async function fetchArchive(
  connection: DockerConnection,
  { id, path }: { readonly id: string; readonly path: string },
  bytesMax: number,
  signal: AbortSignal,
): Promise<Archive | 'forbidden' | undefined> {
  using deadline = startDeadline(signal, READ_WITHIN_MS);
  const call: DockerCall = { method: 'GET', path: containerPath(id, '/archive'), query: { path } };
  try {
    const opened = await connection.open(call, deadline.signal);
    if (!('chunks' in opened)) return undefined;
    return await take(opened.chunks, bytesMax, deadline.signal);
  } catch (error) {
    if (error instanceof RuntimeForbiddenError) return 'forbidden';
    throw error;
  }
}

/** Gathered first and looked into afterwards, so that the engine is soon done with the container. */
async function take(
  chunks: AsyncIterable<Buffer>,
  bytesMax: number,
  signal: AbortSignal,
): Promise<Archive> {
  const taken: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    taken.push(chunk.subarray(0, bytesMax - bytes));
    bytes += chunk.length;
    if (bytes > bytesMax) break;
  }
  return { tar: Buffer.concat(taken), isCut: bytes > bytesMax || signal.aborted };
}

/** The archive of a file or a folder begins with the last part of its path. */
function placeOf(path: string, name: string): string {
  const within = name.split('/').slice(1).join('/');
  return within === '' ? path : `${path}/${within}`;
}

/** `undefined` for what is no text: a key store, say. */
function textOf({ bytes }: ArchivedFile): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
