import { open, readFile, rm, writeFile } from 'node:fs/promises';
import { announce, findProgram, runQuietly, SetupError } from './step.mjs';

const POLICY_FILE = '/usr/sbin/policy-rc.d';

/**
 * What each purpose needs beyond Node: the Debian package, how to see that it is there, and what it
 * is for. The engine's packages are needed only where no Docker Engine answers.
 */
const NEEDS = [
  { name: 'docker.io', has: hasProgram('dockerd'), for: ['engine'], why: 'Docker Engine' },
  { name: 'iptables', has: hasProgram('iptables'), for: ['engine'], why: 'container networks' },
  { name: 'iproute2', has: hasProgram('ip'), for: ['engine'], why: 'container networks' },
  { name: 'busybox-static', has: hasStaticBusybox, for: ['demo', 'test'], why: 'workload image' },
  { name: 'redis-server', has: hasProgram('redis-server'), for: ['demo', 'test'], why: 'Redis' },
  { name: 'tar', has: hasProgram('tar'), for: ['demo', 'test'], why: 'image building' },
  { name: 'openssl', has: hasProgram('openssl'), for: ['test'], why: 'certificates' },
  { name: 'prometheus', has: hasProgram('promtool'), for: ['test'], why: 'promtool, for rules' },
];

/**
 * Installs the Debian packages that the purposes need and this machine lacks.
 *
 * @param {readonly string[]} purposes of `demo`, `test`, `engine`
 * @throws {SetupError} something is missing and cannot be installed from here
 */
export async function ensureSystemPackages(purposes, signal) {
  const missing = [];
  for (const need of NEEDS.filter((need) => need.for.some((one) => purposes.includes(one)))) {
    if (!(await need.has())) missing.push(need);
  }
  if (missing.length === 0) return;

  const names = missing.map(({ name }) => name);
  if (!(await canInstall())) {
    const list = missing.map(({ name, why }) => `  ${name} (${why})`).join('\n');
    throw new SetupError(
      `these programs are missing; their names as Debian packages:\n${list}\n` +
        `On Debian or Ubuntu: sudo apt-get install ${names.join(' ')}`,
    );
  }

  announce(`installing Debian packages: ${names.join(' ')}`);
  await withoutServiceStarts(async () => {
    const apt = (...args) =>
      runQuietly('apt-get', ['-o', 'DPkg::Lock::Timeout=120', '-y', '-q', ...args], {
        env: { DEBIAN_FRONTEND: 'noninteractive' },
        signal,
      });
    // One unreachable source must not matter where the others have everything.
    const staleList = await apt('update').catch((error) => error);
    try {
      await apt('install', '--no-install-recommends', ...names);
    } catch (error) {
      if (staleList === undefined) throw error;
      throw new SetupError(`${staleList.message}\n${error.message}`);
    }
  });
}

async function canInstall() {
  if (process.getuid?.() !== 0 || findProgram('apt-get') === undefined) return false;
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(release);
}

/**
 * Debian starts a service when its package is installed, unless this file says no: nobody who runs
 * tests asked for a Redis or a Prometheus in the background. A file that is there already stays.
 */
async function withoutServiceStarts(install) {
  const isOurs = await writeFile(POLICY_FILE, '#!/bin/sh\nexit 101\n', { mode: 0o755, flag: 'wx' })
    .then(() => true)
    .catch(() => false);
  try {
    await install();
  } finally {
    if (isOurs) await rm(POLICY_FILE, { force: true });
  }
}

function hasProgram(name) {
  return async () => findProgram(name) !== undefined;
}

/** Only a static busybox runs in an image that holds nothing else. */
async function hasStaticBusybox() {
  const path = process.env.TEST_BUSYBOX ?? findProgram('busybox', '/bin:/usr/bin');
  if (path === undefined) return false;

  const file = await open(path).catch(() => undefined);
  if (file === undefined) return false;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4096), 0, 4096, 0);
    // A dynamic program names its loader (ld-linux…, ld-musl…) in the first page.
    return !/\/ld-(linux|musl)/.test(buffer.toString('latin1', 0, bytesRead));
  } finally {
    await file.close();
  }
}
