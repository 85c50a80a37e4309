import { Command } from 'commander';
import { createLineRedactor } from '#core/redaction/redact.ts';
import { withoutAnsi } from '#lib/ansi.ts';
import type { CliContext, ExitCode } from './context.ts';

/** A line longer than this is judged in pieces: no input may fill the memory. */
const LINE_CHARS_MAX = 1_000_000;

export function command({ stdin, stdout }: CliContext, end: (code: ExitCode) => void): Command {
  return new Command('redact')
    .addHelpText(
      'after',
      `
Copies stdin to stdout, line by line, with what looks like a secret taken out: what a model, Redis
or a log would see. It finds known formats and values of keys named like secrets, not every secret.
Colours go too: they part a key from its value.

Example:
  docker logs web 2>&1 | sentinel redact`,
    )
    .action(async () => {
      const redactor = createLineRedactor();
      for await (const line of linesOf(stdin)) {
        const redacted = redactor.redact(withoutAnsi(line));
        if (redacted !== undefined) stdout.write(`${redacted}\n`);
      }
      end(0);
    });
}

async function* linesOf(input: AsyncIterable<Uint8Array | string>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of input) {
    rest += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
    if (rest.length > LINE_CHARS_MAX) {
      yield rest;
      rest = '';
    }
  }
  rest += decoder.decode();
  if (rest !== '') yield rest;
}
