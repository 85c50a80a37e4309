import { looksSecret } from '#core/redaction/redact.ts';
import type { ToolDescription } from '#core/remediation/tools.ts';
import { closest } from '#lib/edit-distance.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/json.ts';
import {
  type ArgumentProblem,
  parseTemplate,
  type TargetField,
  type TemplateNode,
} from './argument-template.ts';
import { type CelFacts, type CelReads } from './cel.ts';
import { type KnownType, typeMismatch, typeOfLiteral } from './tool-schema.ts';

export {
  type ArgumentProblem,
  type TargetField,
} from './argument-template.ts';

/** Whether a literal looks like a secret; `key` is the name that it stands under. */
export type SecretDetector = (text: string, key: string) => boolean;

/** An action's arguments, checked as far as they can be without facts. */
export interface ArgumentTemplate {
  /** One for each combination of `$oneOf` options, in the order of the policy; at least one. */
  readonly variants: readonly VariantTemplate[];
  /** What its expressions read. */
  readonly reads: readonly CelReads[];
  /** Names of secrets to resolve right before the call. */
  readonly secrets: readonly string[];
}
type VariantTemplate = Readonly<Record<string, TemplateNode>>;

/** What expressions and `$target` are filled from, for one workload at one moment. */
export interface ArgumentFacts {
  readonly cel: CelFacts;
  readonly target: Readonly<Partial<Record<TargetField, string>>>;
}

/**
 * One candidate's arguments, complete but for `{ $secret: NAME }`, which stays a marker.
 * A refused one blocks its candidate with `ArgumentsInvalid`, and no other.
 */
export type ArgumentVariant =
  | { readonly ok: true; readonly arguments: JsonObject }
  | { readonly ok: false; readonly reason: string };

export type TemplateResult =
  | { readonly ok: true; readonly template: ArgumentTemplate }
  | { readonly ok: false; readonly problems: readonly ArgumentProblem[] };

/** More candidates than this from one action no person looks through. */
export const VARIANTS_MAX = 16;

/**
 * Checks the arguments of an action when a policy is loaded: markers, literals and the types of
 * expressions against the tool's schema.
 *
 * @param tool absent while its server has not told of it: then only the markers are checked
 * @param isSecret finds literals that must not stand in a file; what redaction finds unless given
 */
export function compileArguments(
  source: JsonObject,
  tool: ToolDescription | undefined,
  isSecret: SecretDetector = looksSecret,
): TemplateResult {
  const { root, problems } = parseTemplate(source);
  if (root === undefined) return { ok: false, problems };
  if (countVariants(root) > VARIANTS_MAX) {
    const message = `$oneOf makes more than ${VARIANTS_MAX} candidates`;
    return { ok: false, problems: [{ path: [], message }] };
  }
  const variants = variantsOf(root);
  const found = [
    ...problems,
    ...secretLiterals(root, isSecret),
    ...variants.flatMap((variant) => checkVariant(variant, tool)),
  ];
  if (found.length > 0) return { ok: false, problems: distinct(found) };

  return {
    ok: true,
    template: {
      variants: variants.map((variant) => (variant.kind === 'object' ? variant.fields : {})),
      reads: nodesOf(root).flatMap((node) =>
        node.kind === 'expression' ? [node.expression.reads] : [],
      ),
      secrets: [
        ...new Set(nodesOf(root).flatMap((node) => (node.kind === 'secret' ? [node.name] : []))),
      ],
    },
  };
}

/**
 * Fills the templates in at the moment of a decision. Nothing is ever made up: an expression
 * without a value, or a value that the tool's schema does not take, refuses the variant.
 *
 * @param tool as it is described now
 */
export function expandArguments(
  template: ArgumentTemplate,
  facts: ArgumentFacts,
  tool: ToolDescription | undefined,
): readonly ArgumentVariant[] {
  return template.variants.map((variant) => expandVariant(variant, facts, tool));
}

function expandVariant(
  variant: VariantTemplate,
  facts: ArgumentFacts,
  tool: ToolDescription | undefined,
): ArgumentVariant {
  if (tool === undefined) return { ok: false, reason: 'the schema of the tool is not known' };
  const filled = fillObject(variant, facts);
  if (!filled.ok) return filled;
  const args = filled.value as JsonObject;
  const problems = validate(variant, args, tool);
  if (problems.length > 0) return { ok: false, reason: problems.join('; ') };
  return { ok: true, arguments: args };
}

type Filled =
  | { readonly ok: true; readonly value: JsonValue }
  | { readonly ok: false; readonly reason: string };

