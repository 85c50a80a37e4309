import { cleanText } from '#core/redaction/foreign-text.ts';
import { createRedactor, type Redactor } from '#core/redaction/redactor.ts';
import type { JsonObject, JsonValue } from '#lib/json.ts';

type Redacting = Pick<Redactor, 'redact'>;

const TEXT_CHARS_MAX = 2_000;
const ITEMS_MAX = 100;
const DEPTH_MAX = 6;

/**
 * What a tool answered, fit for the journal: its texts redacted and without control characters,
 * everything bounded. A server is not trusted to be brief, nor a command's output to be harmless.
 */
export function recordableResult(
  result: JsonObject,
  redactor: Redacting = createRedactor(),
): Record<string, unknown> {
  return recordable(result, 0, redactor) as Record<string, unknown>;
}

export function recordableText(text: string, redactor?: Redacting): string {
  const clean = cleanText(text, redactor);
  return clean.length <= TEXT_CHARS_MAX ? clean : `${clean.slice(0, TEXT_CHARS_MAX)}…`;
}

function recordable(value: JsonValue, depth: number, redactor: Redacting): JsonValue {
  if (typeof value === 'string') return recordableText(value, redactor);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= DEPTH_MAX) return '…';
  if (Array.isArray(value)) {
    return value.slice(0, ITEMS_MAX).map((item) => recordable(item, depth + 1, redactor));
  }
  const entries = Object.entries(value).slice(0, ITEMS_MAX);
  return Object.fromEntries(
    entries.map(([key, item]) => [
      recordableText(key, redactor),
      recordable(item as JsonValue, depth + 1, redactor),
    ]),
  );
}
