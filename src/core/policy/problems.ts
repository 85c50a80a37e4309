import type { z } from 'zod';
import { closest } from '#lib/edit-distance.ts';
import type { JsonObject } from '#lib/json.ts';
import { fieldsAt } from './json-schema.ts';

export type DocumentPath = readonly (string | number)[];

/** Counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Something wrong, or doubtful, with a file; `path` is empty where it concerns the whole. */
export interface PolicyProblem extends Position {
  readonly file: string;
  /** As people write it: `spec.thresholds[2].above`. */
  readonly path: string;
  readonly message: string;
  readonly severity: 'error' | 'warning';
}

/** One document of a YAML file, and where its parts stand. */
export interface PolicyDocument {
  readonly file: string;
  readonly value: unknown;
  /** `main@sha1:…`, with `+dirty`; empty outside a git checkout. */
  readonly commit: string;
  /**
   * Where the value at a path begins, or its key; of what is not there, the nearest that is.
   */
  positionOf(path: DocumentPath, part?: 'key' | 'value'): Position;
}

/** A problem in a document before it has its place in the file. */
export interface Finding {
  readonly path: DocumentPath;
  readonly message: string;
  readonly part?: 'key' | 'value';
}

export function toProblem(
  document: PolicyDocument,
  { path, message, part }: Finding,
  severity: PolicyProblem['severity'] = 'error',
): PolicyProblem {
  return {
    file: document.file,
    ...document.positionOf(path, part),
    path: formatPath(path),
    message,
    severity,
  };
}

/** `file:line:column: error: path: message`, as compilers write it. */
export function formatProblem(problem: PolicyProblem): string {
  const { file, line, column, severity, path, message } = problem;
  return `${file}:${line}:${column}: ${severity}: ${path === '' ? '' : `${path}: `}${message}`;
}

export function formatPath(path: DocumentPath): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    if (!/^[\w$-]+$/.test(step)) return `${text}[${JSON.stringify(step)}]`;
    return text === '' ? step : `${text}.${step}`;
  }, '');
}

/** What the schema has against a document, in words for people, with a hint where one is near. */
export function findingsOf(error: z.ZodError, schema: JsonObject, value: unknown): Finding[] {
  return error.issues.flatMap((issue) => findingsOfIssue(issue, schema, value));
}

function findingsOfIssue(issue: z.core.$ZodIssue, schema: JsonObject, value: unknown): Finding[] {
  const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
  if (issue.code === 'unrecognized_keys') {
    const known = fieldsAt(schema, path);
    return issue.keys.map((key) => ({
      path: [...path, key],
      part: 'key',
      message: `unknown field ${key}${hint(key, known)}`,
    }));
  }
  // A map's key that is refused is reported at the map, with what is wrong inside.
  if (issue.code === 'invalid_key') {
    return issue.issues.map(({ message }) => ({ path, part: 'key', message }));
  }
  const actual = valueAt(value, path);
  const known = issue.code === 'invalid_value' ? issue.values.map(String) : [];
  if (actual === undefined && issue.code !== 'custom') {
    const choice = known.length === 0 ? '' : `: ${known.join(' or ')}`;
    return [{ path, message: `is required${choice}` }];
  }
  if (known.length > 0) {
    if (known.length === 1) return [{ path, message: `must be ${known[0]}` }];
    const near = typeof actual === 'string' ? hint(actual, known) : '';
    return [{ path, message: `must be one of ${known.join(', ')}${near}` }];
  }
  return [{ path, message: inWords(issue, actual) }];
}

function inWords(issue: z.core.$ZodIssue, actual: unknown): string {
  if (issue.code === 'invalid_type') {
    return `must be ${TYPE_WORDS[issue.expected] ?? issue.expected}, not ${describe(actual)}`;
  }
  if (issue.code === 'too_small') return bound(issue.origin, issue.minimum, 'at least');
  if (issue.code === 'too_big') return bound(issue.origin, issue.maximum, 'at most');
  return issue.message;
}

function bound(origin: string, limit: number | bigint, word: string): string {
  const unit = UNITS[origin];
  if (unit === undefined) return `must be ${word} ${limit}`;
  return `must have ${word} ${limit} ${Number(limit) === 1 ? unit.one : unit.many}`;
}

const UNITS: Readonly<Record<string, { readonly one: string; readonly many: string }>> = {
  string: { one: 'character', many: 'characters' },
  array: { one: 'item', many: 'items' },
  record: { one: 'entry', many: 'entries' },
};

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value === 'number' || typeof value === 'boolean') return `${value}`;
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return `the string ${JSON.stringify(value.slice(0, 40))}`;
  return typeof value === 'object' ? 'a mapping' : typeof value;
}

function hint(word: string, known: readonly string[]): string {
  const near = closest(word, known);
  return near === undefined ? '' : `; did you mean ${near}?`;
}

function valueAt(value: unknown, path: DocumentPath): unknown {
  let place = value;
  for (const step of path) {
    if (typeof place !== 'object' || place === null || !Object.hasOwn(place, step))
      return undefined;
    place = Reflect.get(place, step);
  }
  return place;
}
