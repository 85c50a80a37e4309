import { parseDuration } from '#lib/duration.ts';
import { closest } from '#lib/edit-distance.ts';
import { FACT_GROUPS, FACT_SCALARS, STATS_GROUPS } from './cel-facts.ts';
import { compilePattern } from './pattern.ts';
import { DURATION_MS_MAX } from './schema-values.ts';

/** What an expression reads: it decides what is collected for a workload. */
export interface CelReads {
  /** It depends on what the container writes to its log, which anyone may do. */
  readonly logDerived: boolean;
  readonly stats: boolean;
  readonly logPatterns: readonly { readonly pattern: string; readonly windowMs: number }[];
  /** Of log.rate and log.errors as well; in ascending order, without repetition. */
  readonly logWindowsMs: readonly number[];
  readonly restartWindowsMs: readonly number[];
  /** What facts are compared with, where it is a text that stands there: `health == "sick"`. */
  readonly comparisons: readonly Comparison[];
  /** Top-level names: `memory`, `health`, … */
  readonly names: ReadonlySet<string>;
}

interface Comparison {
  readonly fact: string;
  readonly text: string;
}

/** A node of the library's syntax tree, as far as it is used here. */
interface AstNode {
  readonly op: string;
  readonly args: unknown;
  readonly input: string;
  readonly start: number;
  readonly end: number;
  /** How the node is calculated; put there by type checking. */
  handle?: unknown;
}

export function isAstNode(value: unknown): value is AstNode {
  return (
    typeof value === 'object' &&
    value !== null &&
    'op' in value &&
    typeof value.op === 'string' &&
    'args' in value &&
    'input' in value &&
    typeof value.input === 'string' &&
    'start' in value &&
    'end' in value
  );
}

/** Every node of the tree as it was written: macros are seen as calls, not as what they become. */
export function* walkAst(value: unknown): Generator<AstNode> {
  if (isAstNode(value)) {
    yield value;
    yield* walkAst(value.args);
  } else if (Array.isArray(value)) {
    for (const item of value) yield* walkAst(item);
  }
}

export type AstInspection =
  | { readonly ok: true; readonly reads: CelReads }
  | { readonly ok: false; readonly message: string; readonly position: number };

/**
 * A comprehension runs once for each element, and a container chooses how many labels it has. So
 * none may stand inside another, where their lengths would multiply.
 */
const COMPREHENSIONS_MAX = 4;
const COMPREHENSIONS = words('all exists exists_one map filter');
const FUNCTIONS = words('has size int double string bool least greatest quantity restarts');
const METHODS = [
  ...words('contains startsWith endsWith lowerAscii upperAscii trim size indexOf lastIndexOf'),
  ...words('substring split join rate errors matches'),
  ...COMPREHENSIONS,
];

function words(text: string): readonly string[] {
  return text.split(' ');
}

/**
 * Reads off the tree what the expression will read of the world, and refuses what could hide it
 * (a pattern or window that is no literal) or is not part of the language of policies. Only
 * listed functions are let in: what the library adds in a later version must be looked at first.
 */
export function inspectAst(root: unknown): AstInspection {
  const seen = new Seen();
  for (const node of walkAst(root)) {
    const problem = inspectNode(node, seen);
    if (problem !== undefined) {
      return { ok: false, message: problem.message, position: problem.node.start };
    }
  }
  // An object is good for nothing but what hangs on it, and passing it on would hide what is read.
  const loose = seen.objects.find((node) => !seen.receivers.has(node));
  if (loose !== undefined) {
    return {
      ok: false,
      message: `${String(loose.args)} is not a value by itself`,
      position: loose.start,
    };
  }
  return { ok: true, reads: seen.reads() };
}

class Seen {
  readonly names = new Set<string>();
  readonly objects: AstNode[] = [];
  readonly receivers = new Set<AstNode>();
  readonly patterns: { pattern: string; windowMs: number }[] = [];
  readonly logWindows = new Set<number>();
  readonly restartWindows = new Set<number>();
  readonly comparisons: Comparison[] = [];
  comprehensions = 0;
  logDerived = false;

  reads(): CelReads {
    const ascending = (numbers: Set<number>) => [...numbers].sort((a, b) => a - b);
    return {
      logDerived: this.logDerived,
      stats: [...this.names].some((name) => STATS_GROUPS.has(name)),
      logPatterns: this.patterns,
      logWindowsMs: ascending(this.logWindows),
      restartWindowsMs: ascending(this.restartWindows),
      comparisons: this.comparisons,
      names: this.names,
    };
  }
}

interface NodeProblem {
  readonly node: AstNode;
  readonly message: string;
}

function inspectNode(node: AstNode, seen: Seen): NodeProblem | undefined {
  const args = Array.isArray(node.args) ? node.args : [];
  switch (node.op) {
    case 'id':
      return inspectName(node, seen);
    case '.':
      return inspectField(node, args, seen);
    case 'call':
      return inspectCall(node, String(args[0]), args[1], seen);
    case '==':
    case '!=':
      noteComparison(args, seen);
      return undefined;
    case 'rcall':
      return inspectMethod(node, args, seen);
    default:
      return undefined;
  }
}

