import { DEFAULTS } from '#core/defaults.ts';
import type { CliContext } from './context.ts';

/** For the help of `--data`. */
export const DATA_ELSE = `SENTINEL_DATA, else ${DEFAULTS.data}`;
/** The same for the commands that read what a Sentinel has written, with or without it. */
export const READ_DATA_ELSE = `${DATA_ELSE}; data.directory of a SentinelConfig is not looked up`;

/** The data directory that a command reads: the option, else that of the environment. */
export function dataDirectory({ env }: CliContext, given: string | undefined): string {
  return given ?? (env['SENTINEL_DATA'] || DEFAULTS.data);
}
