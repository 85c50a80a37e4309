import {
  constructFromEvents,
  EVENT_ID,
  type Event,
  getScalarValue,
  parseEvents,
  SCALAR_STYLE,
  YAMLException,
} from 'js-yaml';
import type { DocumentPath, PolicyProblem, Position } from '#core/policy/problems.ts';

/** One YAML document with the place of everything in it. */
export interface YamlDocument {
  readonly file: string;
  readonly value: unknown;
  positionOf(path: DocumentPath, part?: 'key' | 'value'): Position;
}

export interface YamlFile {
  /** Documents without content (a separator too many, comments alone) are left out. */
  readonly documents: readonly YamlDocument[];
  readonly problems: readonly PolicyProblem[];
}

export const FILE_BYTES_MAX = 1_048_576;
const DOCUMENTS_MAX = 256;
const DEPTH_MAX = 64;
/** Per document. A handful is convenience, thousands are an attack. */
const ALIASES_MAX = 64;
/** Of one document with its aliases written out: a few lines of them can stand for millions. */
const NODES_MAX = 100_000;

/**
 * Reads YAML 1.2 (core schema). Whatever the bytes, it never throws: what is wrong is a problem with
 * a place. A file with a problem yields no documents.
 */
export function parseYamlFile(file: string, bytes: Uint8Array): YamlFile {
  if (bytes.byteLength > FILE_BYTES_MAX) {
    return refused(file, FIRST, `is larger than ${FILE_BYTES_MAX} bytes`);
  }
  const text = decode(bytes);
  if (text === undefined) return refused(file, FIRST, 'is not UTF-8');
  const lines = new LineTable(text);
  try {
    const events = parseEvents(text, { maxDepth: DEPTH_MAX });
    const roots = new NodeReader(text, events).documents();
    const values = constructFromEvents(events, { source: text, maxAliases: ALIASES_MAX });
    const documents = roots.map((root, index) => toDocument(file, values[index], root, lines));
    return { documents: documents.filter(hasContent), problems: [] };
  } catch (error) {
    if (error instanceof Refusal) return refused(file, lines.at(error.offset), error.message);
    if (error instanceof YAMLException) {
      return refused(file, lines.at(error.mark?.position ?? 0), error.reason);
    }
    // The library says of itself that it may throw other errors on hostile input.
    return refused(file, FIRST, `cannot be read as YAML: ${String(error)}`);
  }
}

function hasContent({ value }: YamlDocument): boolean {
  return value !== null && value !== undefined;
}

const FIRST: Position = { line: 1, column: 1 };

