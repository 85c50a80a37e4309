import { DEFAULTS } from '#core/defaults.ts';
import type { CliContext } from './context.ts';

/** For the help of `--data`. */
export const DATA_ELSE = `SENTINEL_DATA, else ${DEFAULTS.data}`;

/** The data directory that a command reads: the option, else that of the environment. */
export function dataDirectory({ env }: CliContext, given: string | undefined): string {
  return given ?? (env['SENTINEL_DATA'] || DEFAULTS.data);
}
