import { Command, Option } from 'commander';
import { DEFAULTS } from '#core/defaults.ts';
import type { CliContext, ExitCode } from './context.ts';
import { DATA_ELSE } from './data-option.ts';
import type { RunFlags } from './wiring.ts';

export function command({ wiring }: CliContext, end: (code: ExitCode) => void): Command {
  return new Command('run')
    .option('--policies <dir>', `folder of policies (SENTINEL_POLICIES, else ${DEFAULTS.policies})`)
    .option(
      '--data <dir>',
      `journal and evidence (data.directory of the SentinelConfig, else ${DATA_ELSE})`,
    )
    .option('--config <file>', 'the SentinelConfig (SENTINEL_CONFIG)')
    .addOption(
      new Option('--mode-override <mode>', 'watch and record, do nothing').choices(['Shadow']),
    )
    .option('--once', 'look at everything once, finish what is under way, and end')
    .addHelpText(
      'after',
      `
Environment: DOCKER_HOST, DOCKER_TLS_VERIFY, DOCKER_CERT_PATH, REDIS_URL, API_HOST, API_PORT,
API_TOKENS_FILE, API_ALLOWED_HOSTS, SENTINEL_HOST, MCP_GATEWAY_URL, MCP_GATEWAY_AUTH_TOKEN, LOG_LEVEL,
AUTO_HEAL_ENABLED=false (Shadow for all), and the secrets that policies and the SentinelConfig name.

Examples:
  sentinel run --policies ./policies --data /var/lib/sentinel
  DOCKER_HOST=tcp://10.0.0.2:2375 sentinel run --mode-override Shadow`,
    )
    .action(async (options: RunFlags) => end((await wiring.run(options)) === 0 ? 0 : 3));
}
