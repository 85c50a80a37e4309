import { isJsonObject, type JsonObject, type JsonValue } from '#lib/json.ts';

/**
 * What constrained decoding does not know, or not everywhere: left out of what is sent, and checked
 * here all the same.
 */
const NOT_SENT: ReadonlySet<string> = new Set([
  '$schema',
  '$id',
  'title',
  'default',
  'examples',
  'format',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minItems',
  'maxItems',
  'uniqueItems',
]);

/** Members whose own members are names, not keywords. */
const NAMED: ReadonlySet<string> = new Set(['properties', '$defs']);
const LITERAL: ReadonlySet<string> = new Set(['enum', 'const', 'required']);

/** The schema as it is sent. */
export function wireSchema(schema: JsonObject): JsonObject {
  const entries = Object.entries(schema)
    .filter(([keyword]) => !NOT_SENT.has(keyword))
    .map(([keyword, value]) => [keyword, sentValue(keyword, value)]);
  return Object.fromEntries(entries) as JsonObject;
}

function sentValue(keyword: string, value: JsonValue): JsonValue {
  if (LITERAL.has(keyword)) return value;
  if (Array.isArray(value))
    return value.map((item) => (isJsonObject(item) ? wireSchema(item) : item));
  if (!isJsonObject(value)) return value;
  if (!NAMED.has(keyword)) return wireSchema(value);
  const entries = Object.entries(value).map(([name, member]) => [
    name,
    isJsonObject(member) ? wireSchema(member) : member,
  ]);
  return Object.fromEntries(entries) as JsonObject;
}

const ANY_OF_MAX = 5;

/**
 * Whether strict constrained decoding takes the schema: each object closed and each of its
 * properties required, no list of types, at most five alternatives.
 */
export function fitsStrict(schema: JsonValue): boolean {
  if (Array.isArray(schema)) return schema.every(fitsStrict);
  if (!isJsonObject(schema)) return true;
  const { type, anyOf } = schema;
  if (Array.isArray(type) || (Array.isArray(anyOf) && anyOf.length > ANY_OF_MAX)) return false;
  return isClosed(schema) && Object.entries(schema).every(([name, value]) => fits(name, value));
}

function fits(keyword: string, value: JsonValue): boolean {
  if (LITERAL.has(keyword)) return true;
  const isNamed = NAMED.has(keyword) && isJsonObject(value);
  return isNamed ? Object.values(value).every(fitsStrict) : fitsStrict(value);
}

/** Takes no property that it does not name, and needs each that it names. */
function isClosed({ type, properties, required, additionalProperties }: JsonObject): boolean {
  if (type !== 'object' && properties === undefined) return true;
  const names = Object.keys(properties ?? {});
  const needed = new Set(Array.isArray(required) ? required : []);
  return additionalProperties === false && names.every((name) => needed.has(name));
}
