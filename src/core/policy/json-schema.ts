import { z } from 'zod';
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/json.ts';
import { SentinelConfig } from './config-schema.ts';
import { SentinelPolicy } from './schema.ts';

/** JSON Schema (draft 2020-12) of the policies that people write, for editors and other tools. */
export function policyJsonSchema(): JsonObject {
  return withTitle(SentinelPolicy, 'SentinelPolicy');
}

/** JSON Schema (draft 2020-12) of `sentinel.yaml`. */
export function configJsonSchema(): JsonObject {
  return withTitle(SentinelConfig, 'SentinelConfig');
}

function withTitle(schema: z.ZodType, title: string): JsonObject {
  // The library's type leaves functions open; what it writes is JSON.
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input' }) as unknown as JsonObject;
  return {
    $schema: $schema ?? 'https://json-schema.org/draft/2020-12/schema',
    $id: `https://sre-sentinel.io/schemas/v1alpha1/${title.toLowerCase()}.json`,
    title,
    ...withoutSafeBounds(rest),
  };
}

/** The bounds of what a double holds exactly, which every integer gets, tell a reader nothing. */
function withoutSafeBounds(schema: JsonObject): JsonObject {
  return mapObjects(schema, (object) =>
    Object.fromEntries(
      Object.entries(object).filter(
        ([word, value]) =>
          !(word === 'maximum' && value === Number.MAX_SAFE_INTEGER) &&
          !(word === 'minimum' && value === Number.MIN_SAFE_INTEGER),
      ),
    ),
  );
}

/** Rebuilds every object in a value, the innermost first. */
export function mapObjects(
  value: JsonObject,
  change: (object: JsonObject) => JsonObject,
): JsonObject {
  const visit = (item: JsonValue): JsonValue => {
    if (Array.isArray(item)) return item.map(visit);
    return isJsonObject(item) ? mapObjects(item, change) : item;
  };
  return change(
    Object.fromEntries(Object.entries(value).map(([name, item]) => [name, visit(item)])),
  );
}

/**
 * Names of the fields that an object at a path may have; empty where the schema does not say.
 *
 * @param path names and positions from the top of the document
 */
export function fieldsAt(
  schema: JsonObject,
  path: readonly (string | number)[],
): readonly string[] {
  let place: JsonValue | undefined = schema;
  for (const step of path) {
    if (place === undefined || !isJsonObject(place)) return [];
    const properties: JsonValue | undefined = place['properties'];
    place =
      typeof step === 'number'
        ? place['items']
        : properties !== undefined && isJsonObject(properties) && Object.hasOwn(properties, step)
          ? properties[step]
          : undefined;
  }
  const properties = place !== undefined && isJsonObject(place) ? place['properties'] : undefined;
  return properties !== undefined && isJsonObject(properties) ? Object.keys(properties) : [];
}
