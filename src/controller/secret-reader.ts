import type { ContainerSecrets } from '#core/redaction/container-secrets.ts';
import type { ObservedContainer } from '#core/workload/container.ts';
import { withDeadline } from '#lib/deadline.ts';
import { createLimiter } from '#lib/limiter.ts';
import type { Clock } from '#ports/clock.ts';
import type { ContainerRuntime } from '#ports/container-runtime.ts';

export interface SecretReaderOptions {
  readonly runtime: Pick<ContainerRuntime, 'readSecretFiles'>;
  readonly clock: Clock;
  /** Ends what is being read. */
  readonly signal: AbortSignal;
  readonly onWarning: (message: string, cause: unknown) => void;
}

/** Of one container, in all. */
const READ_WITHIN_MS = 5_000;
/** Each makes the engine mount and pack something. */
const READS_AT_ONCE = 4;
/** An engine that does not answer is asked again with a later look at the container. */
const ATTEMPTS_MAX = 3;

interface Reading {
  attempts: number;
  /** Absent when another attempt may be made. */
  ended: Promise<void> | undefined;
}

/**
 * Has the files of secrets of each container read, once, for redaction alone. What they hold goes to
 * the container's {@link ContainerSecrets}, and is forgotten with them.
 */
export class SecretReader {
  readonly #options: SecretReaderOptions;
  readonly #readings = new WeakMap<ContainerSecrets, Reading>();
  readonly #reads = createLimiter(READS_AT_ONCE);

  constructor(options: SecretReaderOptions) {
    this.#options = options;
  }

  /**
   * Begins to read unless that was done. Resolves when it is over, well or not, and at once where there
   * is nothing to read; never rejects.
   *
   * @param container as the fleet has it: its secrets are those that others redact with
   */
  async read(container: ObservedContainer): Promise<void> {
    const { secrets, secretFiles, state } = container;
    // Compose copies files into a container between its creation and its start.
    if (secrets === undefined || secretFiles === undefined || state === 'created') return;
    const reading = this.#readings.get(secrets) ?? { attempts: 0, ended: undefined };
    this.#readings.set(secrets, reading);
    reading.ended ??= this.#attempt(container, secrets, reading);
    await reading.ended;
  }

  async #attempt(
    container: ObservedContainer,
    secrets: ContainerSecrets,
    reading: Reading,
  ): Promise<void> {
    const { runtime, clock, signal: stopped, onWarning } = this.#options;
    reading.attempts += 1;
    try {
      const { files, problems } = await this.#reads.run(() =>
        withDeadline(
          clock,
          READ_WITHIN_MS,
          (signal) => runtime.readSecretFiles(container, signal),
          stopped,
        ),
      );
      secrets.learn(files, container.secretFiles?.names ?? new Map());
      if (problems.length > 0) {
        const cause = `${container.name}: ${problems.join('; ')}`;
        onWarning('secrets in files are not known to redaction', cause);
      }
    } catch (error) {
      if (stopped.aborted) return;
      if (reading.attempts < ATTEMPTS_MAX) reading.ended = undefined;
      else onWarning('files of secrets were not read: redaction does not know them', error);
    }
  }
}
