import {
  type CompileContext,
  type CompiledPolicy,
  compilePolicySet,
} from '#core/policy/compile.ts';
import { compileConfig } from '#core/policy/compile-config.ts';
import type { SentinelConfig } from '#core/policy/config-schema.ts';
import type { PolicyProblem } from '#core/policy/problems.ts';
import { readPolicyFolder } from './policy-folder.ts';
import type { YamlDocument } from './yaml-documents.ts';

export interface CheckedFiles {
  readonly policies: readonly CompiledPolicy[];
  readonly configs: readonly SentinelConfig[];
  readonly problems: readonly PolicyProblem[];
  readonly warnings: readonly PolicyProblem[];
}

/**
 * Checks files and folders as people have them: policies and SentinelConfigs side by side, the
 * policies against the configs. All paths together are one set, so names must be unique in it. A
 * CustomResourceDefinition is passed over. Never throws: what cannot be read is a problem.
 */
export async function checkFiles(
  paths: readonly string[],
  context: CompileContext,
): Promise<CheckedFiles> {
  const contents = await Promise.all(paths.map(readPolicyFolder));
  const documents = contents.flatMap((content) =>
    content.documents.map((document) => ({ ...document, commit: '' })),
  );
  const checked = documents
    .filter((document) => kindOf(document) === 'SentinelConfig')
    .map((document) => compileConfig(document, context.builtinTools));
  const configs = checked.flatMap(({ config }) => (config === undefined ? [] : [config]));
  const set = compilePolicySet(
    documents.filter((document) => !NO_POLICY.has(kindOf(document))),
    { ...context, ...(configs.length === 0 ? {} : knownFrom(configs)) },
  );
  return {
    policies: set.policies,
    configs,
    problems: [
      ...contents.flatMap(({ problems }) => problems),
      ...checked.flatMap(({ problems }) => problems),
      ...set.problems,
    ],
    warnings: set.warnings,
  };
}

const NO_POLICY: ReadonlySet<string> = new Set(['SentinelConfig', 'CustomResourceDefinition']);

function kindOf({ value }: YamlDocument): string {
  const kind: unknown =
    typeof value === 'object' && value !== null && 'kind' in value ? value.kind : undefined;
  return typeof kind === 'string' ? kind : '';
}

function knownFrom(
  configs: readonly SentinelConfig[],
): Pick<CompileContext, 'enabledTools' | 'notifiers'> {
  return {
    enabledTools: configs.flatMap(({ spec }) => spec.tools.enable),
    notifiers: configs.flatMap(({ spec }) => Object.keys(spec.notifiers)),
  };
}
