import { readFile } from 'node:fs/promises';
import { ConfigError } from '#core/errors.ts';
import { SentinelConfig } from '#core/policy/config-schema.ts';
import { configJsonSchema } from '#core/policy/json-schema.ts';
import { findingsOf, formatProblem, toProblem } from '#core/policy/problems.ts';
import { parseYamlFile } from './yaml-documents.ts';

/**
 * Reads the one SentinelConfig document of a file.
 *
 * @param path absent: everything is as it is by default
 * @throws {ConfigError} it cannot be read or is invalid: each problem with file, line and column
 */
export async function readSentinelConfig(
  path: string | undefined,
): Promise<SentinelConfig['spec']> {
  if (path === undefined)
    return parse({ apiVersion: 'sre-sentinel.io/v1alpha1', kind: 'SentinelConfig' });
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new ConfigError(`${path} cannot be read`, { cause });
  });
  const { documents, problems } = parseYamlFile(path, bytes);
  if (problems.length > 0) throw new ConfigError(problems.map(formatProblem).join('\n'));
  const [document, second] = documents;
  if (document === undefined || second !== undefined) {
    throw new ConfigError(`${path} must hold exactly one SentinelConfig document`);
  }
  const result = SentinelConfig.safeParse(document.value);
  if (result.success) return result.data.spec;
  const findings = findingsOf(result.error, configJsonSchema(), document.value);
  const located = findings.map((finding) => toProblem({ ...document, commit: '' }, finding));
  throw new ConfigError(located.map(formatProblem).join('\n'));
}

function parse(value: unknown): SentinelConfig['spec'] {
  return SentinelConfig.parse(value).spec;
}
