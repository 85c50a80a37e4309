#!/usr/bin/env node
// Loads the `sentinel` command with its code compiled beforehand: see docs/adr/0013. This file is
// plain JavaScript, so that the process which stays loads nothing that must be stripped of types.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
// As a whole: a name that an old Node does not have would be a SyntaxError before a word is said.
import * as fs from 'node:fs';
import * as nodeModule from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 12)) {
  console.error(
    `sentinel: needs Node 24.12 or newer, and this is ${process.versions.node}; after npm install, npm run sentinel -- … uses the right one.`,
  );
  process.exit(3);
}

const root = fileURLToPath(new URL('..', import.meta.url));
const cache = join(root, '.cache', 'compile');
const marker = join(cache, 'filled');

const isFilling = process.env.SENTINEL_FILL_CACHE === '1';

if (isFilling || process.argv[2] === 'run') {
  // An idle operator has no use for a large heap, young or old. V8 keeps compiled code apart by its
  // flags, so the child that fills the cache has the same.
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--optimize-for-size');
}
if (!isFilling && process.argv[2] === 'run') fillCacheOnce();
nodeModule.enableCompileCache(cache);
// zod brings its messages in fifty languages, which take 8 MB; ours are English, which it has apart.
nodeModule.registerHooks({
  resolve(specifier, context, next) {
    const isAll = specifier === '../locales/index.js' && /\/zod\//.test(context.parentURL ?? '');
    return isAll
      ? { url: 'data:text/javascript,', format: 'module', shortCircuit: true }
      : next(specifier, context);
  },
});
if (isFilling) {
  // A rehearsal: everything starts, finds no Docker Engine, and is stopped.
  setTimeout(() => process.kill(process.pid, 'SIGTERM'), 1_000);
  process.argv.splice(2, Infinity, 'run');
}
await import('../src/sentinel.ts');

/**
 * A child strips and compiles. Where nothing can be kept (a checkout of another user, a read-only
 * file system, no room, no folder for temporary files), this process does it as it goes.
 */
function fillCacheOnce() {
  let folder;
  try {
    const version = versionOf();
    if (readMarker() === version) return;
    fs.mkdirSync(cache, { recursive: true, mode: 0o700 });
    // Before the work: it would be done in vain at every start.
    fs.accessSync(cache, fs.constants.W_OK | fs.constants.X_OK);
    folder = fs.mkdtempSync(join(tmpdir(), 'sentinel-'));
    if (rehearse(folder)) fs.writeFileSync(marker, version);
  } catch {
    // A start must not fail for what only makes it quicker.
  }
  try {
    if (folder !== undefined) fs.rmSync(folder, { recursive: true, force: true });
  } catch {
    // The system clears its folder for temporary files.
  }
}

/** @returns whether all of it went well */
function rehearse(folder) {
  fs.mkdirSync(join(folder, 'policies'));
  const env = {
    PATH: process.env.PATH,
    SENTINEL_FILL_CACHE: '1',
    SENTINEL_HOST: 'rehearsal',
    SENTINEL_DATA: join(folder, 'data'),
    SENTINEL_POLICIES: join(folder, 'policies'),
    DOCKER_HOST: `unix://${folder}/none.sock`,
    API_PORT: '0',
  };
  const child = spawnSync(process.execPath, [fileURLToPath(import.meta.url)], {
    env,
    stdio: 'ignore',
    timeout: 30_000,
  });
  return child.status === 0;
}

/** Changes with Node and with every source file. */
function versionOf() {
  const hash = createHash('sha256').update(process.version);
  for (const file of fs.globSync('src/**/*.ts', { cwd: root }).sort()) {
    const { mtimeMs, size } = fs.statSync(join(root, file));
    hash.update(`${file} ${mtimeMs} ${size}\n`);
  }
  return hash.digest('hex');
}

function readMarker() {
  try {
    return fs.readFileSync(marker, 'utf8');
  } catch {
    return undefined;
  }
}
