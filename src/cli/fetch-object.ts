import type { ApiClient, Json } from './api-client.ts';
import { CliError } from './context.ts';
import type { Kind } from './kinds.ts';

/**
 * Gets one object by its name.
 *
 * @throws {CliError} there is none; of a workload with the keys that probably were meant
 */
export async function fetchObject(
  api: ApiClient,
  { name: kind }: Kind,
  name: string,
): Promise<Json> {
  const path = `/api/v1/${kind}`;
  try {
    return await api.get(`${path}/${encodeURIComponent(name)}`);
  } catch (error) {
    if (kind !== 'workloads' || !(error instanceof CliError) || error.exitCode !== 1) throw error;
    const keys = (await api.list(path)).flatMap((item) => keyIfCalled(item, name));
    if (keys.length === 0) throw error;
    throw new CliError(1, error.message, `Did you mean ${keys.join(' or ')}?`, error);
  }
}

function keyIfCalled({ metadata, spec }: Json, name: string): string[] {
  const { name: key } = metadata as { readonly name: string };
  const { container } = spec as { readonly container?: string };
  return key.endsWith(`/${name}`) || container === name ? [key] : [];
}
