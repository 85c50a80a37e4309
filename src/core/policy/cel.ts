import { Environment, EvaluationError, ParseError, TypeError } from '@marcbachmann/cel-js';
import { parseDuration } from '#lib/duration.ts';
import { parseQuantity } from '#lib/quantity.ts';
import { type CelReads, inspectAst, isAstNode, walkAst } from './cel-ast.ts';
import { type CelFacts, celContext, FACT_GROUPS, FACT_SCALARS, toCelNumber } from './cel-facts.ts';

export type { CelReads } from './cel-ast.ts';
export type { CelFacts } from './cel-facts.ts';

/** A condition: `when` of a threshold. */
export interface CompiledWhen {
  readonly source: string;
  readonly reads: CelReads;
  /** Microseconds; never throws. `ok: false` means that the facts do not say. */
  evaluate(facts: CelFacts): CelOutcome<boolean>;
}

/** A value: `$expr` in an argument. */
export interface CompiledExpression {
  readonly source: string;
  /** The CEL type of the result. */
  readonly type: ExpressionType;
  readonly reads: CelReads;
  /** Ints come back as numbers; one that a number cannot hold exactly is refused. */
  evaluate(facts: CelFacts): CelOutcome<ExpressionValue>;
}

export type ExpressionType = 'int' | 'double' | 'string' | 'bool' | ListType;
type ListType = 'list<int>' | 'list<double>' | 'list<string>' | 'list<bool>';
type ExpressionScalar = number | string | boolean;
export type ExpressionValue = ExpressionScalar | readonly ExpressionScalar[];

export type CelOutcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: string };

export type CompileResult<T> =
  | { readonly ok: true; readonly expression: T }
  | {
      readonly ok: false;
      /** Says what is wrong and at which column of the expression. */
      readonly message: string;
      /** Offset in the expression. */
      readonly position: number;
    };

/** Compiles a condition, which must be a bool. */
export function compileWhen(text: string): CompileResult<CompiledWhen> {
  const program = compile(text);
  if (!program.ok) return program;
  const { type, reads, run } = program.expression;
  if (type !== 'bool') return refuse(text, `must be a bool, but is ${article(type)}`, 0);

  return {
    ok: true,
    expression: {
      source: text,
      reads,
      evaluate(facts) {
        const outcome = run(facts);
        if (!outcome.ok) return outcome;
        if (typeof outcome.value !== 'boolean') return { ok: false, reason: 'not a bool' };
        return { ok: true, value: outcome.value };
      },
    },
  };
}

/** Compiles an expression whose value becomes an argument of a tool. */
export function compileExpression(text: string): CompileResult<CompiledExpression> {
  const program = compile(text);
  if (!program.ok) return program;
  const { type, reads, run } = program.expression;
  if (!isExpressionType(type)) {
    return refuse(text, `an argument cannot be ${article(type)}`, 0);
  }
  return {
    ok: true,
    expression: {
      source: text,
      type,
      reads,
      evaluate(facts) {
        const outcome = run(facts);
        return outcome.ok ? toJson(outcome.value) : outcome;
      },
    },
  };
}

interface Program {
  readonly type: string;
  readonly reads: CelReads;
  readonly run: (facts: CelFacts) => CelOutcome<unknown>;
}

function compile(text: string): CompileResult<Program> {
  // The functions over windows read the facts of the evaluation that is under way. Evaluation is
  // synchronous and an environment belongs to one expression, so there is only ever one.
  const scope: Scope = { facts: undefined };
  try {
    const parsed = environmentFor(scope).parse(text);
    const inspected = inspectAst(parsed.ast);
    if (!inspected.ok) return refuse(text, inspected.message, inspected.position);
    const check = parsed.check();
    if (!check.valid || check.type === undefined) {
      return refuse(text, summaryOf(check.error), check.error?.range?.start ?? 0);
    }
    guardArithmetic(parsed.ast);
    const program = {
      type: check.type,
      reads: inspected.reads,
      run: evaluator(parsed, inspected.reads, scope),
    };
    return { ok: true, expression: program };
  } catch (error) {
    return refuse(text, summaryOf(error), positionOf(error));
  }
}

