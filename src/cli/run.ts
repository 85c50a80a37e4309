import { Command, Option } from 'commander';
import type { CliContext, ExitCode } from './context.ts';
import type { RunFlags } from './wiring.ts';

interface Options extends Omit<RunFlags, 'modeOverride'> {
  readonly modeOverride?: 'Shadow';
}

export function command({ wiring }: CliContext, end: (code: ExitCode) => void): Command {
  return new Command('run')
    .option('--policies <dir>', 'folder of policies (SENTINEL_POLICIES, else policies)')
    .option('--data <dir>', 'journal and evidence (SENTINEL_DATA, else data)')
    .option('--config <file>', 'the SentinelConfig (SENTINEL_CONFIG)')
    .addOption(
      new Option('--mode-override <mode>', 'watch and record, do nothing').choices(['Shadow']),
    )
    .option('--once', 'look at everything once, finish what is under way, and end')
    .addHelpText(
      'after',
      `
Environment: DOCKER_HOST, REDIS_URL, API_HOST, API_PORT, API_TOKENS_FILE, SENTINEL_HOST,
AUTO_HEAL_ENABLED=false (Shadow for all), LOG_LEVEL, and the secrets that the SentinelConfig names.

Examples:
  sentinel run --policies ./policies --data /var/lib/sentinel
  DOCKER_HOST=tcp://10.0.0.2:2375 sentinel run --mode-override Shadow`,
    )
    .action(async (options: Options) => end((await wiring.run(options)) === 0 ? 0 : 3));
}
