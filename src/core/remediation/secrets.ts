import type { JsonObject, JsonValue } from '#lib/json.ts';

export type ResolvedArguments =
  | { readonly ok: true; readonly arguments: JsonObject }
  /** The name of the first secret that is not set. */
  | { readonly ok: false; readonly missing: string };

/**
 * Fills every `{ $secret: NAME }` in, right before a call: the value is in no record, log or prompt.
 *
 * @param lookup `undefined` for a secret that is not set
 */
export function resolveSecrets(
  args: JsonObject,
  lookup: (name: string) => string | undefined,
): ResolvedArguments {
  const missing: string[] = [];
  const fill = (value: JsonValue): JsonValue => {
    if (Array.isArray(value)) return value.map(fill);
    if (typeof value !== 'object' || value === null) return value;
    const name = secretName(value as JsonObject);
    if (name === undefined) {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fill(item)]));
    }
    const secret = lookup(name);
    if (secret === undefined) missing.push(name);
    return secret ?? null;
  };
  const filled = fill(args) as JsonObject;
  const [first] = missing;
  return first === undefined ? { ok: true, arguments: filled } : { ok: false, missing: first };
}

function secretName(value: JsonObject): string | undefined {
  const { $secret: name } = value;
  return Object.keys(value).length === 1 && typeof name === 'string' ? name : undefined;
}
