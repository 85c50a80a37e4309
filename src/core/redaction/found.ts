/** A stretch of text that is secret, as one rule found it; UTF-16 offsets. */
export interface Found {
  readonly start: number;
  readonly end: number;
  /** A few words with dashes: `password`, `github-token`. */
  readonly kind: string;
}