function fill(node: TemplateNode, facts: ArgumentFacts): Filled {
  switch (node.kind) {
    case 'literal':
      return { ok: true, value: node.value };
    case 'secret':
      return { ok: true, value: { $secret: node.name } };
    case 'expression': {
      const outcome = node.expression.evaluate(facts.cel);
      return outcome.ok ? outcome : { ok: false, reason: `${at(node)}${outcome.reason}` };
    }
    case 'target': {
      const value = facts.target[node.field];
      if (value !== undefined) return { ok: true, value };
      return { ok: false, reason: `${at(node)}the target has no ${node.field}` };
    }
    case 'list':
      return fillList(node.items, facts);
    case 'object':
      return fillObject(node.fields, facts);
    case 'oneOf':
      throw new TypeError('a variant holds no choice');
  }
}

function fillList(items: readonly TemplateNode[], facts: ArgumentFacts): Filled {
  const values: JsonValue[] = [];
  for (const item of items) {
    const filled = fill(item, facts);
    if (!filled.ok) return filled;
    values.push(filled.value);
  }
  return { ok: true, value: values };
}

function fillObject(fields: Readonly<Record<string, TemplateNode>>, facts: ArgumentFacts): Filled {
  const entries: [string, JsonValue][] = [];
  for (const [name, node] of Object.entries(fields)) {
    const filled = fill(node, facts);
    if (!filled.ok) return filled;
    entries.push([name, filled.value]);
  }
  return { ok: true, value: Object.fromEntries(entries) };
}

function at(node: TemplateNode): string {
  return `${node.place.target.join('.')}: `;
}

/** Secrets stay out of the schema's sight: a third party's may ask for more than "a string". */
function validate(
  variant: VariantTemplate,
  args: JsonObject,
  tool: ToolDescription,
): readonly string[] {
  const withSecret = namesWith(variant, ['secret']);
  if (!tool.builtin) return tool.validate(args, withSecret);
  return tool.validate(withSecret.length === 0 ? args : (withPlaceholders(args) as JsonObject));
}

/** For the built-in tools, whose free texts take any string. */
function withPlaceholders(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(withPlaceholders);
  if (typeof value !== 'object' || value === null) return value;
  if (Object.hasOwn(value, '$secret')) return 'placeholder';
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, withPlaceholders(item)]),
  );
}

function checkVariant(
  variant: TemplateNode,
  tool: ToolDescription | undefined,
): readonly ArgumentProblem[] {
  if (variant.kind !== 'object') return [];
  const nodes = nodesOf(variant);
  const targets = nodes.filter((node) => node.kind === 'target');
  if (tool === undefined) return targets.length > 0 ? [] : [NEEDS_TARGET];
  if (!tool.builtin && targets.length === 0) return [NEEDS_TARGET];
  if (tool.builtin && targets.length > 0) {
    return targets.map(({ place }) => ({
      path: place.source,
      message: `${tool.name} is told its target by Sentinel; $target is for tools of other servers`,
    }));
  }
  const names = nameProblems(Object.keys(variant.fields), tool.inputSchema as JsonObject);
  if (names.length > 0) return names;
  const mismatches = nodes.flatMap((node) => mismatch(node, tool));
  if (mismatches.length > 0) return mismatches;

  const dynamic = namesWith(variant.fields, ['expression', 'target', 'secret']);
  return tool
    .validate(staticPart(variant), dynamic)
    .map((message) => placed(message, variant.fields));
}

const NEEDS_TARGET: ArgumentProblem = {
  path: [],
  message:
    'must say where the target goes, as in { container_name: { $target: name } }: only built-in ' +
    'tools are told by Sentinel',
};

/** The schema would tell the same, but not what was meant. */
function nameProblems(names: readonly string[], schema: JsonObject): ArgumentProblem[] {
  const { properties = {}, required = [], additionalProperties } = schema;
  const known = isJsonObject(properties) ? Object.keys(properties) : [];
  const unknown = additionalProperties === false ? names.filter((it) => !known.includes(it)) : [];
  const missing = Array.isArray(required)
    ? required.filter((it) => !names.includes(String(it)))
    : [];
  return [
    ...unknown.map((name): ArgumentProblem => {
      const near = closest(name, known);
      const hint = near === undefined ? '' : `; did you mean ${near}?`;
      return { path: [name], message: `the tool takes no argument ${name}${hint}`, part: 'key' };
    }),
    ...missing.map((name) => ({
      path: [],
      message: `the tool needs the argument ${String(name)}`,
    })),
  ];
}

function mismatch(node: TemplateNode, tool: ToolDescription): readonly ArgumentProblem[] {
  const type = knownType(node);
  if (type === undefined) return [];
  const message = typeMismatch(tool.inputSchema as JsonObject, node.place.target, type);
  if (message === undefined) return [];
  const what = node.kind === 'expression' ? `the expression ${message}` : message;
  return [{ path: node.place.source, message: what }];
}

