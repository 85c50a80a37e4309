import { styleText } from 'node:util';
import { plainText } from '#lib/plain-text.ts';
import type { Output } from './context.ts';

type Style = Parameters<typeof styleText>[0];

/** Colours for one output: none unless it is a terminal, or where NO_COLOR asks for none. */
export class Paint {
  readonly #isOn: boolean;

  constructor(output: Output, env: Readonly<Record<string, string | undefined>>) {
    // https://no-color.org: any value but the empty one.
    this.#isOn = output.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  }

  as(style: Style, text: string): string {
    return this.#isOn ? styleText(style, text, { validateStream: false }) : text;
  }

  /** Colours for words that are good or bad news; others stay as they are. */
  word(word: string): string {
    const style = Object.hasOwn(STYLES, word) ? STYLES[word] : undefined;
    return style === undefined ? word : this.as(style, word);
  }
}

const STYLES: Readonly<Record<string, Style>> = {
  critical: 'red',
  warning: 'yellow',
  Open: 'yellow',
  Diagnosing: 'yellow',
  AwaitingApproval: 'magenta',
  Remediating: 'cyan',
  Verifying: 'cyan',
  Escalated: 'red',
  Resolved: 'green',
  healthy: 'green',
  unhealthy: 'red',
  running: 'green',
  exited: 'red',
  Succeeded: 'green',
  Failed: 'red',
  Passed: 'green',
  ok: 'green',
  warn: 'yellow',
  fail: 'red',
};

/** Writes text in which names and words of containers may stand, made harmless. */
export function print(output: Output, text: string): void {
  output.write(`${plainText(text)}\n`);
}
