import { ansiLengthAt } from '#lib/ansi.ts';

/**
 * Says where something stands in a text as it came, in code points, when its place in the text
 * without escape sequences is known. Asked in order only, so that it can forget what is behind.
 */
export class RawOffsets {
  #raw = '';
  /** In `#raw`, UTF-16. */
  #at = 0;
  /** In the whole text without escape sequences, UTF-16. */
  #plain = 0;
  /** In the whole text, code points. */
  #points = 0;

  push(raw: string): void {
    this.#raw = this.#raw.slice(this.#at) + raw;
    this.#at = 0;
  }

  /** Nothing before this place will be asked for any more. */
  forgetTo(plain: number): void {
    this.#advance(plain);
  }

  startOf(plain: number): number {
    this.#advance(plain);
    this.#skipSequences();
    return this.#points;
  }

  endOf(plain: number): number {
    this.#advance(plain);
    return this.#points;
  }

  #advance(plain: number): void {
    while (this.#plain < plain && this.#at < this.#raw.length) {
      this.#skipSequences();
      const units = (this.#raw.codePointAt(this.#at) ?? 0) > 0xffff ? 2 : 1;
      this.#at += units;
      this.#plain += units;
      this.#points += 1;
    }
  }

  #skipSequences(): void {
    for (;;) {
      const length = ansiLengthAt(this.#raw, this.#at);
      if (length === 0) return;
      // A sequence may hold a title: letters of any script.
      for (const _point of this.#raw.slice(this.#at, this.#at + length)) this.#points += 1;
      this.#at += length;
    }
  }
}