function knownType(node: TemplateNode): KnownType | undefined {
  switch (node.kind) {
    case 'literal':
      return typeOfLiteral(node.value);
    case 'expression':
      return node.expression.type;
    case 'target':
    case 'secret':
      return 'string';
    case 'list':
      return 'list';
    case 'object':
      return node.place.target.length === 0 ? undefined : 'object';
    case 'oneOf':
      return undefined;
  }
}

/** What is known before there are facts; the names that hold more are told to the tool apart. */
function staticPart(node: TemplateNode): JsonValue {
  switch (node.kind) {
    case 'literal':
      return node.value;
    case 'list':
      return node.items.map(staticPart);
    case 'object':
      return Object.fromEntries(
        Object.entries(node.fields).map(([name, field]) => [name, staticPart(field)]),
      );
    case 'expression':
    case 'target':
    case 'secret':
    case 'oneOf':
      return null;
  }
}

/** A tool says `field: what is wrong`; the problem then belongs to the field. */
function placed(message: string, fields: Readonly<Record<string, TemplateNode>>): ArgumentProblem {
  const groups = /^(?<name>[^:.\s]+)(?:: |\.)(?<rest>.*)$/s.exec(message)?.groups;
  const { name = '', rest = '' } = groups ?? {};
  return Object.hasOwn(fields, name) ? { path: [name], message: rest } : { path: [], message };
}

function namesWith(
  fields: Readonly<Record<string, TemplateNode>>,
  kinds: readonly TemplateNode['kind'][],
): string[] {
  return Object.entries(fields)
    .filter(([, field]) => nodesOf(field).some((node) => kinds.includes(node.kind)))
    .map(([name]) => name);
}

function secretLiterals(root: TemplateNode, isSecret: SecretDetector): ArgumentProblem[] {
  return nodesOf(root).flatMap((node) => {
    if (node.kind !== 'literal' || typeof node.value !== 'string') return [];
    const key = node.place.target.findLast((step) => typeof step === 'string');
    if (!isSecret(node.value, String(key ?? ''))) return [];
    return [
      { path: node.place.source, message: 'looks like a secret; write { $secret: NAME } instead' },
    ];
  });
}

function nodesOf(node: TemplateNode): TemplateNode[] {
  switch (node.kind) {
    case 'list':
      return [node, ...node.items.flatMap(nodesOf)];
    case 'oneOf':
      return [node, ...node.options.flatMap(nodesOf)];
    case 'object':
      return [node, ...Object.values(node.fields).flatMap(nodesOf)];
    case 'literal':
    case 'expression':
    case 'target':
    case 'secret':
      return [node];
  }
}

/** Counts before anything is built: the product grows without bound. */
function countVariants(node: TemplateNode): number {
  switch (node.kind) {
    case 'oneOf':
      return node.options.reduce((sum, option) => sum + countVariants(option), 0);
    case 'list':
      return node.items.reduce((product, item) => product * countVariants(item), 1);
    case 'object':
      return Object.values(node.fields).reduce(
        (product, field) => product * countVariants(field),
        1,
      );
    case 'literal':
    case 'expression':
    case 'target':
    case 'secret':
      return 1;
  }
}

/** The first choice varies slowest, so that the order is the one in which the policy is read. */
function variantsOf(node: TemplateNode): readonly TemplateNode[] {
  switch (node.kind) {
    case 'oneOf':
      return node.options.flatMap(variantsOf);
    case 'list':
      return combinations(node.items.map(variantsOf)).map((items) => ({ ...node, items }));
    case 'object': {
      const names = Object.keys(node.fields);
      const choices = combinations(Object.values(node.fields).map(variantsOf));
      return choices.map((fields) => ({
        ...node,
        fields: Object.fromEntries(fields.map((field, index) => [names[index] ?? '', field])),
      }));
    }
    case 'literal':
    case 'expression':
    case 'target':
    case 'secret':
      return [node];
  }
}

function combinations<T>(choices: readonly (readonly T[])[]): T[][] {
  return choices.reduce<T[][]>(
    (soFar, options) => soFar.flatMap((chosen) => options.map((option) => [...chosen, option])),
    [[]],
  );
}

function distinct(problems: readonly ArgumentProblem[]): readonly ArgumentProblem[] {
  const seen = new Set<string>();
  return problems.filter(({ path, message }) => {
    const key = JSON.stringify([path, message]);
    return !seen.has(key) && seen.add(key) !== undefined;
  });
}
