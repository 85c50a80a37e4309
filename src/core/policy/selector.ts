import picomatch from 'picomatch';
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

/** `bash`: a star matches any run of characters, slashes too, since these names are no paths. */
const NAME_GLOB = { bash: true, dot: true, nonegate: true, noextglob: true };
const IMAGE_GLOB = { dot: true, nonegate: true, noextglob: true };

function globs(
  patterns: readonly string[],
  read: (workload: Selectable) => string | undefined,
): SelectorMatch {
  const matchers = patterns.map((pattern) => picomatch(pattern, NAME_GLOB));
  return (workload) => {
    const value = read(workload);
    return value !== undefined && matchers.some((matches) => matches(value));
  };
}

/** `nginx` selects `nginx:1.27` as well: people name images without their tag. */
function imageGlobs(patterns: readonly string[]): SelectorMatch {
  const matchers = patterns.map((pattern) => picomatch(pattern, IMAGE_GLOB));
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
