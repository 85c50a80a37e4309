import { readFile } from 'node:fs/promises';
import Docker from 'dockerode';
import { ensureTestImage } from '../test/support/engine.ts';
import { SERVICES, type Service } from './services.ts';

const OWNER_LABEL = 'sre-sentinel.demo';

/** The project's name is taken: whatever carries it is not ours to touch. */
export class NameTakenError extends Error {
  override readonly name = 'NameTakenError';
}

/**
 * The containers that are broken and mended: one Compose project with a network of its own, built
 * from this machine's busybox. Everything in it carries the project's name and label.
 */
export class Stack implements AsyncDisposable {
  readonly project: string;
  readonly #docker = new Docker();

  private constructor(project: string) {
    this.project = project;
  }

  /** @throws {NameTakenError} something of that name is on the engine already; nothing was made */
  static async start(project: string): Promise<Stack> {
    const stack = new Stack(project);
    await stack.#refuseTakenNames();
    try {
      await stack.#create();
    } catch (error) {
      await stack[Symbol.asyncDispose]();
      throw error;
    }
    return stack;
  }

  /**
   * Resolves once everything runs and is healthy where it has a health check.
   *
   * @throws {Error} it is not within `withinMs`: with what Docker says of it
   */
  async untilWell(withinMs: number, signal: AbortSignal): Promise<void> {
    const deadlineMs = performance.now() + withinMs;
    for (;;) {
      signal.throwIfAborted();
      const all = await Promise.all(SERVICES.map(({ name }) => this.inspect(name)));
      const [unwell] = all.filter(
        ({ State }) => !State.Running || (State.Health?.Status ?? 'healthy') !== 'healthy',
      );
      if (unwell === undefined) return;
      if (performance.now() > deadlineMs) {
        const { Status, Health } = unwell.State;
        const said = Health?.Log.at(-1)?.Output.trim() ?? '';
        const probe = Health === undefined ? '' : ` and ${Health.Status} (${said || 'no output'})`;
        throw new Error(
          `${unwell.Name.slice(1)} is ${Status}${probe}. On an engine without iptables, ` +
            'beside another one, containers cannot reach each other.',
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  /** Runs a command inside, as a saboteur would. It leaves no trace that looks like a person's stop. */
  async exec(service: string, ...command: string[]): Promise<void> {
    const exec = await this.#container(service).exec({ Cmd: command, AttachStdout: true });
    const stream = await exec.start({});
    stream.resume();
    await new Promise((resolve, reject) => stream.on('end', resolve).on('error', reject));
    const { ExitCode } = await exec.inspect();
    if (ExitCode !== 0)
      throw new Error(`${command.join(' ')} in ${service}: exit code ${ExitCode}`);
  }

  async inspect(service: string): Promise<Docker.ContainerInspectInfo> {
    return this.#container(service).inspect();
  }

  /** Names of containers of this project that are no service's: set aside, or made and not named yet. */
  async surplus(): Promise<string[]> {
    const filters = { label: [`${OWNER_LABEL}=${this.project}`] };
    const containers = await this.#docker.listContainers({ all: true, filters });
    const expected = SERVICES.map(({ name }) => `/${this.#nameOf(name)}`);
    return containers.flatMap(({ Names }) => Names).filter((name) => !expected.includes(name));
  }

  /** Removes what carries this project's label: also what Sentinel made or set aside. */
  async [Symbol.asyncDispose](): Promise<void> {
    const filters = { label: [`${OWNER_LABEL}=${this.project}`] };
    for (let left = 3; left > 0; left -= 1) {
      const containers = await this.#docker.listContainers({ all: true, filters });
      if (containers.length === 0) break;
      await Promise.all(
        containers.map(async ({ Id }) => {
          await this.#docker.getContainer(Id).remove({ force: true, v: true }).catch(ignoreGone);
        }),
      );
    }
    const { Volumes } = await this.#docker.listVolumes({ filters });
    for (const { Name } of Volumes ?? []) {
      await this.#docker.getVolume(Name).remove().catch(ignoreGone);
    }
    for (const { Id } of await this.#docker.listNetworks({ filters })) {
      await this.#docker.getNetwork(Id).remove().catch(ignoreGone);
    }
  }

  async #create(): Promise<void> {
    const image = await ensureTestImage(this.#docker);
    const network = await this.#docker.createNetwork({
      Name: this.project,
      Labels: this.#labels(),
      CheckDuplicate: true,
    });
    // All of them to their end: what is still being made could not be removed.
    const made = await Promise.allSettled(
      SERVICES.map((service) => this.#run(service, image, network.id)),
    );
    for (const one of made) if (one.status === 'rejected') throw one.reason as Error;
  }

  #container(service: string): Docker.Container {
    return this.#docker.getContainer(this.#nameOf(service));
  }

  #nameOf(service: string): string {
    return `${this.project}-${service}-1`;
  }

  #labels(): Record<string, string> {
    return { [OWNER_LABEL]: this.project };
  }

  async #refuseTakenNames(): Promise<void> {
    const [containers, networks, { Volumes }] = await Promise.all([
      this.#docker.listContainers({ all: true }),
      this.#docker.listNetworks(),
      this.#docker.listVolumes(),
    ]);
    const names = [
      ...containers.flatMap(({ Names }) => Names.map((name) => name.replace(/^\//, ''))),
      ...networks.map(({ Name }) => Name),
      ...(Volumes ?? []).map(({ Name }) => Name),
    ];
    const taken = names.find(
      (name) => name === this.project || name.startsWith(`${this.project}-`),
    );
    if (taken === undefined) return;
    throw new NameTakenError(
      `${taken} is on the Docker Engine already; nothing was touched. Choose another --project.`,
    );
  }

  async #run(service: Service, image: string, networkId: string): Promise<void> {
    const { name, dependsOn, health, volume, limits, restart } = service;
    const script = await readFile(new URL(`./services/${name}.sh`, import.meta.url), 'utf8');
    const volumeName = `${this.project}-${name}`;
    if (volume !== undefined) {
      await this.#docker.createVolume({ Name: volumeName, Labels: this.#labels() });
    }
    const container = await this.#docker.createContainer({
      name: this.#nameOf(name),
      Image: image,
      Cmd: ['sh', '-c', script],
      Labels: {
        ...this.#labels(),
        'com.docker.compose.project': this.project,
        'com.docker.compose.service': name,
        'com.docker.compose.container-number': '1',
        'com.docker.compose.oneoff': 'False',
        ...(dependsOn === undefined ? {} : { 'com.docker.compose.depends_on': dependsOn }),
      },
      ...(health === undefined ? {} : { Healthcheck: health }),
      HostConfig: {
        NetworkMode: networkId,
        Tmpfs: { '/run': 'size=64k' },
        RestartPolicy: { Name: restart ?? 'no' },
        ...(volume === undefined ? {} : { Binds: [`${volumeName}:${volume}`] }),
        ...limits,
      },
      NetworkingConfig: { EndpointsConfig: { [networkId]: { Aliases: [name] } } },
    });
    await container.start();
  }
}

function ignoreGone(error: unknown): void {
  const { statusCode } = error as { statusCode?: number };
  if (statusCode !== 404 && statusCode !== 409) throw error;
}
