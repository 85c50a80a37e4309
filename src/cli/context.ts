import type { Wiring } from './wiring.ts';

/** Where a command writes; a stream of the process, or a test's. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** What a command gets from the process. */
export interface CliContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: AsyncIterable<Uint8Array | string>;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Aborts when the user interrupts: what follows or waits ends then. */
  readonly signal: AbortSignal;
  readonly wiring: Wiring;
}

/** 0 fine, 1 findings, 2 usage, 3 cannot reach what it needs. */
export type ExitCode = 0 | 1 | 2 | 3;

/** An end with words for the user: what happened, where, and how to mend it. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: ExitCode;
  /** What the user can do about it. */
  readonly remedy: string | undefined;

  constructor(exitCode: ExitCode, message: string, remedy?: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.exitCode = exitCode;
    this.remedy = remedy;
  }
}
