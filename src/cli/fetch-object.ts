import type { ApiClient, Json } from './api-client.ts';
import { CliError } from './context.ts';
import type { Kind } from './kinds.ts';

/** More than so many are no hint. */
const KEYS_MAX = 5;

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
    if (keys.length === 0 || keys.length > KEYS_MAX) throw error;
    throw new CliError(1, error.message, `Did you mean ${keys.join(' or ')}?`, error);
  }
}

/** Called by its container, or by segments of its key after the host: `web`, `shop/web`. */
function keyIfCalled({ metadata, spec }: Json, name: string): string[] {
  const { name: key } = metadata as { readonly name: string };
  const { container } = spec as { readonly container?: string };
  const withoutHost = `${key.slice(key.indexOf('/'))}/`;
  return withoutHost.includes(`/${name}/`) || container === name ? [key] : [];
}
