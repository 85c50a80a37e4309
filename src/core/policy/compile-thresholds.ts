import { type CelReads, compileWhen } from './cel.ts';
import type { CompiledThreshold } from './compiled.ts';
import { compilePattern } from './pattern.ts';
import type { Finding } from './problems.ts';
import type { Threshold } from './schema.ts';
import { signalFacts } from './signals.ts';

/** Compiles the expressions and patterns of a policy's thresholds. */
export function compileThresholds(thresholds: readonly Threshold[]): {
  readonly compiled: readonly CompiledThreshold[];
  readonly findings: readonly Finding[];
} {
  const compiled: CompiledThreshold[] = [];
  const findings: Finding[] = [];
  for (const [index, threshold] of thresholds.entries()) {
    const result = compileThreshold(threshold);
    if ('field' in result) {
      const path = ['spec', 'thresholds', index, result.field];
      findings.push({ path, message: result.message });
    } else {
      compiled.push(result);
    }
  }
  return { compiled, findings };
}

interface FieldProblem {
  readonly field: 'when' | 'pattern';
  readonly message: string;
}

function compileThreshold(threshold: Threshold): CompiledThreshold | FieldProblem {
  if (threshold.when !== undefined) {
    const result = compileWhen(threshold.when);
    if (!result.ok) return { field: 'when', message: result.message };
    const { reads } = result.expression;
    return {
      ...threshold,
      logDerived: reads.logDerived,
      reads,
      compiledWhen: result.expression,
    };
  }
  const reads = readsOfSignal(threshold);
  if (threshold.pattern === undefined) {
    return { ...threshold, logDerived: reads.logDerived, reads };
  }
  const result = compilePattern(threshold.pattern);
  if (!result.ok) {
    const message = `${result.message} (column ${result.position + 1} of the pattern)`;
    return { field: 'pattern', message };
  }
  return {
    ...threshold,
    logDerived: reads.logDerived,
    reads,
    compiledPattern: result.pattern,
  };
}

function readsOfSignal({ signal, pattern, window }: Threshold): CelReads {
  const source = signal === undefined ? 'container' : signalFacts(signal).source;
  const windows = window === undefined ? [] : [window];
  return {
    logDerived: source === 'logs',
    stats: source === 'stats',
    logPatterns:
      pattern === undefined || window === undefined ? [] : [{ pattern, windowMs: window }],
    logWindowsMs: source === 'logs' ? windows : [],
    restartWindowsMs: signal === 'restarts' ? windows : [],
    comparisons: [],
    names: new Set(),
  };
}
