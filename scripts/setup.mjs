// Makes a machine ready and runs a command on it:
//   node scripts/setup.mjs [--for demo|test]... -- COMMAND ARG...
// Plain JavaScript for Node 18 or later: it runs before anything is installed.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findEngine } from './setup/docker-engine.mjs';
import { ensureNpmPackages } from './setup/npm-packages.mjs';
import { joinPrivateEngine, leavePrivateEngine } from './setup/private-engine.mjs';
import { changeCount, fullPath, SetupError, tell } from './setup/step.mjs';
import { ensureSystemPackages } from './setup/system-packages.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PURPOSES = ['demo', 'test'];
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const USAGE = 'usage: node scripts/setup.mjs [--for demo|test]... -- COMMAND ARG...';

process.exitCode = await main(process.argv.slice(2));

async function main(args) {
  const interrupt = new AbortController();
  /** The running command; signals go to it once it runs, to the set-up's own steps before. */
  let command;
  let exitCodeOnFailure = 1;
  for (const name of SIGNALS) {
    process.on(name, () => {
      exitCodeOnFailure = 128 + constants.signals[name];
      interrupt.abort(new SetupError(`stopped by ${name}`));
      // A terminal sends Ctrl-C to the command as well; a second copy would read as "at once".
      if (name !== 'SIGINT' || !process.stdin.isTTY) command?.kill(name);
    });
  }

  try {
    const { purposes, argv } = parseArguments(args);
    const env = await prepare(purposes, interrupt.signal);
    interrupt.signal.throwIfAborted();
    return await run(argv, env, (child) => {
      command = child;
    });
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    // An interrupted step fails in its own words; the interruption is the cause.
    tell((interrupt.signal.reason ?? error).message);
    return exitCodeOnFailure;
  } finally {
    await leavePrivateEngine();
  }
}

function parseArguments(args) {
  const end = args.indexOf('--');
  const argv = end === -1 ? [] : args.slice(end + 1);
  const options = args.slice(0, end);
  const purposes = options.filter((_, at) => at % 2 === 1);
  const known = options.every((word, at) => at % 2 === 1 || word === '--for');
  if (!known || argv.length === 0 || !purposes.every((one) => PURPOSES.includes(one))) {
    throw new SetupError(USAGE);
  }
  return { purposes, argv };
}

/** @returns the environment for the command */
async function prepare(purposes, signal) {
  const startedAtMs = Date.now();
  await ensureNpmPackages(ROOT, signal);

  const wantsPrivate = process.env.SENTINEL_SETUP_PRIVATE_ENGINE === '1';
  const { host, denied } = wantsPrivate ? { denied: [] } : await findEngine();
  const needsEngine = host === undefined;
  if (needsEngine) refuseWithoutRoot(denied);
  await ensureSystemPackages(needsEngine ? [...purposes, 'engine'] : purposes, signal);
  const dockerHost = host ?? (await joinPrivateEngine(signal));

  if (changeCount() > 0) {
    tell(`done in ${((Date.now() - startedAtMs) / 1000).toFixed(1)} s`);
  }
  return {
    ...process.env,
    // The project's own Node first: this script may run on an older one.
    PATH: [join(ROOT, 'node_modules/.bin'), fullPath()].join(delimiter),
    DOCKER_HOST: dockerHost,
  };
}

function refuseWithoutRoot(denied) {
  if (process.getuid?.() === 0) return;
  const given = process.env.DOCKER_HOST;
  const reason =
    denied.length > 0
      ? `this user may not open ${denied.join(', ')}: add it to the group "docker"`
      : `no Docker Engine answers${given ? ` at DOCKER_HOST=${given}` : ''}: start one`;
  throw new SetupError(`${reason} (or run as root, which starts a private one)`);
}

/** @returns the command's exit code; 128 + n when signal n ended it, as a shell says it */
async function run([program, ...args], env, onStart) {
  const child = spawn(program, args, { env, stdio: 'inherit' });
  onStart(child);
  return new Promise((resolve, reject) => {
    child.on('error', (error) => reject(new SetupError(`${program}: ${error.message}`)));
    child.on('close', (code, killer) => resolve(code ?? 128 + constants.signals[killer]));
  });
}
