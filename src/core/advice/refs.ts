/**
 * Names for a prompt that say nothing: whoever names a container writes no part of it. `c1`, `c2`, …
 * in the order in which they are first asked for.
 */
export class Refs {
  readonly #refs = new Map<string, string>();
  readonly #names = new Map<string, string>();

  /** @param shownAs what people call it, put back where a model speaks of it */
  of(key: string, shownAs: string = key): string {
    const known = this.#refs.get(key);
    if (known !== undefined) return known;
    const ref = `c${this.#refs.size + 1}`;
    this.#refs.set(key, ref);
    this.#names.set(ref, shownAs);
    return ref;
  }

  /** Text of ours without the names in it: what was recorded for people may go into a prompt. */
  hidden(text: string): string {
    const byLength = [...this.#names].sort(([, a], [, b]) => b.length - a.length);
    return byLength.reduce(
      (rest, [ref, name]) =>
        rest.replaceAll(new RegExp(`(?<![\\w-])${RegExp.escape(name)}(?![\\w-])`, 'g'), ref),
      text,
    );
  }

  /** Text of a model with the names in it that people know. */
  named(text: string): string {
    return text.replaceAll(/\bc\d{1,4}\b/g, (ref) => this.#names.get(ref) ?? ref);
  }
}
