import { open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { CompiledPolicy } from '#core/policy/compile.ts';
import type { Telemetry } from '#telemetry/telemetry.ts';

/** Compose files are small; no more than this of one goes to a model anyway. */
const BYTES_MAX = 64 * 1024;

/**
 * Reads the Compose file that a policy names, relative to the policy's own file. It is context and no
 * more: where it cannot be read, that is told, and the question is asked without it.
 */
export async function readComposeFile(
  { file, name, spec }: Pick<CompiledPolicy, 'file' | 'name' | 'spec'>,
  { log }: Pick<Telemetry, 'log'>,
): Promise<string | undefined> {
  const { composeFile } = spec.diagnosis;
  if (composeFile === undefined) return undefined;
  const path = resolve(dirname(file), composeFile);
  try {
    await using handle = await open(path);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(BYTES_MAX), 0, BYTES_MAX, 0);
    const text = buffer.toString('utf8', 0, bytesRead);
    // Half a secret at the end would not be known for one.
    return bytesRead < BYTES_MAX ? text : text.slice(0, text.lastIndexOf('\n') + 1);
  } catch (cause) {
    log.warn({ err: cause, policy: name, path }, 'the Compose file of a policy cannot be read');
    return undefined;
  }
}
