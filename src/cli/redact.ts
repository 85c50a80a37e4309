import { Command } from 'commander';
import { createRedactor, HELD_BACK_MAX, type Secret } from '#core/redaction/redactor.ts';
import { withoutAnsi } from '#lib/ansi.ts';
import type { CliContext, ExitCode } from './context.ts';
import { RawOffsets } from './raw-offsets.ts';

/** A line longer than this is judged in pieces: no input may fill the memory. */
const LINE_CHARS_MAX = 1_000_000;

export function command({ stdin, stdout }: CliContext, end: (code: ExitCode) => void): Command {
  return new Command('redact')
    .option('--json', 'print where the secrets are instead of the text')
    .addHelpText(
      'after',
      `
Copies stdin to stdout with what looks like a secret taken out: what a model, Redis or a log would
see. It finds known formats, values of names like a secret's, credentials in URLs, headers and
commands, private keys, and long random strings; not every secret. The same secret gets the same
number. Colours go too: they part a name from its value.

With --json it prints {"spans":[{"start":9,"end":16,"kind":"password","id":1}]} instead: offsets in
characters (code points) of the input.

Examples:
  docker logs web 2>&1 | sentinel redact
  sentinel redact --json < app.log`,
    )
    .action(async ({ json = false }: { json?: boolean }) => {
      if (json) await printSpans(stdin, (text) => stdout.write(text));
      else await printText(stdin, (text) => stdout.write(text));
      end(0);
    });
}

async function printText(input: Input, write: (text: string) => unknown): Promise<void> {
  const stream = createRedactor().stream();
  for await (const text of blocksOf(input)) {
    const redacted = stream.push(plain(text));
    if (redacted !== '') write(redacted);
  }
  write(stream.end());
}

async function printSpans(input: Input, write: (text: string) => unknown): Promise<void> {
  const offsets = new RawOffsets();
  let separator = '{"spans":[\n';
  const stream = createRedactor().stream(({ start, end, kind, placeholder }: Secret) => {
    const id = Number(placeholder.slice(placeholder.indexOf('#') + 1, -1));
    const span = { start: offsets.startOf(start), end: offsets.endOf(end), kind, id };
    write(separator + JSON.stringify(span));
    separator = ',\n';
  });
  let pushed = 0;
  for await (const raw of blocksOf(input)) {
    const text = plain(raw);
    offsets.push(raw);
    stream.push(text);
    pushed += text.length;
    offsets.forgetTo(pushed - HELD_BACK_MAX);
  }
  stream.end();
  write(separator.startsWith('{') ? '{"spans":[]}\n' : '\n]}\n');
}

/** Line by line, since a sequence that begins in one line must not hide the next. */
function plain(text: string): string {
  if (!text.includes('\u001b') && !text.includes('\u009b')) return text;
  return text.split('\n').map(withoutAnsi).join('\n');
}

type Input = AsyncIterable<Uint8Array | string>;

/** Whole lines, as many as came at once; the end of the input, or of a line that is too long. */
async function* blocksOf(input: Input): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let rest = '';
  for await (const chunk of input) {
    rest += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
    const whole = rest.lastIndexOf('\n') + 1;
    if (whole === 0 && rest.length <= LINE_CHARS_MAX) continue;
    const length = whole === 0 ? rest.length : whole;
    yield rest.slice(0, length);
    rest = rest.slice(length);
  }
  rest += decoder.decode();
  if (rest !== '') yield rest;
}
