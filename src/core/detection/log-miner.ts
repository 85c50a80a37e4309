import { areValues, differences } from './log-alike.ts';
import { LogScanner } from './log-scan.ts';
import { currentTemplate, type LogTemplate, mergeTemplate, templateOf } from './log-template.ts';

/** Lines that differ in nothing but the text of their values. */
interface Pattern {
  readonly keyLow: number;
  template: LogTemplate;
  /** Number of the line that had it last. */
  seenAt: number;
  /** Another one with the same half of the key. */
  next: Pattern | undefined;
}

export interface LogMinerLimits {
  /** Most patterns kept; the ones not seen for longest are forgotten first. */
  readonly patternsMax: number;
  /** Most tokens of all templates together. */
  readonly tokensMax: number;
}

/** Some 20 MB at the worst: every line as long as is looked at, and none like another. */
export const LOG_MINER_LIMITS: LogMinerLimits = { patternsMax: 8_192, tokensMax: 65_536 };
/** What is kept when a limit was reached: the work of forgetting is then shared by many lines. */
const KEPT_SHARE = 0.75;
/** Most templates of one shape that a new one is compared with. */
const COMPARED_MAX = 64;

/**
 * Finds the templates behind log lines as the lines come. A line whose pattern is known costs one
 * pass over its characters; a new pattern is compared with the templates of the same shape and
 * becomes a part of the one it is alike, or a template of its own. Which template a line has may
 * change while more is seen: hold the template and ask `currentTemplate`.
 */
export class LogMiner {
  readonly #limits: LogMinerLimits;
  readonly #scanner = new LogScanner();
  readonly #patterns = new Map<number, Pattern>();
  readonly #shapes = new Map<number, LogTemplate[]>();
  #patternCount = 0;
  #tokenCount = 0;
  #lines = 0;
  #nextId = 1;

  constructor(limits: LogMinerLimits = LOG_MINER_LIMITS) {
    this.#limits = limits;
  }

  /** The template of one line, without its line break. Never throws, whatever the text. */
  add(line: string): LogTemplate {
    const scanner = this.#scanner;
    scanner.read(line);
    this.#lines += 1;
    const { keyHigh, keyLow } = scanner;
    let pattern = this.#patterns.get(keyHigh);
    while (pattern !== undefined && pattern.keyLow !== keyLow) pattern = pattern.next;
    pattern ??= this.#learn(line);
    pattern.seenAt = this.#lines;
    if (pattern.template.mergedInto !== undefined) {
      pattern.template = currentTemplate(pattern.template);
    }
    pattern.template.count += 1;
    return pattern.template;
  }

  /** The templates known now, in the order of their first appearance. */
  templates(): LogTemplate[] {
    return [...this.#shapes.values()].flat().sort((a, b) => a.id - b.id);
  }

  /** What the limits bound. */
  size(): { readonly patterns: number; readonly tokens: number } {
    return { patterns: this.#patternCount, tokens: this.#tokenCount };
  }

  #learn(line: string): Pattern {
    const { keyHigh, keyLow } = this.#scanner;
    const template = this.#place(templateOf(line, this.#scanner, this.#nextId));
    const next = this.#patterns.get(keyHigh);
    const pattern: Pattern = { keyLow, template, seenAt: this.#lines, next };
    this.#patterns.set(keyHigh, pattern);
    this.#patternCount += 1;
    const { patternsMax, tokensMax } = this.#limits;
    if (this.#patternCount > patternsMax || this.#tokenCount > tokensMax) this.#forget();
    return pattern;
  }

  /** Finds the template that a new one is a part of; if there is none it stays as it is. */
  #place(template: LogTemplate): LogTemplate {
    const alike = this.#shapes.get(template.shape) ?? [];
    const groups = new Map<string, { places: readonly number[]; members: LogTemplate[] }>();
    for (const known of alike.slice(-COMPARED_MAX)) {
      const places = differences(known, template);
      if (places === undefined) continue;
      if (places.length === 0) return this.#widen(known, [template], alike);
      const key = places.join();
      const group = groups.get(key) ?? { places, members: [] };
      group.members.push(known);
      groups.set(key, group);
    }
    for (const { places, members } of groups.values()) {
      const [oldest, ...others] = members;
      if (oldest !== undefined && areValues([...members, template], places)) {
        return this.#widen(oldest, [template, ...others], alike);
      }
    }
    this.#nextId += 1;
    this.#tokenCount += template.tokens.length;
    if (alike.push(template) === 1) this.#shapes.set(template.shape, alike);
    return template;
  }

  /** Merges, and what the wider template now covers too. */
  #widen(into: LogTemplate, parts: readonly LogTemplate[], alike: readonly LogTemplate[]) {
    for (const part of parts) mergeTemplate(into, part);
    for (const other of alike) {
      if (other === into || other.mergedInto !== undefined) continue;
      if (differences(into, other)?.length === 0) mergeTemplate(into, other);
    }
    this.#keep(into.shape, alike);
    return into;
  }

  #keep(shape: number, templates: readonly LogTemplate[], isKept = isOwn): void {
    const kept = templates.filter(isKept);
    for (const template of templates) {
      if (isKept(template)) continue;
      this.#tokenCount -= template.tokens.length;
      template.isForgotten = template.mergedInto === undefined;
    }
    if (kept.length > 0) this.#shapes.set(shape, kept);
    else this.#shapes.delete(shape);
  }

  /** Drops the patterns not seen for longest, and the templates that then have none. */
  #forget(): void {
    const { patternsMax, tokensMax } = this.#limits;
    const entries = [...this.#patterns].flatMap(([key, first]) => {
      const chain: { key: number; pattern: Pattern }[] = [];
      for (let pattern: Pattern | undefined = first; pattern; pattern = pattern.next) {
        chain.push({ key, pattern });
      }
      return chain;
    });
    entries.sort((a, b) => b.pattern.seenAt - a.pattern.seenAt);
    const kept = new Set<LogTemplate>();
    let tokens = 0;
    this.#patterns.clear();
    this.#patternCount = 0;
    for (const { key, pattern } of entries) {
      const template = currentTemplate(pattern.template);
      if (!kept.has(template)) tokens += template.tokens.length;
      const isFull =
        this.#patternCount >= patternsMax * KEPT_SHARE || tokens > tokensMax * KEPT_SHARE;
      if (isFull) break;
      kept.add(template);
      pattern.template = template;
      pattern.next = this.#patterns.get(key);
      this.#patterns.set(key, pattern);
      this.#patternCount += 1;
    }
    for (const [shape, templates] of this.#shapes) {
      this.#keep(shape, templates, (template) => kept.has(template));
    }
  }
}

function isOwn({ mergedInto }: LogTemplate): boolean {
  return mergedInto === undefined;
}