interface Scope {
  facts: CelFacts | undefined;
}

/** The receiver of `log.rate(...)` and its like. */
class Log {}
const LOG = new Log();

const SYNC = { async: false };
/** Everything that does not depend on the facts; cloned for each expression. */
const BASE = baseEnvironment();

function baseEnvironment(): Environment {
  const environment = new Environment({
    limits: {
      maxAstNodes: 512,
      maxDepth: 32,
      maxListElements: 64,
      maxMapEntries: 64,
      maxCallArguments: 8,
    },
  });
  for (const [name, schema] of Object.entries(FACT_GROUPS)) {
    environment.registerVariable({ name, schema });
  }
  for (const [name, type] of Object.entries(FACT_SCALARS)) {
    environment.registerVariable(name, type);
  }
  environment.registerType('Log', { ctor: Log, fields: {} });
  environment.registerConstant('log', 'Log', LOG);
  for (const type of ['int', 'double']) {
    const pair = `(${type}, ${type}): ${type}`;
    environment.registerFunction(`least${pair}`, (a: Ordered, b: Ordered) => (a < b ? a : b), SYNC);
    environment.registerFunction(
      `greatest${pair}`,
      (a: Ordered, b: Ordered) => (a > b ? a : b),
      SYNC,
    );
  }
  environment.registerFunction('quantity(string): int', quantity, SYNC);
  return environment;
}

type Ordered = number | bigint;

function quantity(text: string): bigint {
  const bytes = parseQuantity(text);
  if (bytes === undefined) throw new EvaluationError(`"${text}" is not a size such as 512m or 1Gi`);
  return BigInt(bytes);
}

function environmentFor(scope: Scope): Environment {
  const over = (
    name: string,
    type: 'int' | 'double',
    read: (facts: CelFacts) => number | undefined,
  ): number | bigint => {
    const value = scope.facts === undefined ? undefined : toCelNumber(read(scope.facts), type);
    if (value === undefined) throw new EvaluationError(`${name} is absent`);
    return value;
  };
  const restarts = (window: string) =>
    over(`restarts("${window}")`, 'int', (facts) => facts.restarts(windowMs(window)));
  const rate = (_: Log, window: string) =>
    over(`log.rate("${window}")`, 'double', (facts) => facts.logRate(windowMs(window)));
  const errors = (_: Log, window: string) =>
    over(`log.errors("${window}")`, 'int', (facts) => facts.logErrors(windowMs(window)));
  const matches = (_: Log, pattern: string, window: string) =>
    over('log.matches', 'int', (facts) => facts.logMatches(pattern, windowMs(window)));
  return BASE.clone()
    .registerFunction('restarts(string): int', restarts, SYNC)
    .registerFunction('Log.rate(string): double', rate, SYNC)
    .registerFunction('Log.errors(string): int', errors, SYNC)
    .registerFunction('Log.matches(string, string): int', matches, SYNC);
}

/** Windows are literals that were checked at load, so that NaN cannot occur. */
function windowMs(text: string): number {
  return parseDuration(text) ?? Number.NaN;
}

function evaluator(
  parsed: (context: Record<string, unknown>) => unknown,
  reads: CelReads,
  scope: Scope,
): Program['run'] {
  return (facts) => {
    scope.facts = facts;
    try {
      return { ok: true, value: parsed(celContext(facts, reads.names)) };
    } catch (error) {
      return { ok: false, reason: runtimeReason(error) };
    } finally {
      scope.facts = undefined;
    }
  };
}

/** Of a calculated text or list: each may be made from copies of another that were too. */
const TEXT_LENGTH_MAX = 100_000;
const LIST_LENGTH_MAX = 10_000;
const INT_MAX = 2n ** 63n - 1n;
const INT_MIN = -(2n ** 63n);
const CALCULATES: ReadonlySet<string> = new Set(['+', '-', '*', '/', '%', '-_', 'call', 'rcall']);

