/** One line of a prompt, or a few that belong together. */
export interface PromptItem {
  readonly text: string;
  /** What it is worth to the reader: where there is no room for all, the least goes first. */
  readonly worth: number;
}

export interface PromptSection {
  readonly title: string;
  /** Written by others: it is fenced, whatever it says. */
  readonly isForeign: boolean;
  /** In the order in which they are read. */
  readonly items: readonly PromptItem[];
}

export interface PackBounds {
  readonly tokensMax: number;
  /** Part of the fence that nobody who writes into a log can know. */
  readonly mark: string;
}

/** Whatever else goes, this stays. */
export const ALWAYS = Number.POSITIVE_INFINITY;

const ITEM_CHARS_MAX = 600;
/** Of a title, the fence and what says that lines were left out. */
const SECTION_TOKENS = 40;

/**
 * Estimate without the tokenizer of a model: a token of English takes four bytes, of logs full of
 * numbers and paths 2.5 to 3.7. Whole prompts have come to .77 to 1.16 of it.
 */
export function tokensOf(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 3);
}

/**
 * Puts sections into a prompt within a bound of tokens: what is worth most is taken first, wherever it
 * stands, and what is taken is shown in its order. So the end of a prompt is as good as its beginning.
 */
export function pack(sections: readonly PromptSection[], { tokensMax, mark }: PackBounds): string {
  const entries = sections.flatMap((section) =>
    section.items.map((item) => ({ section, item, text: shown(item.text, section, mark) })),
  );
  const byWorth = entries.toSorted((a, b) => descending(a.item.worth, b.item.worth));
  const taken = new Set<PromptItem>();
  const opened = new Set<PromptSection>();
  let tokens = 0;
  for (const { section, item, text } of byWorth) {
    const cost = tokensOf(`${text}\n`) + (opened.has(section) ? 0 : SECTION_TOKENS);
    if (tokens + cost > tokensMax && item.worth !== ALWAYS) continue;
    tokens += cost;
    taken.add(item);
    opened.add(section);
  }
  return sections
    .filter((section) => opened.has(section))
    .map((section) => {
      const kept = entries.filter((entry) => entry.section === section && taken.has(entry.item));
      const left = section.items.length - kept.length;
      return [
        `## ${section.title}`,
        ...fenced(kept.map(({ text }) => text).join('\n'), section.isForeign, mark),
        ...(left === 0 ? [] : [`(${left} more left out)`]),
      ].join('\n');
    })
    .join('\n\n');
}

function descending(a: number, b: number): number {
  return a === b ? 0 : b - a;
}

function fenced(text: string, isForeign: boolean, mark: string): string[] {
  return isForeign ? [`<data ${mark}>`, text, `</data ${mark}>`] : [text];
}

/** Nobody closes the fence from within. */
function shown(text: string, { isForeign }: PromptSection, mark: string): string {
  const cut = text.length <= ITEM_CHARS_MAX ? text : `${text.slice(0, ITEM_CHARS_MAX)}…`;
  return isForeign ? cut.replaceAll(mark, '·').replaceAll(/<\/?data/gi, '‹data') : cut;
}
