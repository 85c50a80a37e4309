import type { ErrorObject, ValidateFunction } from 'ajv/dist/2020.js';
import type { JsonObject, JsonValue } from '#lib/json.ts';
import { lenient } from './lenient.ts';
import { parseJson } from './reply.ts';

/** Far above what any schema of ours asks for. */
const ANSWER_CHARS_MAX = 64 * 1024;
const DEPTH_MAX = 16;
const PROBLEMS_MAX = 5;

export type Judged =
  | { readonly ok: true; readonly value: JsonValue }
  /** For the model, and for people: our words, and names that stand in the schema. */
  | { readonly ok: false; readonly problem: string };

/** @param clean what is done to the value before it is checked */
export type JudgeAnswer = (text: string, clean?: (value: JsonValue) => JsonValue) => Judged;

/** Reads and checks answers against a schema. ajv is loaded with the first. */
export async function createJudge(schema: JsonObject): Promise<JudgeAnswer> {
  const { Ajv2020: Ajv } = await import('ajv/dist/2020.js');
  const check = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(schema);
  return (text, clean = (value) => value) =>
    judge(text, (value) => lenient(clean(value), schema), check);
}

function judge(
  text: string,
  clean: (value: JsonValue) => JsonValue,
  check: ValidateFunction,
): Judged {
  if (text.length > ANSWER_CHARS_MAX) return no(`it is longer than ${ANSWER_CHARS_MAX} characters`);
  const found = findJson(text);
  if (found === 'none') return no('it holds no JSON object');
  if (found === 'deep') return no(`it is nested deeper than ${DEPTH_MAX}`);
  const parsed = parseJson(found.json) ?? parseJson(mended(found.json));
  if (parsed === undefined) return no('its JSON cannot be parsed');
  const value = clean(parsed as JsonValue);
  // ajv's own check of finite numbers covers only those that the schema calls numbers.
  if (!isBounded(value)) return no('it holds a number without bound');
  if (check(value)) return { ok: true, value };
  const problems = (check.errors ?? []).slice(0, PROBLEMS_MAX).map(describe);
  return no(problems.join('; '));
}

function no(problem: string): Judged {
  return { ok: false, problem };
}

/** Without commas before a closing bracket, and with line breaks in strings escaped. */
function mended(json: string): string {
  return json.replaceAll(/"(?:[^"\\]|\\[\s\S])*"|,(?=\s*[}\]])/g, (part) =>
    part === ',' ? '' : part.replaceAll('\n', '\\n').replaceAll('\t', '\\t'),
  );
}

/** A reasoning model may think aloud first, where its server does not part the two. */
const THOUGHT = /^\s*<think>[\s\S]*?(?:<\/think>|$)/;

/**
 * The first JSON object of a text: models wrap it in Markdown or begin with a sentence. Each
 * character is looked at once.
 */
function findJson(text: string): { readonly json: string } | 'none' | 'deep' {
  const said = text.replace(THOUGHT, '');
  const start = said.indexOf('{');
  if (start < 0) return 'none';
  let depth = 0;
  for (const { 0: mark, index } of said.slice(start).matchAll(MARKS)) {
    if (mark === '{' || mark === '[') depth += 1;
    else if (mark === '}' || mark === ']') depth -= 1;
    if (depth > DEPTH_MAX) return 'deep';
    if (depth === 0) return { json: said.slice(start, start + index + 1) };
  }
  return 'none';
}

/**
 * Strings, in which brackets mean nothing, and brackets. A string that does not end hides the rest;
 * from each quote on something matches, so that nothing is looked at twice.
 */
const MARKS = /"(?:[^"\\]|\\[\s\S])*(?:"|\\?$)|[{}[\]]/g;

function isBounded(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return true;
  return Object.values(value).every(isBounded);
}

function describe({ instancePath, keyword, message = 'is invalid', params }: ErrorObject): string {
  const path = instancePath.slice(1).replaceAll('/', '.');
  const allowed = keyword === 'enum' ? ` ${JSON.stringify(params['allowedValues'])}` : '';
  // A member that the schema does not know is the model's word: it is not repeated.
  return `${path === '' ? 'it' : path} ${message}${allowed}`.slice(0, 300);
}
