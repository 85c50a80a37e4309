import { Command } from 'commander';
import { type ApiOptions, openApi, withApiOptions } from './api-client.ts';
import type { CliContext, ExitCode } from './context.ts';
import { type ScopeOptions, scopeOf, targetOf, withScopeOptions } from './scope.ts';
import { print } from './terminal.ts';

interface Options extends ApiOptions, ScopeOptions {
  readonly for?: string;
  readonly reason: string;
}

export function command(context: CliContext, end: (code: ExitCode) => void): Command {
  return withApiOptions(withScopeOptions(new Command('pause')))
    .option('--for <duration>', 'how long, such as 2h; until it is resumed unless given')
    .requiredOption('--reason <text>', 'required: for whoever asks why nothing is done')
    .addHelpText(
      'after',
      `
A pause survives restarts. It stops new actions; what is under way is still verified.

Examples:
  sentinel pause --all --for 2h --reason "moving the database"
  sentinel pause --policy shop-web --reason "load test"`,
    )
    .action(async (options: Options) => {
      const scope = scopeOf(options);
      const api = await openApi(context, options);
      const rest = options.for === undefined ? {} : { for: options.for };
      await api.post('/api/v1/pause', { ...scope, reason: options.reason, ...rest });
      const length = options.for === undefined ? 'until it is resumed' : `for ${options.for}`;
      print(context.stdout, `paused: ${targetOf(scope)}, ${length}`);
      end(0);
    });
}