function inspectName(node: AstNode, seen: Seen): undefined {
  const name = String(node.args);
  if (name === 'log') seen.logDerived = true;
  if (name === 'log' || Object.hasOwn(FACT_GROUPS, name)) seen.objects.push(node);
  if (name !== 'log' && (Object.hasOwn(FACT_GROUPS, name) || Object.hasOwn(FACT_SCALARS, name))) {
    seen.names.add(name);
  }
}

function noteComparison(sides: readonly unknown[], seen: Seen): void {
  const name = sides.find((side) => isAstNode(side) && side.op === 'id');
  const text = sides.map(literal).find((side) => side !== undefined);
  if (!isAstNode(name) || text === undefined) return;
  seen.comparisons.push({ fact: String(name.args), text });
}

function inspectField(
  node: AstNode,
  args: readonly unknown[],
  seen: Seen,
): NodeProblem | undefined {
  const [object, field] = args;
  if (!isAstNode(object) || object.op !== 'id') return undefined;
  seen.receivers.add(object);

  const group = Object.entries(FACT_GROUPS).find(([name]) => name === object.args);
  if (group === undefined || Object.hasOwn(group[1], String(field))) return undefined;
  const near = closest(String(field), Object.keys(group[1]));
  const hint = near === undefined ? '' : `; did you mean ${group[0]}.${near}?`;
  return { node, message: `there is no ${group[0]}.${String(field)}${hint}` };
}

function inspectCall(
  node: AstNode,
  name: string,
  args: unknown,
  seen: Seen,
): NodeProblem | undefined {
  if (!FUNCTIONS.includes(name)) return unknownFunction(node, name, FUNCTIONS);
  if (name !== 'restarts') return undefined;
  return literalWindow(node, Array.isArray(args) ? args[0] : undefined, seen.restartWindows);
}

function inspectMethod(
  node: AstNode,
  args: readonly unknown[],
  seen: Seen,
): NodeProblem | undefined {
  const name = String(args[0]);
  const receiver = args[1];
  const given = Array.isArray(args[2]) ? args[2] : [];
  if (!METHODS.includes(name)) return unknownFunction(node, name, METHODS);
  if (COMPREHENSIONS.includes(name)) {
    const problem = inspectComprehension(node, name, given, seen);
    if (problem !== undefined) return problem;
  }
  const ofLog = isAstNode(receiver) && receiver.op === 'id' && receiver.args === 'log';
  if (ofLog) {
    seen.receivers.add(receiver);
    return inspectLogCall(node, name, given, seen);
  }
  if (name === 'matches') {
    return {
      node,
      message: 'matches belongs to log; a string has contains, startsWith and endsWith',
    };
  }
  return undefined;
}

function inspectComprehension(
  node: AstNode,
  name: string,
  body: readonly unknown[],
  seen: Seen,
): NodeProblem | undefined {
  seen.comprehensions += 1;
  if (seen.comprehensions > COMPREHENSIONS_MAX) {
    return { node, message: `more than ${COMPREHENSIONS_MAX} of ${COMPREHENSIONS.join(', ')}` };
  }
  for (const inner of walkAst(body)) {
    const method = inner.op === 'rcall' && Array.isArray(inner.args) ? String(inner.args[0]) : '';
    if (COMPREHENSIONS.includes(method)) {
      return { node: inner, message: `${method} cannot stand inside ${name}` };
    }
  }
  return undefined;
}

function inspectLogCall(
  node: AstNode,
  name: string,
  args: readonly unknown[],
  seen: Seen,
): NodeProblem | undefined {
  if (name !== 'matches') return literalWindow(node, args[0], seen.logWindows);

  const pattern = literal(args[0]);
  if (pattern === undefined) {
    return { node, message: 'the pattern of log.matches must be a string literal' };
  }
  const compiled = compilePattern(pattern);
  if (!compiled.ok) return { node, message: compiled.message };
  const problem = literalWindow(node, args[1], seen.logWindows);
  if (problem !== undefined) return problem;
  seen.patterns.push({ pattern, windowMs: parseDuration(literal(args[1]) ?? '') ?? 0 });
  return undefined;
}

function literalWindow(
  node: AstNode,
  argument: unknown,
  windows: Set<number>,
): NodeProblem | undefined {
  const text = literal(argument);
  if (text === undefined) return { node, message: 'the window must be a string literal' };
  const windowMs = parseDuration(text);
  if (windowMs === undefined || windowMs <= 0) {
    return { node, message: `the window "${text}" must be a duration such as 90s, 10m or 1h30m` };
  }
  if (windowMs > DURATION_MS_MAX) {
    return { node, message: `the window "${text}" must be at most 31d` };
  }
  windows.add(windowMs);
  return undefined;
}

function literal(node: unknown): string | undefined {
  if (!isAstNode(node) || node.op !== 'value') return undefined;
  return typeof node.args === 'string' ? node.args : undefined;
}

function unknownFunction(node: AstNode, name: string, known: readonly string[]): NodeProblem {
  const near = closest(name, known);
  return {
    node,
    message: `there is no function ${name}${near === undefined ? '' : `; did you mean ${near}?`}`,
  };
}
