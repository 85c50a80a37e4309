import type { ToolDescription } from '#core/remediation/tools.ts';
import { closest } from '#lib/edit-distance.ts';
import type { JsonObject } from '#lib/json.ts';
import { compileArguments } from './arguments.ts';
import type { CompileContext, CompiledAction, CompiledThreshold } from './compiled.ts';
import type { DocumentPath, Finding } from './problems.ts';
import type { PolicySpec, RemediationAction } from './schema.ts';
import { signalFacts } from './signals.ts';

const BUILTIN_PREFIX = 'docker/';

/** Compiles the ladder: resolves `on`, looks the tools up, checks the arguments against them. */
export function compileActions(
  spec: PolicySpec,
  thresholds: readonly CompiledThreshold[],
  context: CompileContext,
): { readonly compiled: readonly CompiledAction[]; readonly findings: readonly Finding[] } {
  const compiled: CompiledAction[] = [];
  const findings: Finding[] = [];
  for (const [index, action] of spec.remediation.allowed.entries()) {
    const path = ['spec', 'remediation', 'allowed', index];
    const tool = context.tool(action.tool);
    const problems = [
      ...toolFindings(action, tool, context, path),
      ...absentFindings(action, thresholds, path),
    ];
    if (problems.length > 0) {
      findings.push(...problems);
      continue;
    }
    const args = action.arguments as JsonObject;
    // Of a tool of another server only a warning comes: whether that server is up, and what it says,
    // must not decide whether policies can be loaded.
    const known = tool?.builtin === true ? tool : undefined;
    const result = compileArguments(args, known, context.secretDetector);
    if (result.ok) {
      compiled.push({ ...action, on: resolveOn(action, thresholds), template: result.template });
    } else {
      findings.push(
        ...result.problems.map((problem) => ({
          ...problem,
          path: [...path, 'arguments', ...problem.path],
        })),
      );
    }
  }
  return { compiled, findings };
}

/** What anybody can write into a log, and what has not happened yet, sets off what names it. */
function resolveOn(action: RemediationAction, thresholds: readonly CompiledThreshold[]): string[] {
  if (action.on !== undefined) return action.on;
  return thresholds
    .filter(({ logDerived, signal }) => !logDerived && signal !== 'absent' && !isTrend(signal))
    .map(({ name }) => name);
}

function isTrend(signal: CompiledThreshold['signal']): boolean {
  return signal !== undefined && signalFacts(signal).class === 'trend';
}

function toolFindings(
  action: RemediationAction,
  tool: ToolDescription | undefined,
  { builtinTools }: CompileContext,
  path: DocumentPath,
): Finding[] {
  const refuse = (message: string) => [{ path: [...path, 'tool'], message }];
  if (tool?.readOnly === true) {
    return refuse(`${action.tool} only reads; it belongs in diagnosis.investigate.tools`);
  }
  if (tool !== undefined || !action.tool.startsWith(BUILTIN_PREFIX)) return [];
  const near = closest(action.tool, builtinTools);
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  return refuse(`there is no built-in tool ${action.tool}${hint}`);
}

/** No tool of ours can bring back what is not there; people are told of it. */
function absentFindings(
  action: RemediationAction,
  thresholds: readonly CompiledThreshold[],
  path: DocumentPath,
): Finding[] {
  const absent = new Set(
    thresholds.filter(({ signal }) => signal === 'absent').map(({ name }) => name),
  );
  return (action.on ?? []).flatMap((name, index) => {
    if (!absent.has(name)) return [];
    const message = `${name} is about a workload that is absent: it is notified, never acted on`;
    return [{ path: [...path, 'on', index], message }];
  });
}
