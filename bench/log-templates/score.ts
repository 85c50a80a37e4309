/** How well a parser found the templates of a labelled log, each from 0 to 1. */
export interface TemplateScore {
  /** GA: lines whose group is exactly the group that the labels give. */
  readonly groupingAccuracy: number;
  /** FGA: F1 over groups, however many lines a group has. */
  readonly groupF1: number;
  /** FTA: F1 over groups of one label's lines only whose template text is that label's, too. */
  readonly templateF1: number;
  readonly found: number;
  readonly labelled: number;
}

/**
 * Compares the template texts that a parser gave each line with the labels, as the evaluation of
 * loghub-2.0 does: lines of equal text are a group, and of the text only white space is forgiven.
 */
export function scoreTemplates(found: readonly string[], labels: readonly string[]): TemplateScore {
  const texts = found.map(withSingleSpaces);
  const truth = labels.map(withSingleSpaces);
  const groups = groupsOf(texts);
  const wanted = groupsOf(truth);
  let lines = 0;
  let exactGroups = 0;
  for (const members of wanted.values()) {
    const group = groups.get(texts[members[0] ?? 0] ?? '') ?? [];
    // As many lines, all of them labelled alike, are the same lines.
    if (group.length !== members.length || !areAlike(group, truth)) continue;
    lines += members.length;
    exactGroups += 1;
  }
  const exactTexts = [...groups].filter(([text, group]) =>
    group.every((at) => truth[at] === text),
  ).length;
  const total = groups.size + wanted.size;
  return {
    groupingAccuracy: lines / found.length,
    groupF1: (2 * exactGroups) / total,
    templateF1: (2 * exactTexts) / total,
    found: groups.size,
    labelled: wanted.size,
  };
}

function withSingleSpaces(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ');
}

function groupsOf(texts: readonly string[]): ReadonlyMap<string, readonly number[]> {
  return Map.groupBy(texts.keys(), (at) => texts[at] ?? '');
}

function areAlike(group: readonly number[], truth: readonly string[]): boolean {
  return group.every((at) => truth[at] === truth[group[0] ?? 0]);
}
