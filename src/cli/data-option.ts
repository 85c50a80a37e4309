import type { CliContext } from './context.ts';

/** The data directory that a command reads: the option, else as `sentinel run` finds it. */
export function dataDirectory({ env }: CliContext, given: string | undefined): string {
  return given ?? (env['SENTINEL_DATA'] || 'data');
}
