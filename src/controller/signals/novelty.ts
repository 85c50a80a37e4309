/** Tells lines of a kind that a workload has never written before. One detector per workload. */
export interface NoveltyDetector {
  /**
   * Takes a line in and tells whether it is of a new kind.
   *
   * @param atMs controller milliseconds
   * @param learning true: whatever the line is, it is normal (a start)
   */
  isNovel(text: string, atMs: number, learning: boolean): boolean;
}

/** In what it has learned nothing is novel: until so many lines, or for so long with a few. */
const LEARNED_LINES = 1_000;
const LEARNED_MS = 300_000;
const LEARNED_LINES_MIN = 50;
const TEMPLATES_MAX = 5_000;
const TEMPLATE_CHARACTERS = 1_024;

const QUOTED = /"[^"]*"|'[^']*'/g;
const WORD = /[\w.-]+/g;
const VARIABLE = /\d|^[a-f]{8,}$/i;

/**
 * Lines are of one kind when they are equal once everything variable is masked: quoted text, and
 * words with a digit in them. A workload whose lines are too various to be told apart this way has
 * no novel lines.
 */
export function createTemplateNovelty(): NoveltyDetector {
  const known = new Set<number>();
  let lines = 0;
  let beganAtMs: number | undefined;

  function hasLearned(atMs: number): boolean {
    beganAtMs ??= atMs;
    lines += 1;
    if (lines > LEARNED_LINES) return true;
    return lines > LEARNED_LINES_MIN && atMs - beganAtMs >= LEARNED_MS;
  }

  return {
    isNovel(text, atMs, learning) {
      const learned = hasLearned(atMs);
      const template = hash(maskLine(text));
      if (known.has(template)) return false;
      if (known.size >= TEMPLATES_MAX) return false;
      known.add(template);
      return learned && !learning;
    },
  };
}

export function maskLine(text: string): string {
  return text
    .slice(0, TEMPLATE_CHARACTERS)
    .replace(QUOTED, '*')
    .replace(WORD, (word) => (VARIABLE.test(word) ? '*' : word))
    .trim();
}

/** cyrb53: 53 bits, so that thousands of templates never meet by chance. */
function hash(text: string): number {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    high = Math.imul(high ^ code, 2_654_435_761);
    low = Math.imul(low ^ code, 1_597_334_677);
  }
  high =
    Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909);
  low =
    Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909);
  return 4_294_967_296 * (2_097_151 & low) + (high >>> 0);
}
