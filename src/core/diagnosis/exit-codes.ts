/** What an exit code says, where it says something (bash(1), EXIT STATUS; sysexits(3); signal(7)). */
const WORDS: Readonly<Record<number, string>> = {
  0: 'The process ended without an error though it was expected to stay.',
  1: 'The process ended with a general error of its own.',
  2: 'The process was used wrongly: a shell’s word for bad arguments or options.',
  78: 'The process found its configuration wrong or incomplete (EX_CONFIG).',
  125: 'Docker could not run the container.',
  126: 'The command was found but cannot be executed: a permission or a wrong binary format.',
  127: 'The command does not exist in the image.',
  132: 'The process met an instruction that this processor does not have (SIGILL).',
  134: 'The process aborted itself (SIGABRT): a failed assertion or a corrupted heap.',
  135: 'The process accessed memory in a way that is not possible (SIGBUS).',
  137: 'The process was killed (SIGKILL) from outside, or by the kernel for lack of memory.',
  139: 'The process accessed memory that it must not (SIGSEGV).',
  143: 'The process was asked to end (SIGTERM) and did.',
};

const SIGNALS_FROM = 128;
const SIGNALS_TO = 160;

export function exitWords(code: number): string {
  const known = WORDS[code];
  if (known !== undefined) return known;
  return code > SIGNALS_FROM && code < SIGNALS_TO
    ? `It was ended by signal ${code - SIGNALS_FROM}.`
    : 'The code is its own.';
}

/**
 * Whether the process may have written why it ended: it decided to, or aborted itself. Whoever is
 * killed, or asked to end, has nothing to say of it.
 */
export function isOwnDecision(code: number): boolean {
  return (code >= 0 && code <= SIGNALS_FROM) || code === 134 || code >= SIGNALS_TO;
}
