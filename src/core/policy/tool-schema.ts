import { isJsonObject, type JsonObject, type JsonValue } from '#lib/json.ts';
import type { ExpressionType } from './cel.ts';

/** What a value is known to be before it exists. */
export type KnownType = ExpressionType | 'null' | 'list' | 'object';

const JSON_TYPES: Readonly<Record<string, readonly string[]>> = {
  int: ['integer', 'number'],
  double: ['number'],
  string: ['string'],
  bool: ['boolean'],
  null: ['null'],
  object: ['object'],
  list: ['array'],
};

/**
 * Says why a value of a type cannot stand where a JSON Schema has its say.
 *
 * @param schema of the tool's whole input
 * @param path where the value stands in it; numbers are positions in an array
 * @returns `undefined` when it may, or when the schema does not tell (a $ref, no type)
 */
export function typeMismatch(
  schema: JsonValue | undefined,
  path: readonly (string | number)[],
  type: KnownType,
): string | undefined {
  const places = descend(schema, path);
  if (places.length === 0 || places.some((place) => admits(place, type))) return undefined;
  const wanted = [...new Set(places.flatMap(typesOf))];
  return `is of type ${type}, where the tool takes ${wanted.join(' or ')}`;
}

/** Every schema that may speak of the value at the path; none when one of them cannot be followed. */
function descend(
  schema: JsonValue | undefined,
  path: readonly (string | number)[],
): readonly JsonObject[] {
  let places = alternatives(schema);
  for (const step of path) {
    places = places.flatMap((place) => alternatives(child(place, step)));
  }
  return places;
}

function alternatives(schema: JsonValue | undefined): readonly JsonObject[] {
  if (schema === undefined || !isJsonObject(schema)) return [];
  for (const word of ['anyOf', 'oneOf']) {
    const options = schema[word];
    if (Array.isArray(options)) return options.flatMap(alternatives);
  }
  return [schema];
}

function child(schema: JsonObject, step: string | number): JsonValue | undefined {
  if (typeof step === 'number') return schema['items'];
  const { properties, additionalProperties } = schema;
  if (properties !== undefined && isJsonObject(properties) && Object.hasOwn(properties, step)) {
    return properties[step];
  }
  return additionalProperties;
}

function admits(place: JsonObject, type: KnownType): boolean {
  const wanted = typesOf(place);
  if (wanted.length === 0) return true;
  const element = /^list<(?<of>\w+)>$/.exec(type)?.groups?.['of'];
  if (element === undefined) return (JSON_TYPES[type] ?? []).some((it) => wanted.includes(it));
  if (!wanted.includes('array')) return false;
  const items = alternatives(place['items']);
  return items.length === 0 || items.some((item) => admits(item, element as KnownType));
}

function typesOf(place: JsonObject): readonly string[] {
  const { type } = place;
  if (typeof type === 'string') return [type];
  return Array.isArray(type) ? type.filter((it) => typeof it === 'string') : [];
}

/** The type of a literal. */
export function typeOfLiteral(value: JsonValue): KnownType {
  if (value === null) return 'null';
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'double';
  return isJsonObject(value) ? 'object' : 'list';
}
