const CHARACTERS_MAX = 2_000;

/**
 * Words of another server, fit to stand in a message: of bounded length, on one line, without
 * control characters. They stay hostile: whoever shows them to a model fences them first.
 */
export function foreignText(text: string): string {
  return text
    .slice(0, CHARACTERS_MAX)
    .replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ')
    .trim();
}
