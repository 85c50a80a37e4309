import type { Line } from './story.ts';
import { type Terminal, table, wrap } from './terminal.ts';

const LABEL_WIDTH = 9;
const SERVICE_WIDTH = 7;
const INDENT = 2;

/** Prints the story in columns: when, whose, what kind, what. */
export class Narrator {
  readonly #terminal: Terminal;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  heading(text: string): void {
    const { paint, print, width } = this.#terminal;
    const rule = '─'.repeat(Math.max(0, width - text.length - 4));
    print();
    print(paint('bold', `── ${text} ${rule}`));
  }

  /** @param afterMs since the scenario's beginning; absent: no time stands there */
  line({ label, text, style }: Line, service = '', afterMs?: number): void {
    const { paint, print, width } = this.#terminal;
    const time = afterMs === undefined ? '' : `+${(afterMs / 1000).toFixed(2)} s`;
    const margin = `${' '.repeat(INDENT)}${time.padStart(8)}  ${service.padEnd(SERVICE_WIDTH)}  `;
    const hang = margin.length + LABEL_WIDTH + 2;
    const [first = '', ...rest] = wrap(text, width - hang);
    print(`${paint('dim', margin)}${paint(style, label.padEnd(LABEL_WIDTH))}  ${first}`);
    for (const more of rest) print(`${' '.repeat(hang)}${more}`);
  }

  note(text: string): void {
    const { print, width } = this.#terminal;
    for (const line of wrap(text, width - INDENT)) print(`${' '.repeat(INDENT)}${line}`);
  }

  problem(text: string): void {
    const { paint, print } = this.#terminal;
    print(`${' '.repeat(INDENT)}${paint('red', `FAILED  ${text}`)}`);
  }

  passed(text: string): void {
    const { paint, print } = this.#terminal;
    print(`${' '.repeat(INDENT)}${paint('green', `ok  ${text}`)}`);
  }

  /** What another program printed, as it is. */
  quote(text: string): void {
    const { paint, print } = this.#terminal;
    for (const line of text.trimEnd().split('\n'))
      print(`${' '.repeat(INDENT)}${paint('dim', '│')} ${line}`);
  }

  table(rows: readonly (readonly string[])[]): void {
    const { paint, print } = this.#terminal;
    const [heading = '', ...lines] = table(rows);
    print(`${' '.repeat(INDENT)}${paint('bold', heading)}`);
    for (const line of lines) print(`${' '.repeat(INDENT)}${line}`);
  }
}
