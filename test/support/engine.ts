import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import Docker from 'dockerode';

const run = promisify(execFile);
const BUSYBOX = process.env['TEST_BUSYBOX'] ?? '/bin/busybox';
export const TEST_IMAGE = 'sre-sentinel-test/busybox:1';
const OWNER_LABEL = 'sre-sentinel-test';

/** The engine that the tests use: `DOCKER_HOST` or the default socket, as Docker's own client does. */
export function testDocker(): Docker {
  return new Docker();
}

/** Makes the workload image from this machine's static busybox: nothing is pulled. */
export async function ensureTestImage(docker: Docker): Promise<string> {
  const known = await docker.listImages({ filters: { reference: [TEST_IMAGE] } });
  if (known.length > 0) return TEST_IMAGE;

  const root = await mkdtemp(join(tmpdir(), 'sentinel-image-'));
  try {
    await mkdir(join(root, 'bin'));
    await mkdir(join(root, 'tmp'), { mode: 0o1777 });
    await cp(BUSYBOX, join(root, 'bin/busybox'));
    const { stdout } = await run(BUSYBOX, ['--list']);
    for (const applet of stdout.split('\n').filter((name) => name !== '' && name !== 'busybox')) {
      await symlink('busybox', join(root, 'bin', applet));
    }
    const tar = spawn('tar', ['-c', '-C', root, '.'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [repo, tag] = TEST_IMAGE.split(':');
    const progress = await docker.importImage(tar.stdout as unknown as string, { repo, tag });
    await new Promise<void>((resolve, reject) => {
      docker.modem.followProgress(progress, (error) => (error ? reject(error) : resolve()));
    });
  } finally {
    await rm(root, { recursive: true, force: true });
  }
  return TEST_IMAGE;
}

/** Everything that one test makes carries its own label value, and goes when the test ends. */
export class TestStack implements AsyncDisposable {
  readonly docker: Docker;
  /** Prefix for every name in this stack: unique, so that parallel tests never meet. */
  readonly prefix: string;

  private constructor(docker: Docker) {
    this.docker = docker;
    this.prefix = `sst-${randomBytes(4).toString('hex')}`;
  }

  static async open(docker = testDocker()): Promise<TestStack> {
    await ensureTestImage(docker);
    return new TestStack(docker);
  }

  name(suffix: string): string {
    return `${this.prefix}-${suffix}`;
  }

  /**
   * Creates a container; `start: false` leaves it created. The shell script runs as PID 1 under
   * `sh -c` unless `Cmd` says otherwise.
   */
  async container(
    suffix: string,
    options: Omit<Docker.ContainerCreateOptions, 'name' | 'Image'> & {
      readonly Image?: string;
      readonly script?: string;
      readonly start?: boolean;
    } = {},
  ): Promise<Docker.Container> {
    const { script, start = true, ...rest } = options;
    const container = await this.docker.createContainer({
      Image: TEST_IMAGE,
      Cmd: ['sh', '-c', script ?? 'trap "exit 0" TERM; while :; do sleep 0.1; done'],
      ...rest,
      name: this.name(suffix),
      Labels: { ...rest.Labels, [OWNER_LABEL]: this.prefix },
    });
    if (start) await container.start();
    return container;
  }

  /** Labels that make a container a member of a Compose project. */
  compose(project: string, service: string, number = 1): Record<string, string> {
    return {
      'com.docker.compose.project': project,
      'com.docker.compose.service': service,
      'com.docker.compose.container-number': String(number),
      'com.docker.compose.oneoff': 'False',
    };
  }

  /** Removes every container and network whose label or name carries this stack's prefix. */
  async [Symbol.asyncDispose](): Promise<void> {
    const containers = await this.docker.listContainers({ all: true });
    const mine = containers.filter(
      ({ Labels, Names }) =>
        Labels[OWNER_LABEL] === this.prefix || Names.some((name) => name.includes(this.prefix)),
    );
    await Promise.all(
      mine.map(async ({ Id }) => {
        await this.docker.getContainer(Id).remove({ force: true, v: true }).catch(ignoreGone);
      }),
    );
    const networks = await this.docker.listNetworks();
    for (const { Id } of networks.filter((network) => network.Name.includes(this.prefix))) {
      await this.docker.getNetwork(Id).remove().catch(ignoreGone);
    }
  }
}

function ignoreGone(error: unknown): void {
  const { statusCode } = error as { statusCode?: number };
  if (statusCode !== 404 && statusCode !== 409) throw error;
}

/** Polls until `probe` answers something truthy, for at most `timeoutMs`. */
export async function eventually<Value>(
  probe: () => Promise<Value | undefined | false> | Value | undefined | false,
  { timeoutMs = 20_000, everyMs = 50, what = 'condition' } = {},
): Promise<Value> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`${what} did not hold within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
