import { createHash } from 'node:crypto';
import { canonicalJson, type PolicyRef } from '#core/journal/record.ts';
import { closest } from '#lib/edit-distance.ts';
import { compileActions } from './compile-actions.ts';
import { compileThresholds } from './compile-thresholds.ts';
import type { CompileContext, CompiledAction, CompiledPolicy, Needs } from './compiled.ts';
import { compileDenyWindow, type DenyWindow } from './deny-window.ts';
import { policyJsonSchema } from './json-schema.ts';
import {
  type Finding,
  findingsOf,
  type PolicyDocument,
  type PolicyProblem,
  toProblem,
} from './problems.ts';
import { API_VERSION, SentinelPolicy } from './schema.ts';
import { compileSelector } from './selector.ts';
import { policyWarnings } from './warnings.ts';

export type {
  CompileContext,
  CompiledAction,
  CompiledPolicy,
  CompiledThreshold,
} from './compiled.ts';
export type { PolicyDocument, PolicyProblem } from './problems.ts';

export interface CompiledPolicySet {
  /** In alphabetical order. Documents with an error are not among them. */
  readonly policies: readonly CompiledPolicy[];
  /** Errors. A set with any of them must not be put into force. */
  readonly problems: readonly PolicyProblem[];
  readonly warnings: readonly PolicyProblem[];
}

const SCHEMA = policyJsonSchema();

/** Validates and compiles policies as one set: every problem of every document is told. Pure. */
export function compilePolicySet(
  documents: readonly PolicyDocument[],
  context: CompileContext,
): CompiledPolicySet {
  const compiled = documents.map((document) => compileDocument(document, context));
  const problems = compiled.flatMap((result) => result.problems);
  const policies: CompiledPolicy[] = [];
  const files = new Map<string, string>();

  for (const [index, { policy }] of compiled.entries()) {
    const document = documents[index];
    if (policy === undefined || document === undefined) continue;
    const other = files.get(policy.name);
    if (other !== undefined) {
      const message = `policy ${policy.name} is already defined in ${other}`;
      problems.push(toProblem(document, { path: ['metadata', 'name'], message }));
      continue;
    }
    files.set(policy.name, document.file);
    policies.push(policy);
  }
  return {
    policies: policies.sort((a, b) => (a.name < b.name ? -1 : 1)),
    problems,
    warnings: compiled.flatMap((result) => result.warnings),
  };
}

interface DocumentResult {
  readonly policy?: CompiledPolicy;
  readonly problems: readonly PolicyProblem[];
  readonly warnings: readonly PolicyProblem[];
}

function compileDocument(document: PolicyDocument, context: CompileContext): DocumentResult {
  const refused = (findings: readonly Finding[]): DocumentResult => ({
    problems: findings.map((finding) => toProblem(document, finding)),
    warnings: [],
  });

  const foreign = foreignDocument(document.value);
  if (foreign !== undefined) return refused([foreign]);
  const parsed = SentinelPolicy.safeParse(document.value);
  if (!parsed.success) return refused(findingsOf(parsed.error, SCHEMA, document.value));

  const policy = parsed.data;
  const thresholds = compileThresholds(policy.spec.thresholds);
  const actions = compileActions(policy.spec, thresholds.compiled, context);
  const windows = compileWindows(policy.spec.remediation.windows.deny);
  const findings = [
    ...thresholds.findings,
    ...actions.findings,
    ...windows.findings,
    ...investigationFindings(policy, context),
  ];
  if (findings.length > 0) return refused(findings);

  const ref: PolicyRef = {
    name: policy.metadata.name,
    digest: digestOf(policy),
    commit: document.commit,
  };
  const compiled: CompiledPolicy = {
    ...ref,
    ref,
    file: document.file,
    labels: policy.metadata.labels,
    spec: policy.spec,
    selects: compileSelector(policy.spec.selector),
    thresholds: thresholds.compiled,
    actions: actions.compiled,
    denyWindows: windows.compiled.map(({ window }) => window),
    needs: needsOf(thresholds.compiled, actions.compiled),
  };
  const endless = windows.compiled.flatMap((window, index) => (window.endless ? [index] : []));
  return {
    policy: compiled,
    problems: [],
    warnings: policyWarnings(compiled, context, endless).map((finding) =>
      toProblem(document, finding, 'warning'),
    ),
  };
}

/** A document of another kind gets one clear sentence instead of a list of wrong fields. */
function foreignDocument(value: unknown): Finding | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { path: [], message: 'must be a mapping with apiVersion, kind, metadata and spec' };
  }
  const kind: unknown = 'kind' in value ? value.kind : undefined;
  if (kind === 'SentinelConfig') {
    return {
      path: ['kind'],
      message: 'SentinelConfig is no policy; it is given to sentinel run with --config',
    };
  }
  if (typeof kind !== 'string' || kind === 'SentinelPolicy') return undefined;
  const near = closest(kind, ['SentinelPolicy']);
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  return { path: ['kind'], message: `must be SentinelPolicy (${API_VERSION})${hint}` };
}

function digestOf(policy: SentinelPolicy): string {
  return `sha256:${createHash('sha256').update(canonicalJson(policy)).digest('hex')}`;
}

function compileWindows(sources: readonly string[]): {
  readonly compiled: readonly { readonly window: DenyWindow; readonly endless: boolean }[];
  readonly findings: readonly Finding[];
} {
  const results = sources.map(compileDenyWindow);
  return {
    compiled: results.flatMap((result) => (result.ok ? [result] : [])),
    findings: results.flatMap((result, index) =>
      result.ok
        ? []
        : [{ path: ['spec', 'remediation', 'windows', 'deny', index], message: result.message }],
    ),
  };
}

/** While it looks for a cause a model may only read. What other servers say of theirs proves nothing. */
function investigationFindings(policy: SentinelPolicy, context: CompileContext): Finding[] {
  const tools = policy.spec.diagnosis.investigate?.tools ?? [];
  return tools.flatMap((name, index) => {
    const refuse = (message: string) => [
      { path: ['spec', 'diagnosis', 'investigate', 'tools', index], message },
    ];
    if (context.builtinTools.includes(name)) {
      if (context.tool(name)?.readOnly === true) return [];
      return refuse(`${name} can change something; only tools that read are allowed here`);
    }
    const near = closest(name, context.builtinTools);
    const hint = near === undefined ? '' : `; did you mean ${near}?`;
    return refuse(
      `${name} is no built-in tool, and only of those is it known that they read${hint}`,
    );
  });
}

function needsOf(
  thresholds: CompiledPolicy['thresholds'],
  actions: readonly CompiledAction[],
): Needs {
  const reads = [
    ...thresholds.map((threshold) => threshold.reads),
    ...actions.flatMap(({ template }) => template.reads),
  ];
  const signals = new Set(thresholds.map(({ signal }) => signal));
  return {
    stats: reads.some(({ stats }) => stats),
    logs: reads.some(({ logDerived }) => logDerived),
    probes: signals.has('probe.http') || signals.has('probe.tcp'),
    filesystem: signals.has('disk.writable'),
  };
}
