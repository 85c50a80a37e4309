import { readFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { announce, findProgram, fullPath, runQuietly, SetupError } from './step.mjs';

/** Installs the packages of package-lock.json where node_modules holds anything else. */
export async function ensureNpmPackages(root, signal) {
  if (await isInstalled(root)) return;

  announce('installing npm packages');
  // Not this project's own Node: npm may replace it while it works.
  const outside = fullPath()
    .split(delimiter)
    .filter((folder) => !folder.startsWith(join(root, 'node_modules')))
    .join(delimiter);
  const npm = findProgram('npm', outside);
  if (npm === undefined) throw new SetupError('npm is not installed; it comes with Node.js');
  // Not `npm ci`: it refuses a lock file that was written where the optional packages for other
  // platforms were out of reach. This installs what the lock file says and leaves the file alone.
  await runQuietly(npm, ['install', '--no-save', '--no-audit', '--no-fund'], {
    cwd: root,
    env: { PATH: outside },
    signal,
  });

  if (findProgram('node', join(root, 'node_modules/.bin')) === undefined) {
    throw new SetupError(
      'npm did not install the package "node" whole: its install script was not run. ' +
        'Allow install scripts (npm config delete ignore-scripts) and run "npm rebuild node".',
    );
  }
}

/**
 * Compares contents, not times: a checkout makes every file new, and a copy may make every file old.
 */
async function isInstalled(root) {
  const wanted = await readLock(join(root, 'package-lock.json'));
  if (wanted === undefined) throw new SetupError(`${root} has no readable package-lock.json`);
  const found = await readLock(join(root, 'node_modules/.package-lock.json'));
  if (found === undefined) return false;

  return Object.entries(wanted.packages).every(([path, { version, integrity, optional }]) => {
    if (path === '') return true;
    const here = found.packages[path];
    // Optional packages are for other platforms.
    if (here === undefined) return optional === true;
    return here.version === version && here.integrity === integrity;
  });
}

async function readLock(path) {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return undefined;
  }
}
