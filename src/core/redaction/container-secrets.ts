import { createHash } from 'node:crypto';
import type { KnownValue } from './known-values.ts';
import { createRedactor, type Redactor } from './redactor.ts';

/**
 * The variables of one container, for redaction alone: their values are taken out of what the
 * container says, however they are written there. They are in no property, so that nothing that
 * prints, copies or stores a container can take them along.
 */
export class ContainerSecrets {
  #env: readonly string[];
  #redactor: Redactor | undefined;
  #digest: string | undefined;

  /** @param env `NAME=VALUE`, as Docker has them */
  constructor(env: readonly string[]) {
    this.#env = env;
  }

  /** One redactor for as long as the container is looked at: a secret keeps its number. */
  get redactor(): Redactor {
    if (this.#redactor === undefined) {
      this.#digest = this.#digestOf();
      this.#redactor = createRedactor({ values: this.#env.flatMap(valuesOf) });
      this.#env = [];
    }
    return this.#redactor;
  }

  /** Whether another container has the same variables, values among them, in whatever order. */
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

/** A variable, and what is secret within it: the password of a URL, say. */
function valuesOf(variable: string): KnownValue[] {
  const equals = variable.indexOf('=');
  if (equals < 0) return [];
  const name = variable.slice(0, equals);
  const value = variable.slice(equals + 1);
  const parts = createRedactor()
    .find(variable)
    .filter(({ start, end }) => start > equals && end - start < value.length)
    // Under this name it is judged as what it is: a password.
    .map(({ start, end, kind }) => ({
      name: kind.includes('token') ? 'TOKEN' : 'PASSWORD',
      value: variable.slice(start, end),
    }));
  return [{ name, value }, ...parts];
}
