import { RE2JS } from 're2js';

export type GlobResult =
  | { readonly ok: true; readonly matches: (text: string) => boolean }
  | { readonly ok: false; readonly message: string };

/**
 * Compiles a glob: `*` any run of characters, `**` also across slashes, `?` one character, `[a-z]`
 * and `[!a-z]` one of a set, `{a,b}` alternatives, `\` before a character that stands for itself.
 * It must match the whole text.
 *
 * The names that are matched may be chosen by anyone who can start a container. So globs run on the
 * linear-time engine: libraries that make a JavaScript expression of them can be kept busy for
 * minutes by a long name and a handful of stars.
 *
 * @param separator whether a slash separates, as in images: then `*`, `?` and sets stop at it
 */
export function compileGlob(glob: string, separator: boolean): GlobResult {
  try {
    const compiled = RE2JS.compile(new GlobReader(glob, separator).expression(), RE2JS.DOTALL);
    return { ok: true, matches: (text) => compiled.testExact(text) };
  } catch (error) {
    // What the engine refuses is a set such as [z-a].
    const reason = error instanceof GlobError ? error.message : 'holds an invalid set in brackets';
    return { ok: false, message: reason };
  }
}

class GlobError extends Error {}

class GlobReader {
  readonly #glob: string;
  readonly #any: string;
  readonly #separator: boolean;
  #at = 0;

  constructor(glob: string, separator: boolean) {
    this.#glob = glob;
    this.#separator = separator;
    this.#any = separator ? '[^/]' : '.';
  }

  expression(): string {
    const whole = this.#alternative(false);
    if (this.#at < this.#glob.length) throw new GlobError('has a } without its {');
    return whole;
  }

  /** Up to the end, or inside braces up to what ends an alternative. */
  #alternative(inBraces: boolean): string {
    let result = '';
    while (this.#at < this.#glob.length) {
      const character = this.#glob[this.#at] ?? '';
      if (character === '}' || (inBraces && character === ',')) break;
      this.#at += 1;
      result += this.#part(character);
    }
    return result;
  }

  #part(character: string): string {
    switch (character) {
      case '*':
        return this.#star();
      case '?':
        return this.#any;
      case '[':
        return this.#set();
      case '{':
        return this.#braces();
      case '\\': {
        const literal = this.#glob[this.#at];
        if (literal === undefined) throw new GlobError('ends with a backslash');
        this.#at += 1;
        return RE2JS.quote(literal);
      }
      default:
        return RE2JS.quote(character);
    }
  }

  #star(): string {
    if (this.#glob[this.#at] !== '*') return `${this.#any}*`;
    while (this.#glob[this.#at] === '*') this.#at += 1;
    // `**/x` is also an x without anything before it.
    if (!this.#separator || this.#glob[this.#at] !== '/') return '.*';
    this.#at += 1;
    return '(?:.*/)?';
  }

  #set(): string {
    const end = this.#glob.indexOf(']', this.#at + 1);
    if (end < 0) throw new GlobError('has a [ without its ]');
    const body = this.#glob.slice(this.#at, end);
    this.#at = end + 1;
    const negated = body.startsWith('!') || body.startsWith('^');
    const members = (negated ? body.slice(1) : body).replaceAll(/[\\[\]^&~]/g, '\\$&');
    const stop = negated && this.#separator ? '/' : '';
    return `[${negated ? '^' : ''}${stop}${members}]`;
  }

  #braces(): string {
    const alternatives = [this.#alternative(true)];
    while (this.#glob[this.#at] === ',') {
      this.#at += 1;
      alternatives.push(this.#alternative(true));
    }
    if (this.#glob[this.#at] !== '}') throw new GlobError('has a { without its }');
    this.#at += 1;
    return `(?:${alternatives.join('|')})`;
  }
}
