import { isJsonObject, type JsonValue } from '#lib/json.ts';

/** The same value with each string in it changed, names of members too. */
export function mapStrings(value: JsonValue, change: (text: string) => string): JsonValue {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, change));
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).map(([name, member]) => [
    change(name),
    mapStrings(member, change),
  ]);
  return Object.fromEntries(entries) as JsonValue;
}
