import { cleanLine } from '#core/redaction/foreign-text.ts';

const CHARACTERS_MAX = 2_000;

/**
 * Words of another server, fit to stand in a message: on one line, of bounded length. They stay
 * hostile: whoever shows them to a model fences them first.
 */
export function foreignText(text: string): string {
  return cleanLine(text.slice(0, 2 * CHARACTERS_MAX))
    .slice(0, CHARACTERS_MAX)
    .trim();
}
