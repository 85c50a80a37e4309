// Plain JavaScript for Node 18 or later: it runs before anything is installed.
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Administrators' programs (dockerd, iptables) are not on every user's PATH. */
const ADMIN_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** A set-up that cannot go on. The message is for the person at the terminal; no stack is shown. */
export class SetupError extends Error {
  name = 'SetupError';
}

/** Something that the set-up changed on this machine: decides whether the time is worth a line. */
let changes = 0;
export const changeCount = () => changes;

/** Announces a change that is about to be made, in one line. */
export function announce(text) {
  changes += 1;
  tell(text);
}

export function tell(text) {
  // Standard error: a command's own output stays clean for pipes.
  process.stderr.write(`set-up: ${text}\n`);
}

/** @returns the PATH with the folders of administrators' programs at its end */
export function fullPath(path = process.env.PATH ?? '') {
  return [...path.split(delimiter), ...ADMIN_FOLDERS].join(delimiter);
}

/** @returns the absolute path of a program, or undefined where it is not installed */
export function findProgram(name, path = fullPath()) {
  return path
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Runs one step quietly: its output is shown only when it fails, since an install prints pages.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, signal?: AbortSignal }} options
 */
export async function runQuietly(program, args, { cwd, env, signal } = {}) {
  const output = [];
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, PATH: fullPath(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  });
  child.stdout.on('data', (chunk) => output.push(chunk));
  child.stderr.on('data', (chunk) => output.push(chunk));

  const problem = await new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, killer) =>
      resolve(code === 0 ? undefined : `ended with ${code ?? killer}`),
    );
  });
  if (problem === undefined) return;

  const text = Buffer.concat(output).toString('utf8').trimEnd();
  throw new SetupError(`${program} ${args.join(' ')}: ${problem}\n${text}`);
}
