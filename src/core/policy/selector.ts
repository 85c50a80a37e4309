import { compileGlob } from './glob.ts';
import type { Selector } from './schema.ts';

/** What a selector looks at. */
export interface Selectable {
  /** The Docker endpoint's name. */
  readonly host: string;
  /** Compose project and service; absent outside Compose. */
  readonly project?: string;
  readonly service?: string;
  readonly name: string;
  /** The reference that the container was created from. */
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
}

export type SelectorMatch = (workload: Selectable) => boolean;

type Terms = Omit<Selector, 'exclude'>;
type Expression = NonNullable<Terms['matchExpressions']>[number];

/** Every field that is given must match, and none of `exclude`. */
export function compileSelector({ exclude, ...terms }: Selector): SelectorMatch {
  const included = compileTerms(terms);
  const excluded = compileTerms(exclude ?? {});
  return (workload) =>
    included.length > 0 &&
    included.every((matches) => matches(workload)) &&
    !excluded.some((matches) => matches(workload));
}

function compileTerms(terms: Terms): SelectorMatch[] {
  const { hosts, projects, services, names, images, matchLabels, matchExpressions } = terms;
  const fields: SelectorMatch[] = [];
  if (hosts !== undefined) fields.push(globs(hosts, ({ host }) => host));
  if (projects !== undefined) fields.push(globs(projects, ({ project }) => project));
  if (services !== undefined) fields.push(globs(services, ({ service }) => service));
  if (names !== undefined) fields.push(globs(names, ({ name }) => name));
  if (images !== undefined) fields.push(imageGlobs(images));
  if (matchLabels !== undefined) {
    const wanted = Object.entries(matchLabels);
    fields.push(({ labels }) => wanted.every(([key, value]) => labelOf(labels, key) === value));
  }
  if (matchExpressions !== undefined) {
    fields.push(({ labels }) => matchExpressions.every((it) => holds(it, labels)));
  }
  return fields;
}

function globs(
  patterns: readonly string[],
  read: (workload: Selectable) => string | undefined,
): SelectorMatch {
  const matchers = matchersOf(patterns, false);
  return (workload) => {
    const value = read(workload);
    return value !== undefined && matchers.some((matches) => matches(value));
  };
}

/** A slash separates only in images. */
function matchersOf(patterns: readonly string[], separator: boolean) {
  return patterns.map((pattern) => {
    const result = compileGlob(pattern, separator);
    // The schema has refused what is no glob; to leave one out of `exclude` would select more.
    if (!result.ok) throw new TypeError(`${pattern} ${result.message}`);
    return result.matches;
  });
}

/** `nginx` selects `nginx:1.27` as well: people name images without their tag. */
function imageGlobs(patterns: readonly string[]): SelectorMatch {
  const matchers = matchersOf(patterns, true);
  return ({ image }) => {
    const repository = image.replace(/@[^@]*$/, '').replace(/:[^:/]*$/, '');
    return matchers.some((matches) => matches(image) || matches(repository));
  };
}

/** As in Kubernetes: NotIn also holds where the label is absent. */
function holds(
  { key, operator, values = [] }: Expression,
  labels: Readonly<Record<string, string>>,
): boolean {
  const value = labelOf(labels, key);
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}

/** A label may be called `constructor`. */
function labelOf(labels: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}
