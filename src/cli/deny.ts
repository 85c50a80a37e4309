import { Command } from 'commander';
import { type ApiOptions, openApi, withApiOptions } from './api-client.ts';
import type { CliContext, ExitCode } from './context.ts';
import { chooseCandidate, fetchIncident } from './order.ts';
import { print } from './terminal.ts';

interface Options extends ApiOptions {
  readonly candidate?: string;
  readonly reason: string;
}

export function command(context: CliContext, end: (code: ExitCode) => void): Command {
  return withApiOptions(new Command('deny'))
    .argument('<incident>')
    .option('--candidate <id>', 'id or action of the candidate; the one that waits unless given')
    .requiredOption('--reason <text>', 'required: for the journal')
    .addHelpText(
      'after',
      `
Example:
  sentinel deny inc-20261124-k3v9q0m2xa --reason "the migration still runs"`,
    )
    .action(async (name: string, options: Options) => {
      const api = await openApi(context, options);
      const candidate = chooseCandidate(await fetchIncident(api, name), options.candidate);
      await api.post(`/api/v1/incidents/${encodeURIComponent(name)}/deny`, {
        candidate,
        reason: options.reason,
      });
      print(context.stdout, `denied: ${candidate}`);
      end(0);
    });
}
