import { readFile } from 'node:fs/promises';
import { ConfigError } from '#core/errors.ts';
import { compileConfig } from '#core/policy/compile-config.ts';
import { SentinelConfig } from '#core/policy/config-schema.ts';
import { formatProblem, type PolicyProblem } from '#core/policy/problems.ts';
import { API_VERSION } from '#core/policy/schema.ts';
import { parseYamlFile } from './yaml-documents.ts';

/**
 * Reads the one SentinelConfig document of a file.
 *
 * @param path absent: everything is as it is by default
 * @param builtinTools names of all tools of the built-in server
 * @throws {ConfigError} it cannot be read or is invalid: each problem with file, line and column
 */
export async function readSentinelConfig(
  path: string | undefined,
  builtinTools: readonly string[],
): Promise<SentinelConfig['spec']> {
  if (path === undefined) {
    return SentinelConfig.parse({ apiVersion: API_VERSION, kind: 'SentinelConfig' }).spec;
  }
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new ConfigError(`${path} cannot be read`, { cause });
  });
  const { documents, problems } = parseYamlFile(path, bytes);
  refuse(problems);
  const [document, second] = documents;
  if (document === undefined || second !== undefined) {
    throw new ConfigError(`${path} must hold exactly one SentinelConfig document`);
  }
  const compiled = compileConfig({ ...document, commit: '' }, builtinTools);
  refuse(compiled.problems);
  if (compiled.config === undefined) throw new ConfigError(`${path} is no SentinelConfig`);
  return compiled.config.spec;
}

function refuse(problems: readonly PolicyProblem[]): void {
  if (problems.length > 0) throw new ConfigError(problems.map(formatProblem).join('\n'));
}