function refused(file: string, position: Position, message: string): YamlFile {
  const problem: PolicyProblem = { file, ...position, path: '', message, severity: 'error' };
  return { documents: [], problems: [problem] };
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

class Refusal extends Error {
  readonly offset: number;

  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

/** Where a node stands in the text, and where its parts do. */
interface Node {
  readonly offset: number;
  /** Nodes that it stands for, itself included, aliases written out. */
  size: number;
  readonly entries: Map<string, { readonly keyOffset: number; readonly node: Node }>;
  readonly items: Node[];
}

/** Builds the tree of places from the parser's events, and refuses what policies may not hold. */
class NodeReader {
  readonly #text: string;
  readonly #events: readonly Event[];
  #next = 0;
  /** `undefined` while the anchored node is still being read: an alias there is a circle. */
  #anchors = new Map<string, Node | undefined>();

  constructor(text: string, events: readonly Event[]) {
    this.#text = text;
    this.#events = events;
  }

  documents(): Node[] {
    const roots: Node[] = [];
    while (this.#next < this.#events.length) {
      if (roots.length === DOCUMENTS_MAX) {
        throw new Refusal(0, `holds more than ${DOCUMENTS_MAX} documents`);
      }
      this.#take();
      this.#anchors = new Map();
      roots.push(this.#isAt(EVENT_ID.POP) ? leaf(0) : this.#node(0));
      this.#take();
    }
    return roots;
  }

  #take(): Event {
    const event = this.#events[this.#next];
    if (event === undefined) throw new Refusal(this.#text.length, 'ends too early');
    this.#next += 1;
    return event;
  }

  #isAt(type: Event['type']): boolean {
    return this.#events[this.#next]?.type === type;
  }

  /** @param fallback the place of an empty value, which has none of its own */
  #node(fallback: number): Node {
    const event = this.#take();
    if (event.type === EVENT_ID.ALIAS) return this.#alias(event);
    if (event.type === EVENT_ID.SCALAR) {
      const node = leaf(event.valueStart < 0 ? fallback : quoteStart(event));
      this.#scalar(event, node.offset);
      this.#anchor(event, node);
      return node;
    }
    if (event.type !== EVENT_ID.MAPPING && event.type !== EVENT_ID.SEQUENCE) {
      throw new Refusal(fallback, 'cannot be read as YAML');
    }
    const node = leaf(event.start);
    this.#anchor(event, undefined);
    while (!this.#isAt(EVENT_ID.POP)) {
      const child = event.type === EVENT_ID.MAPPING ? this.#entry(node) : this.#item(node);
      node.size += child.size;
      if (node.size > NODES_MAX)
        throw new Refusal(node.offset, `holds more than ${NODES_MAX} values`);
    }
    this.#take();
    this.#anchor(event, node);
    return node;
  }

  #entry(mapping: Node): Node {
    const event = this.#take();
    if (event.type !== EVENT_ID.SCALAR) {
      const offset = 'start' in event ? event.start : mapping.offset;
      throw new Refusal(offset, 'a key must be a plain text');
    }
    const keyOffset = event.valueStart < 0 ? mapping.offset : quoteStart(event);
    const key = this.#scalar(event, keyOffset);
    if (key === '__proto__') throw new Refusal(keyOffset, 'no key may be called __proto__');
    if (key === '<<') throw new Refusal(keyOffset, 'YAML 1.2 knows no merge key <<');
    if (mapping.entries.has(key)) throw new Refusal(keyOffset, `the key ${key} stands here twice`);
    this.#anchor(event, leaf(keyOffset));
    const node = this.#node(keyOffset);
    mapping.entries.set(key, { keyOffset, node });
    return node;
  }

  /** An escape such as "\\ud800" makes half a character, which no digest and no record can hold. */
  #scalar(event: Extract<Event, { type: typeof EVENT_ID.SCALAR }>, offset: number): string {
    const text = getScalarValue(this.#text, event);
    if (!text.isWellFormed()) throw new Refusal(offset, 'holds half of a surrogate pair');
    return text;
  }

  #item(sequence: Node): Node {
    const node = this.#node(sequence.offset);
    sequence.items.push(node);
    return node;
  }

  #alias(event: Extract<Event, { type: typeof EVENT_ID.ALIAS }>): Node {
    const name = this.#text.slice(event.anchorStart, event.anchorEnd);
    const offset = event.anchorStart - 1;
    const target = this.#anchors.get(name);
    if (target !== undefined) return { ...target, offset };
    const message = this.#anchors.has(name)
      ? `the alias ${name} stands inside what it stands for`
      : `there is no anchor ${name} before this`;
    throw new Refusal(offset, message);
  }

  #anchor(event: { anchorStart: number; anchorEnd: number }, node: Node | undefined): void {
    if (event.anchorStart < 0) return;
    this.#anchors.set(this.#text.slice(event.anchorStart, event.anchorEnd), node);
  }
}

function leaf(offset: number): Node {
  return { offset, size: 1, entries: new Map(), items: [] };
}

/** Inside quotes the value begins after the quote; people look at the quote. */
function quoteStart(event: Extract<Event, { type: typeof EVENT_ID.SCALAR }>): number {
  const { SINGLE_QUOTED, DOUBLE_QUOTED } = SCALAR_STYLE;
  const quoted = event.style === SINGLE_QUOTED || event.style === DOUBLE_QUOTED;
  return quoted ? event.valueStart - 1 : event.valueStart;
}

function toDocument(file: string, value: unknown, root: Node, lines: LineTable): YamlDocument {
  return {
    file,
    value,
    positionOf(path, part = 'value') {
      let node = root;
      let offset = root.offset;
      for (const [index, step] of path.entries()) {
        const entry = typeof step === 'number' ? undefined : node.entries.get(step);
        const child = typeof step === 'number' ? node.items[step] : entry?.node;
        if (child === undefined) break;
        const wantsKey = part === 'key' && index === path.length - 1;
        offset = wantsKey && entry !== undefined ? entry.keyOffset : child.offset;
        node = child;
      }
      return lines.at(offset);
    },
  };
}

/** Offsets of UTF-16 units to lines and columns, both from 1. */
class LineTable {
  readonly #starts: number[] = [0];

  constructor(text: string) {
    for (const { index } of text.matchAll(/\r\n|\r|\n/g)) {
      this.#starts.push(index + (text.startsWith('\r\n', index) ? 2 : 1));
    }
  }

  at(offset: number): Position {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((this.#starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: Math.max(0, offset - (this.#starts[low] ?? 0)) + 1 };
  }
}
