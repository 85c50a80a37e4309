import { isJsonObject, type JsonObject, type JsonValue } from '#lib/json.ts';

/**
 * A value as small models mean it, where nothing holds them to the schema: numbers written as text or
 * as percent, a list written as text, a choice with a remark behind it. It adds no member, drops none, and
 * makes no choice that was not there; what it cannot read stays as it is, to be refused.
 */
export function lenient(value: JsonValue, schema: JsonObject): JsonValue {
  const { type, enum: choices, properties = null, items = null } = schema;
  if (Array.isArray(choices)) return choiceOf(value, choices as JsonValue[]);
  if (type === 'number') return numberOf(value, schema);
  if (type === 'array') {
    const list = typeof value === 'string' ? listOf(value) : value;
    const each = isJsonObject(items) ? items : {};
    return Array.isArray(list) ? list.map((item) => lenient(item, each)) : list;
  }
  if (!isJsonObject(properties) || !isJsonObject(value)) return value;
  // Members that nobody asked for stay, and the answer is refused for them.
  const members = Object.entries(value).map(([name, member]) => {
    const wanted = Object.hasOwn(properties, name) ? (properties[name] ?? null) : null;
    return [name, isJsonObject(wanted) ? lenient(member, wanted) : member];
  });
  return Object.fromEntries(members) as JsonValue;
}

/** `0.9`, `"0.9"`, `90` and `"90 %"` are the same where a share of one is asked for. */
function numberOf(value: JsonValue, { minimum, maximum }: JsonObject): JsonValue {
  const [, digits, percent = ''] =
    typeof value === 'string' ? (/^\s*(\d{1,9}(?:\.\d{1,9})?)\s*(%?)\s*$/.exec(value) ?? []) : [];
  const number = digits === undefined ? value : Number(digits);
  if (typeof number !== 'number' || minimum !== 0 || maximum !== 1) return number;
  const isPercent = percent !== '' || (number > 1 && number <= 100);
  return isPercent ? number / 100 : number;
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** The line of a list from which it was copied begins with it, and goes on behind a mark. */
function choiceOf(value: JsonValue, choices: readonly JsonValue[]): JsonValue {
  if (typeof value !== 'string' || choices.includes(value)) return value;
  const [said = ''] = value.trim().split(/\s*[:;(]/, 1);
  const same = choices.find(
    (choice) => typeof choice === 'string' && choice.toLowerCase() === said.toLowerCase(),
  );
  return same ?? value;
}
