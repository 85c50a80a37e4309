import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { PolicyProblem } from '#core/policy/problems.ts';
import { isErrno, writeFileAtomically } from './durable.ts';
import { parseYamlFile, type YamlDocument } from './yaml-documents.ts';

/** A policy file as it was read. */
export interface PolicyFile {
  readonly file: string;
  readonly text: string;
}

/** The name of the file in the data directory. */
export const LAST_GOOD_FILE = 'policies.last-good.json';

/** More text than this is not kept: a start must not wait for it. */
const TEXT_LENGTH_MAX = 32 * 1024 * 1024;

const LastGood = z.strictObject({
  version: z.literal(1),
  /** When this set came into force, ISO 8601. */
  since: z.iso.datetime(),
  revision: z.string(),
  files: z.array(z.strictObject({ file: z.string(), text: z.string() })).readonly(),
});
export type LastGood = Readonly<Omit<z.infer<typeof LastGood>, 'version'>>;

/** What is there of the last good set; `problem` says why a file that is there cannot be used. */
export type LastGoodReading =
  | { readonly kind: 'found'; readonly lastGood: LastGood }
  | { readonly kind: 'none' }
  | { readonly kind: 'unusable'; readonly problem: PolicyProblem };

export async function readLastGood(path: string): Promise<LastGoodReading> {
  try {
    const { version: _, ...lastGood } = LastGood.parse(JSON.parse(await readFile(path, 'utf8')));
    return { kind: 'found', lastGood };
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return { kind: 'none' };
    const message = `the last good policies cannot be read: ${reasonOf(error)}`;
    const place = { file: path, line: 1, column: 1, path: '' };
    return { kind: 'unusable', problem: { ...place, message, severity: 'error' } };
  }
}

/**
 * Keeps a set for a start that finds a bad one. Nothing of a half-written file is ever read.
 *
 * @throws {Error} it is too long, or the disk says no; then what was kept before stays
 */
export async function writeLastGood(path: string, lastGood: LastGood): Promise<void> {
  const length = lastGood.files.reduce((sum, { text }) => sum + text.length, 0);
  if (length > TEXT_LENGTH_MAX) {
    throw new Error(`the policies have ${length} characters, and ${TEXT_LENGTH_MAX} are kept`);
  }
  await writeFileAtomically(path, Buffer.from(JSON.stringify({ version: 1, ...lastGood })));
}

/** The documents of a kept set, as its folder would give them. */
export function documentsOf(files: readonly PolicyFile[]): {
  readonly documents: readonly YamlDocument[];
  readonly problems: readonly PolicyProblem[];
} {
  const parsed = files.map(({ file, text }) => parseYamlFile(file, Buffer.from(text)));
  return {
    documents: parsed.flatMap(({ documents }) => documents),
    problems: parsed.flatMap(({ problems }) => problems),
  };
}

function reasonOf(error: unknown): string {
  if (error instanceof z.ZodError) return 'it has not the form that Sentinel writes';
  return error instanceof Error ? error.message : String(error);
}
