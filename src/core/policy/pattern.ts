import { RE2JS, RE2JSSyntaxException } from 're2js';

/** A user's pattern, compiled. Matching takes time linear in the line, whatever the pattern. */
export interface CompiledPattern {
  readonly source: string;
  /** Whether the pattern occurs anywhere in the text. */
  matches(text: string): boolean;
}

export type PatternResult =
  | { readonly ok: true; readonly pattern: CompiledPattern }
  | {
      readonly ok: false;
      readonly message: string;
      /** Offset in the pattern of what is wrong; 0 where the engine does not say. */
      readonly position: number;
    };

/** Bounds what one pattern costs to compile; the schema sets the same bound for `pattern`. */
const PATTERN_LENGTH_MAX = 1000;
/**
 * Bounds what a match costs for each character of a line: a repetition such as `.{999}` is a
 * thousand instructions, so that a pattern of 1000 characters could have 165,000 of them and need
 * seconds for one line.
 */
const PROGRAM_SIZE_MAX = 4_000;

/**
 * Compiles a pattern in RE2 syntax. Look-around and back-references do not exist there, which is
 * what makes the matching time linear: log lines are hostile, and so may be a pattern.
 */
export function compilePattern(text: string): PatternResult {
  if (text.length > PATTERN_LENGTH_MAX) {
    return {
      ok: false,
      message: `the pattern is longer than ${PATTERN_LENGTH_MAX} characters`,
      position: PATTERN_LENGTH_MAX,
    };
  }
  try {
    const compiled = RE2JS.compile(text);
    if (compiled.programSize() > PROGRAM_SIZE_MAX) {
      const message = 'the pattern repeats too much: matching it would take too long';
      return { ok: false, message, position: 0 };
    }
    return {
      ok: true,
      pattern: { source: text, matches: (line) => compiled.test(line) },
    };
  } catch (error) {
    return refusal(text, error);
  }
}

function refusal(text: string, error: unknown): PatternResult {
  if (!(error instanceof RE2JSSyntaxException)) {
    const message = error instanceof Error ? error.message : String(error);
    return { ok: false, message: `not a pattern in RE2 syntax: ${message}`, position: 0 };
  }
  const fragment = error.input ?? '';
  // Without a fragment the engine speaks of the end of the pattern (a trailing backslash).
  const position = fragment === '' ? Math.max(0, text.length - 1) : text.lastIndexOf(fragment);
  const where = fragment === '' || fragment === text ? '' : ` in ${fragment}`;
  return {
    ok: false,
    message: `not a pattern in RE2 syntax: ${error.error}${where}`,
    position: Math.max(0, position),
  };
}
