import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { PolicyProblem } from '#core/policy/problems.ts';
import type { PolicyFile } from './last-good-policies.ts';
import { FILE_BYTES_MAX, parseYamlFile, type YamlDocument } from './yaml-documents.ts';

export interface FolderContent {
  readonly documents: readonly YamlDocument[];
  readonly problems: readonly PolicyProblem[];
  /** The text of every file that could be read. */
  readonly files: readonly PolicyFile[];
  /** Equal exactly when no file was added, removed, replaced or written to. */
  readonly fingerprint: string;
}

const FILES_MAX = 1_000;
const YAML = /\.ya?ml$/i;
const FOLDER_DEPTH_MAX = 8;

interface File {
  readonly path: string;
  readonly bytes: number;
  readonly stamp: string;
}

/** Reads every policy file in a folder and below, or one file. What cannot be read is a problem. */
export async function readPolicyFolder(path: string): Promise<FolderContent> {
  const listing = await listPolicyFiles(path);
  const documents: YamlDocument[] = [];
  const problems = [...listing.problems];
  const files: PolicyFile[] = [];
  for (const file of listing.files) {
    const content = await readPolicyFile(file);
    documents.push(...content.documents);
    problems.push(...content.problems);
    if (content.text !== undefined) files.push({ file: file.path, text: content.text });
  }
  return { documents, problems, files, fingerprint: fingerprintOf(listing) };
}

/** What `readPolicyFolder` would give as fingerprint now, without reading the files. */
export async function fingerprintPolicyFolder(path: string): Promise<string> {
  return fingerprintOf(await listPolicyFiles(path));
}

interface Listing {
  readonly files: readonly File[];
  readonly problems: readonly PolicyProblem[];
}

function fingerprintOf({ files, problems }: Listing): string {
  return JSON.stringify([files.map(({ path, stamp }) => [path, stamp]), problems]);
}

/** What `readPolicyFolder` would read now, in the order of the paths. */
export async function listPolicyFiles(path: string): Promise<Listing> {
  const files: File[] = [];
  const problems: PolicyProblem[] = [];
  await visit(path, { files, problems, folders: new Set(), depth: 0, named: true });
  if (files.length > FILES_MAX) {
    return { files: [], problems: [problemOf(path, `holds more than ${FILES_MAX} policy files`)] };
  }
  return { files: files.sort((a, b) => (a.path < b.path ? -1 : 1)), problems };
}

/** Whether a file below a folder would be read, by its name and those of the folders between. */
export function isPolicyFileName(name: string): boolean {
  const segments = name.split('/');
  // The folder itself is at depth 0.
  if (segments.length - 1 > FOLDER_DEPTH_MAX) return false;
  return YAML.test(name) && !segments.some((segment) => segment.startsWith('.'));
}

interface Visit {
  readonly files: File[];
  readonly problems: PolicyProblem[];
  /** Real paths on the way here: a link can lead back up. */
  readonly folders: ReadonlySet<string>;
  readonly depth: number;
  /** The caller named this path: it is read whatever it is called. */
  readonly named: boolean;
}

async function visit(path: string, state: Visit): Promise<void> {
  try {
    // Links are followed: a mounted ConfigMap is nothing but links.
    const status = await stat(path, { bigint: true });
    if (status.isDirectory()) {
      await visitFolder(path, state);
    } else if (status.isFile() && (state.named || YAML.test(path))) {
      const stamp = [status.dev, status.ino, status.size, status.mtimeNs].join('-');
      state.files.push({ path, bytes: Number(status.size), stamp });
    }
  } catch (error) {
    state.problems.push(problemOf(path, `cannot be read: ${reasonOf(error)}`));
  }
}

async function visitFolder(path: string, state: Visit): Promise<void> {
  const real = await realpath(path);
  if (state.folders.has(real) || state.depth > FOLDER_DEPTH_MAX) return;
  const inside = {
    ...state,
    folders: new Set([...state.folders, real]),
    depth: state.depth + 1,
    named: false,
  };
  for (const name of await readdir(path)) {
    // Hidden: editors' scratch files, .git, and the `..data` that a ConfigMap's links lead through.
    if (!name.startsWith('.')) await visit(join(path, name), inside);
  }
}

async function readPolicyFile({ path, bytes }: File): Promise<{
  readonly documents: readonly YamlDocument[];
  readonly problems: readonly PolicyProblem[];
  readonly text?: string;
}> {
  if (bytes > FILE_BYTES_MAX) {
    return { documents: [], problems: [problemOf(path, `is larger than ${FILE_BYTES_MAX} bytes`)] };
  }
  try {
    const content = await readFile(path);
    // Many programs empty a file before they write it.
    if (content.byteLength === 0) {
      return {
        documents: [],
        problems: [problemOf(path, 'is empty; delete it to remove a policy')],
      };
    }
    return { ...parseYamlFile(path, content), text: content.toString() };
  } catch (error) {
    return { documents: [], problems: [problemOf(path, `cannot be read: ${reasonOf(error)}`)] };
  }
}

function problemOf(file: string, message: string): PolicyProblem {
  return { file, line: 1, column: 1, path: '', message, severity: 'error' };
}

function reasonOf(error: unknown): string {
  if (error instanceof Error && 'code' in error) return String(error.code);
  return String(error);
}
