import { type CompiledConfig, compileConfig } from '#core/policy/compile-config.ts';
import { readPolicyFolder } from './policy-folder.ts';

/**
 * Reads a SentinelConfig: one file with one document. Never throws; what is wrong, a file that
 * cannot be read included, is a problem.
 */
export async function readConfigFile(
  path: string,
  builtinTools: readonly string[],
): Promise<CompiledConfig> {
  const { documents, problems } = await readPolicyFolder(path);
  if (problems.length > 0) return { problems };
  const [document, ...more] = documents;
  if (document === undefined || more.length > 0) {
    const message = 'must hold exactly one document, of kind SentinelConfig';
    return {
      problems: [{ file: path, line: 1, column: 1, path: '', message, severity: 'error' }],
    };
  }
  return compileConfig({ ...document, commit: '' }, builtinTools);
}