/**
 * Makes every calculation fail that leaves its type's range, or grows beyond all use. The library lets a double overflow or
 * be divided by zero, as CEL's specification has it, and converts a double to an int beyond 64
 * bits; here a comparison with such a value could set an action off. The handler that type checking
 * put on each node is wrapped: the library offers no way to replace an operator.
 */
function guardArithmetic(root: unknown): void {
  for (const node of walkAst(root)) {
    const { handle } = node;
    if (!CALCULATES.has(node.op) || typeof handle !== 'function') continue;
    node.handle = (...args: unknown[]): unknown => inRange(Reflect.apply(handle, node, args));
  }
}

function inRange(value: unknown): unknown {
  if (typeof value === 'bigint' && (value > INT_MAX || value < INT_MIN)) {
    throw new EvaluationError('integer overflow');
  }
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new EvaluationError('not a finite number: a division by zero or an overflow');
  }
  if (typeof value === 'string' && value.length > TEXT_LENGTH_MAX) {
    throw new EvaluationError(`a text of more than ${TEXT_LENGTH_MAX} characters`);
  }
  if (Array.isArray(value) && value.length > LIST_LENGTH_MAX) {
    throw new EvaluationError(`a list of more than ${LIST_LENGTH_MAX} items`);
  }
  return value;
}

function toJson(value: unknown): CelOutcome<ExpressionValue> {
  if (!Array.isArray(value)) return scalarToJson(value);
  const items: ExpressionScalar[] = [];
  for (const item of value) {
    const outcome = scalarToJson(item);
    if (!outcome.ok) return outcome;
    items.push(outcome.value);
  }
  return { ok: true, value: items };
}

function scalarToJson(value: unknown): CelOutcome<ExpressionScalar> {
  if (typeof value === 'bigint') {
    const number = Number(value);
    if (Number.isSafeInteger(number)) return { ok: true, value: number };
    return { ok: false, reason: `${value} is too great to be passed on exactly` };
  }
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return { ok: true, value };
    return { ok: false, reason: 'not a finite number' };
  }
  if (typeof value === 'string' || typeof value === 'boolean') return { ok: true, value };
  return { ok: false, reason: 'not a value that an argument can hold' };
}

const SCALAR_TYPES = ['int', 'double', 'string', 'bool'];
const EXPRESSION_TYPES: ReadonlySet<string> = new Set([
  ...SCALAR_TYPES,
  ...SCALAR_TYPES.map((type) => `list<${type}>`),
]);

function isExpressionType(type: string): type is ExpressionType {
  return EXPRESSION_TYPES.has(type);
}

function article(type: string): string {
  // The library names the groups of facts with a dollar sign.
  const name = type.startsWith('$') ? `group of facts (${type.slice(1)})` : type;
  return `${/^[aeiou]/.test(name) ? 'an' : 'a'} ${name}`;
}

function refuse(text: string, message: string, position: number): CompileResult<never> {
  const before = text.slice(0, position);
  const line = before.split('\n').length;
  const column = position - (before.lastIndexOf('\n') + 1) + 1;
  const where = text.includes('\n') ? `line ${line}, column ${column}` : `column ${column}`;
  return { ok: false, message: `${message} (${where} of the expression)`, position };
}

function isCelError(error: unknown): error is ParseError | EvaluationError | TypeError {
  return (
    error instanceof ParseError || error instanceof EvaluationError || error instanceof TypeError
  );
}

function summaryOf(error: unknown): string {
  if (isCelError(error)) return error.summary;
  return error instanceof Error ? error.message : String(error);
}

function positionOf(error: unknown): number {
  return isCelError(error) ? (error.range?.start ?? 0) : 0;
}

function runtimeReason(error: unknown): string {
  if (!(error instanceof EvaluationError)) return summaryOf(error);
  const absent = error.code === 'no_such_key' || error.code === 'unknown_variable';
  const { node } = error;
  if (!absent || !isAstNode(node)) return error.summary;
  return `${node.input.slice(node.start, node.end)} is absent`;
}
