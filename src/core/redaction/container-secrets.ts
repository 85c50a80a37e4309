import { createHash } from 'node:crypto';
import type { KnownValue } from './known-values.ts';
import { createRedactor, type LearningRedactor, type Redactor } from './redactor.ts';
import { type SecretFile, type SecretFiles, secretsIn, valuesOf } from './secret-files.ts';

/**
 * The variables of one container and what its files of secrets hold, for redaction alone: their values
 * are taken out of what the container says, however they are written there. They are in no property,
 * so that nothing that prints, copies or stores a container can take them along.
 */
export class ContainerSecrets {
  #env: readonly string[];
  #ofFiles: readonly KnownValue[] = [];
  #redactor: LearningRedactor | undefined;
  #digest: string | undefined;

  /** @param env `NAME=VALUE`, as Docker has them */
  constructor(env: readonly string[]) {
    this.#env = env;
  }

  /** One redactor for as long as the container is looked at: a secret keeps its number. */
  get redactor(): Redactor {
    if (this.#redactor === undefined) {
      this.#digest = this.#digestOf();
      // The variables first: they are not pushed out by however much a file holds.
      const values = [...this.#env.flatMap(valuesOf), ...this.#ofFiles];
      this.#redactor = createRedactor({ values });
      this.#env = [];
      this.#ofFiles = [];
    }
    return this.#redactor;
  }

  /** Takes out from now on what these files hold, also through a redactor that was given out before. */
  learn(files: readonly SecretFile[], names: SecretFiles['names']): void {
    const values = secretsIn(files, names);
    if (this.#redactor === undefined) this.#ofFiles = [...this.#ofFiles, ...values];
    else this.#redactor.learn(values);
  }

  /**
   * Whether another container has the same variables, values among them, in whatever order. What files
   * hold does not count: that is no configuration, and it is known only later.
   */
  isSameAs(other: ContainerSecrets): boolean {
    return this.#digestOf() === other.#digestOf();
  }

  #digestOf(): string {
    this.#digest ??= createHash('sha256')
      .update(JSON.stringify(this.#env.toSorted()))
      .digest('hex');
    return this.#digest;
  }

  toJSON(): undefined {
    return undefined;
  }
}

/** Takes out what is secret to any of several containers; some may be unknown. */
export function redactorOf(
  containers: readonly (ContainerSecrets | undefined)[],
): Pick<Redactor, 'redact'> {
  const redactors = containers.flatMap((secrets) =>
    secrets === undefined ? [] : [secrets.redactor],
  );
  // What is secret by its form is found without any.
  if (redactors.length === 0) return createRedactor();
  return { redact: (text) => redactors.reduce((rest, redactor) => redactor.redact(rest), text) };
}
