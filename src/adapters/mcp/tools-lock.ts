import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { ConfigError } from '#core/errors.ts';
import { digestOf, isRefusedName, type ToolDefinition } from './tool-definition.ts';

/** `sentinel.tools.lock`: server → tool → digest of its definition. */
export const ToolsLock = z.strictObject({
  version: z.literal(1),
  servers: z.record(z.string(), z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/))),
});
export type ToolsLock = z.output<typeof ToolsLock>;

export const EMPTY_LOCK: ToolsLock = { version: 1, servers: {} };

/** @throws {ConfigError} the file is there and is no lock; a missing file pins nothing */
export async function readLock(path: string): Promise<ToolsLock> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return EMPTY_LOCK;
    throw new ConfigError(`${path} cannot be read`, { cause });
  }
  try {
    return ToolsLock.parse(JSON.parse(text));
  } catch (cause) {
    throw new ConfigError(`${path} is no tools lock; write it with: sentinel mcp pin`, { cause });
  }
}

/** Written beside and renamed: a reader never sees half of it. Sorted, so that a diff reads well. */
export async function writeLock(path: string, lock: ToolsLock): Promise<void> {
  const servers = sorted(
    Object.entries(lock.servers).map(([server, tools]) => [server, sorted(Object.entries(tools))]),
  );
  const beside = `${path}.${randomBytes(4).toString('hex')}.tmp`;
  await writeFile(beside, `${JSON.stringify({ version: lock.version, servers }, null, 2)}\n`);
  await rename(beside, path);
}

function sorted<Value>(entries: readonly [string, Value][]): Record<string, Value> {
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** The lock with one server pinned as it is listed now; tools that are never called are left out. */
export function pinTools(
  lock: ToolsLock,
  server: string,
  tools: readonly ToolDefinition[],
): ToolsLock {
  const pinned = tools.filter(({ name }) => !isRefusedName(name));
  const digests = Object.fromEntries(pinned.map((tool) => [tool.name, digestOf(tool)]));
  return { ...lock, servers: { ...lock.servers, [server]: digests } };
}

/** How the tools of one server stand to their pins. */
export type PinVerdict =
  | { readonly pinned: true }
  | {
      readonly pinned: false;
      readonly reason: 'ToolNotPinned' | 'ToolManifestChanged';
      readonly message: string;
    };

/**
 * One difference counts for the whole server: whoever changed one definition can change any.
 *
 * @param pins tool → digest; absent when the server was never pinned
 */
export function comparePins(
  pins: Readonly<Record<string, string>> | undefined,
  tools: readonly ToolDefinition[],
): PinVerdict {
  if (pins === undefined) {
    return {
      pinned: false,
      reason: 'ToolNotPinned',
      message: 'look at its tools, then run: sentinel mcp pin',
    };
  }
  const listed = new Map(
    tools.filter(({ name }) => !isRefusedName(name)).map((tool) => [tool.name, digestOf(tool)]),
  );
  const added = [...listed.keys()].filter((name) => !Object.hasOwn(pins, name));
  const missing = Object.keys(pins).filter((name) => !listed.has(name));
  const changed = Object.entries(pins)
    .filter(([name, digest]) => listed.has(name) && listed.get(name) !== digest)
    .map(([name]) => name);
  const differences = [
    ...added.map((name) => `${name} is new`),
    ...missing.map((name) => `${name} is missing`),
    ...changed.map((name) => `${name} has changed`),
  ];
  if (differences.length === 0) return { pinned: true };
  return { pinned: false, reason: 'ToolManifestChanged', message: differences.join(', ') };
}
