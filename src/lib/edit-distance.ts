/** Longer words are not compared: nobody mistypes them into something recognisable. */
const LENGTH_MAX = 64;

/**
 * The known word that was probably meant, for "did you mean".
 *
 * @returns `undefined` when nothing is near enough: a wrong hint is worse than none
 */
export function closest(word: string, known: Iterable<string>): string | undefined {
  if (word.length > LENGTH_MAX) return undefined;
  const plain = word.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    if (candidate === word || candidate.length > LENGTH_MAX) continue;
    const distance = editDistance(plain, candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best ?? continuation(plain, known);
}

/** The only known word that the given one is the beginning of: `timeout`, `timeoutSeconds`. */
function continuation(plain: string, known: Iterable<string>): string | undefined {
  if (plain.length < 4) return undefined;
  const longer = [...known].filter((candidate) => candidate.toLowerCase().startsWith(plain));
  return longer.length === 1 ? longer[0] : undefined;
}

/**
 * Insertions, deletions, replacements and swaps of neighbours that turn one word into the other
 * (optimal string alignment). Quadratic in the length.
 */
export function editDistance(from: string, to: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const same = from[row - 1] === to[column - 1];
      let cost = Math.min(
        at(previous, column) + 1,
        at(current, column - 1) + 1,
        at(previous, column - 1) + (same ? 0 : 1),
      );
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      if (row > 1 && column > 1 && swapped)
        cost = Math.min(cost, at(beforePrevious, column - 2) + 1);
      current.push(cost);
    }
    beforePrevious = previous;
    previous = current;
  }
  return at(previous, to.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
