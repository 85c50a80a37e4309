import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

const ENTRY = resolve('src/sentinel.ts');

export interface CliEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

function start(args: readonly string[], { env, cwd = process.cwd() }: CliOptions) {
  const { PATH = '', HOME = '' } = process.env;
  return spawn(process.execPath, [ENTRY, ...args], {
    cwd,
    env: { PATH, HOME, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

/** Runs the command as a user does. Of this environment only PATH and HOME are passed on. */
export async function sentinel(args: readonly string[], options: CliOptions = {}): Promise<CliEnd> {
  const child = start(args, options);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  // A command that does not read its input may end before all of it is written.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  return new Promise((done, reject) => {
    child.on('error', reject);
    child.on('close', (code) => done({ code, stdout, stderr }));
  });
}

/** A command that goes on until it is interrupted. */
export function follow(args: readonly string[], options: CliOptions = {}) {
  const child = start(args, options);
  let output = '';
  let seen = Promise.withResolvers<void>();
  const look = (chunk: Buffer) => {
    output += chunk.toString();
    seen.resolve();
    seen = Promise.withResolvers();
  };
  child.stdout.on('data', look);
  child.stderr.on('data', look);
  const closed = new Promise<number | null>((done) => child.on('close', done));
  return {
    /** Resolves when the text was printed; fails when the command ends without it. */
    async until(text: string): Promise<void> {
      while (!output.includes(text)) {
        const ended = closed.then((code) => {
          throw new Error(`ended with ${code} before printing ${text}: ${output}`);
        });
        await Promise.race([seen.promise, ended]);
      }
    },
    async interrupt(): Promise<{ readonly code: number | null; readonly output: string }> {
      child.kill('SIGINT');
      return { code: await closed, output };
    },
  };
}

/** Writes the segments of a journal where a data directory has them. */
export async function writeJournal(
  directory: string,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<void> {
  const journal = join(directory, 'journal');
  await mkdir(journal, { recursive: true });
  for (const [name, bytes] of files) await writeFile(join(journal, name), bytes);
}
