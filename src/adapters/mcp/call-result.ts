import type { JsonObject, JsonValue } from '#lib/json.ts';
import type { ActionResult } from '#ports/action-runner.ts';
import type { BuiltinResult } from '#ports/builtin-actions.ts';
import { StructuredResult } from './builtin-definitions.ts';
import { foreignText } from './foreign-text.ts';
import type { CallResult } from './mcp-connection.ts';
import type { ToolSchemas } from './tool-schemas.ts';

const TEXT_CHARACTERS_MAX = 64 * 1024;
/** The Docker MCP Gateway holds a result back that looks like a secret: after the work is done. */
const HELD_BACK = /secret is being leaked/i;

/** What a built-in tool says of itself. Anything else than its own schema makes no sense. */
export function builtinResult({ structuredContent }: CallResult): BuiltinResult {
  const parsed = StructuredResult.safeParse(structuredContent);
  if (!parsed.success) return unknown('the server’s answer is not a result of a built-in tool');
  const { outcome, reason, message = '', result, forbidden } = parsed.data;
  const more = forbidden === true ? { forbidden } : {};
  switch (outcome) {
    case 'Succeeded':
      return result === undefined
        ? unknown('the server’s answer has no result')
        : { outcome, result, ...more };
    case 'NotExecuted':
      return { outcome, reason: reason ?? 'Unspecified', message, ...more };
    case 'Failed':
    case 'OutcomeUnknown':
      return { outcome, message, ...more };
  }
}

/** What a tool of another server says: it failed, or it gave what its output schema promises. */
export function foreignResult(answer: CallResult, schemas: ToolSchemas | undefined): ActionResult {
  const text = textOf(answer);
  if (HELD_BACK.test(text)) return unknown(foreignText(text));
  if (answer.isError === true) return { outcome: 'Failed', message: foreignText(text) };
  const { structuredContent } = answer;
  const problem = schemas?.outputProblem(structuredContent);
  if (problem !== undefined) {
    // Names of members are the server's words too.
    return unknown(`the tool broke its output schema: ${foreignText(problem)}`);
  }
  return { outcome: 'Succeeded', result: { text, ...bounded(structuredContent) } };
}

function textOf({ content }: CallResult): string {
  const texts = content.flatMap(({ type, ['text']: text }) =>
    type === 'text' && typeof text === 'string' ? [text] : [],
  );
  return texts.join('\n').slice(0, TEXT_CHARACTERS_MAX);
}

function bounded(structured: Readonly<Record<string, JsonValue>> | undefined): JsonObject {
  if (structured === undefined) return {};
  const isSmall = JSON.stringify(structured).length <= TEXT_CHARACTERS_MAX;
  return isSmall ? { structured } : { structuredOmitted: true };
}

function unknown(message: string): {
  readonly outcome: 'OutcomeUnknown';
  readonly message: string;
} {
  return { outcome: 'OutcomeUnknown', message };
}
