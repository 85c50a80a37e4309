/** A fault to plant: one place in one file reads otherwise. */
export interface Mutant {
  readonly file: string;
  /** Text that occurs once in the file. */
  readonly old: string;
  readonly new: string;
  /** What is wrong then, in one sentence. */
  readonly what: string;
}

export const MUTANTS: readonly Mutant[] = [];
