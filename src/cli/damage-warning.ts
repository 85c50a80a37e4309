import type { CliContext, ExitCode } from './context.ts';
import { Paint } from './terminal.ts';
import type { JournalArchive } from './wiring.ts';

/**
 * Says what reading came upon, after what could be read.
 *
 * @returns the exit code: 3 where the journal is damaged
 */
export function warnOfDamage(
  { stderr, env }: Pick<CliContext, 'stderr' | 'env'>,
  archive: Pick<JournalArchive, 'damage'>,
  dataDirectory: string,
): ExitCode {
  const damage = archive.damage();
  if (damage === undefined) return 0;
  const { file, line, seq, what } = damage;
  const warning = new Paint(stderr, env).as('bold', 'WARNING: the journal is damaged');
  stderr.write(`sentinel: ${warning}: ${file}:${line}: record ${seq}: ${what}
Only what was recorded before that is told; what came after is not. Copy ${dataDirectory} before
anything else, then have every finding named: sentinel audit verify --data ${dataDirectory}
A running Sentinel does nothing on a damaged journal. To go on, restore the directory from a backup,
or move its folder "journal" away: then cooldowns, limits and open incidents begin anew.
`);
  return 3;
}
