import { createContext, runInContext } from 'node:vm';
import type { Ajv2020, ErrorObject, ValidateFunction } from 'ajv/dist/2020.js';
import { compilePattern } from '#core/policy/pattern.ts';
import type { ToolDefinition } from './tool-definition.ts';

/** Checks that the two schemas of a listed tool ask for; each compiled when it is first needed. */
export interface ToolSchemas {
  /** See `ToolDescription.validate`. */
  problems(args: unknown, dynamic?: readonly string[]): readonly string[];
  /** Why the structured content is not what the tool promised; `undefined` when it is. */
  outputProblem(structured: unknown): string | undefined;
}

/** ajv is loaded when the first server lists its tools. */
export async function prepareSchemas(
  tools: readonly ToolDefinition[],
): Promise<ReadonlyMap<string, ToolSchemas>> {
  const { Ajv2020: Ajv } = await import('ajv/dist/2020.js');
  // One for each schema: what one of them calls itself must not be what another refers to.
  const newAjv = () =>
    new Ajv({
      strict: false,
      allErrors: true,
      validateFormats: false,
      code: { regExp: linearPattern },
    });
  return new Map(tools.map((tool) => [tool.name, schemasOf(newAjv, tool)]));
}

function schemasOf(
  newAjv: () => Ajv2020,
  { inputSchema, outputSchema }: ToolDefinition,
): ToolSchemas {
  const input = once(() => compile(newAjv(), inputSchema));
  const output = once(() =>
    outputSchema === undefined ? undefined : compile(newAjv(), outputSchema),
  );
  return {
    problems(args, dynamic = []) {
      const errors = errorsOf(input(), args);
      if (errors === undefined) return ['its input schema cannot be used'];
      return errors.filter((it) => !concerns(it, dynamic)).map(describe);
    },
    outputProblem(structured) {
      if (outputSchema === undefined) return undefined;
      const check = output();
      if (check === undefined) return 'its output schema cannot be used';
      if (structured === undefined) return 'it has an output schema and gave no structured content';
      const errors = errorsOf(check, structured);
      if (errors === undefined) return 'its output schema cannot be used';
      return errors.length === 0 ? undefined : errors.map(describe).join(', ');
    },
  };
}

/** @returns `undefined` when the schema cannot be used, or not for this value */
function errorsOf(
  check: ValidateFunction | undefined,
  value: unknown,
): readonly ErrorObject[] | undefined {
  if (check === undefined) return undefined;
  const isValid = bounded(() => check(value));
  if (isValid === undefined) return undefined;
  return isValid ? [] : (check.errors ?? []);
}

/** Far above what any honest schema needs. */
const CHECK_MS_MAX = 1_000;
const CONTEXT = createContext({});

/**
 * A schema may refer to itself without end, or twice at each of thirty levels: what takes more than
 * a second, or more than the stack, is given up.
 *
 * @returns `undefined` when it was given up
 */
function bounded<Value>(work: () => Value): Value | undefined {
  try {
    Object.assign(CONTEXT, { work });
    return runInContext('work()', CONTEXT, { timeout: CHECK_MS_MAX }) as Value;
  } catch {
    return undefined;
  }
}

/**
 * A pattern of theirs as ajv wants it, in the engine that cannot be made to backtrack for minutes.
 * What that engine does not know makes the schema one that cannot be used.
 */
function linearPattern(source: string) {
  const compiled = compilePattern(source);
  if (!compiled.ok) throw new Error(compiled.message);
  const { pattern } = compiled;
  // By its text ajv tells one pattern from another.
  return { test: (text: string) => pattern.matches(text), toString: () => source };
}
linearPattern.code = 'linearPattern';

function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** A schema that cannot be compiled lets nothing pass. */
function compile(
  ajv: Ajv2020,
  schema: Readonly<Record<string, unknown>>,
): ValidateFunction | undefined {
  // What ajv makes of this answers with a promise, which passes for yes; its rejection is nobody's.
  if (schema['$async'] !== undefined) return undefined;
  // An older dialect's name would be refused, though what tools use of it means the same.
  const plain = Object.entries(schema).filter(([key]) => key !== '$schema' && key !== '$id');
  return bounded(() => ajv.compile(Object.fromEntries(plain)));
}

function concerns({ instancePath, params }: ErrorObject, names: readonly string[]): boolean {
  const [, first = ''] = instancePath.split('/');
  const missing = (params as { readonly missingProperty?: unknown }).missingProperty;
  return names.includes(first) || (first === '' && names.includes(String(missing)));
}

function describe({ instancePath, message = 'is invalid' }: ErrorObject): string {
  const path = instancePath.slice(1).replaceAll('/', '.');
  return path === '' ? message : `${path}: ${message}`;
}
