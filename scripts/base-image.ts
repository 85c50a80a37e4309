// Makes a stand-in for the image that the Dockerfile builds on, from this machine's own files, for
// machines that reach no image registry: `node scripts/base-image.ts`. It holds what the Dockerfile
// uses of the public image: Node, npm, a shell. An image of that name that is there already stays.
import { execFile, spawn } from 'node:child_process';
import {
  access,
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readFile,
  realpath,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import Docker from 'dockerode';

const run = promisify(execFile);
const BUSYBOX = process.env['TEST_BUSYBOX'] ?? '/bin/busybox';
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';

if (import.meta.main) console.log(await ensureBaseImage(new Docker()));

/** @returns the name that the Dockerfile builds on, now present on this engine */
export async function ensureBaseImage(docker: Docker): Promise<string> {
  const name = await baseImageName();
  const known = await docker.listImages({ filters: { reference: [name] } });
  if (known.length > 0) return name;

  const root = await mkdtemp(join(tmpdir(), 'sentinel-base-'));
  try {
    // mkdtemp makes it private, and so would be the image's root: no other user could enter it.
    await chmod(root, 0o755);
    await fill(root);
    await importFolder(docker, root, name);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
  return name;
}

async function baseImageName(): Promise<string> {
  const dockerfile = await readFile(new URL('../Dockerfile', import.meta.url), 'utf8');
  const name = /^ARG BASE_IMAGE=(?<name>\S+)$/m.exec(dockerfile)?.groups?.['name'];
  if (name === undefined) throw new Error('the Dockerfile has no line ARG BASE_IMAGE=…');
  return name;
}

async function fill(root: string): Promise<void> {
  for (const folder of ['bin', 'etc', 'root', 'usr/bin', 'usr/local/bin']) {
    await mkdir(join(root, folder), { recursive: true });
  }
  await mkdir(join(root, 'tmp'));
  await chmod(join(root, 'tmp'), 0o1777);
  await writeFile(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  await writeFile(join(root, 'etc/group'), 'root:x:0:\n');
  await addShell(root);
  await addNode(root);
  await addNpm(root);
  await addCertificates(root);
}

async function addShell(root: string): Promise<void> {
  await cp(BUSYBOX, join(root, 'bin/busybox'));
  const { stdout } = await run(BUSYBOX, ['--list']);
  for (const applet of stdout.split('\n').filter((name) => name !== '' && name !== 'busybox')) {
    await symlink('/bin/busybox', join(root, 'bin', applet));
  }
  await symlink('/bin/busybox', join(root, 'usr/bin/env'));
}

/** The binary and every library that the loader would open for it, under their own paths. */
async function addNode(root: string): Promise<void> {
  const node = await realpath(process.execPath);
  await cp(node, join(root, 'usr/local/bin/node'));
  const { stdout } = await run('ldd', [node]);
  const libraries = [...stdout.matchAll(/(?:=> |^\s*)(?<path>\/\S+)/gm)].map(
    ({ groups }) => groups?.['path'] ?? '',
  );
  const libc = libraries.find((path) => path.includes('/libc.so'));
  // Older C libraries load these only when a name is looked up, so ldd does not show them.
  const resolvers = ['libnss_dns.so.2', 'libnss_files.so.2', 'libresolv.so.2'].map((name) =>
    join(dirname(libc ?? '/lib'), name),
  );
  for (const library of [...libraries, ...resolvers]) await copyIfPresent(library, root);
}

async function addNpm(root: string): Promise<void> {
  const target = join(root, 'usr/local/lib/node_modules/npm');
  await cp(await findNpm(root), target, { recursive: true });
  await symlink('../lib/node_modules/npm/bin/npm-cli.js', join(root, 'usr/local/bin/npm'));
}

/** Debian's own npm is spread over many packages; any other carries its dependencies with it. */
async function findNpm(root: string): Promise<string> {
  const { stdout } = await run('npm', ['root', '--global']);
  const installed = join(stdout.trim(), 'npm');
  if (await exists(join(installed, 'node_modules'))) return installed;

  const folder = join(root, 'root/npm');
  await run('npm', ['install', '--no-save', '--prefix', folder, 'npm@11']);
  return join(folder, 'node_modules/npm');
}

/** What this machine trusts: behind a proxy with an authority of its own, npm needs it in there. */
async function addCertificates(root: string): Promise<void> {
  await copyIfPresent(CERTIFICATES, root);
}

async function copyIfPresent(path: string, root: string): Promise<void> {
  if (!(await exists(path))) return;
  await mkdir(join(root, dirname(path)), { recursive: true });
  await cp(await realpath(path), join(root, path));
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function importFolder(docker: Docker, root: string, name: string): Promise<void> {
  const tar = spawn('tar', ['-c', '--owner=0', '--group=0', '-C', root, '.'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [repo, tag] = name.split(':');
  const changes = [
    'ENV PATH=/usr/local/bin:/usr/bin:/bin',
    `ENV NODE_EXTRA_CA_CERTS=${CERTIFICATES}`,
    'CMD ["node"]',
  ];
  const progress = await docker.importImage(tar.stdout, { repo, tag, changes });
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(progress, (error) => (error ? reject(error) : resolve()));
  });
}
