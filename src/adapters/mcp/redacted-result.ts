import { cleanText } from '#core/redaction/foreign-text.ts';
import { redactExcerpt } from '#core/redaction/redact.ts';
import { withoutAnsi } from '#lib/ansi.ts';
import type { JsonObject, JsonValue } from '#lib/json.ts';
import { plainText } from '#lib/plain-text.ts';
import type { BuiltinResult } from '#ports/builtin-actions.ts';

/** A result as it may leave the process: every text in it cleaned of secrets and of what hides them. */
export function redactedResult(result: BuiltinResult): BuiltinResult {
  return result.outcome === 'Succeeded'
    ? { ...result, result: redactedObject(result.result) }
    : { ...result, message: redactedText(result.message) };
}

function redactedObject(value: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, redactedValue(item)]),
  );
}

function redactedValue(value: JsonValue): JsonValue {
  if (typeof value === 'string') return redactedText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (!Array.isArray(value)) return redactedObject(value as JsonObject);
  return value.every(isLine) ? redactedLines(value) : value.map(redactedValue);
}

type Line = JsonObject & { readonly text: string };

function isLine(item: JsonValue): item is Line {
  return (
    typeof item === 'object' && item !== null && 'text' in item && typeof item['text'] === 'string'
  );
}

/** A private key spans lines of a log: each by itself looks like nothing. */
function redactedLines(lines: readonly Line[]): Line[] {
  const texts = lines.map(({ text }) => plainText(withoutAnsi(text)));
  return redactExcerpt(texts).flatMap((text, index) =>
    text === undefined ? [] : [{ ...lines[index], text }],
  );
}

/** The output of a command may break off in the middle of a private key. */
function redactedText(text: string): string {
  return redactExcerpt(cleanText(text).split('\n'))
    .filter((line) => line !== undefined)
    .join('\n');
}
