import { Command } from 'commander';
import { type ApiOptions, openApi, withApiOptions } from './api-client.ts';
import type { CliContext, ExitCode } from './context.ts';
import { type ScopeOptions, scopeOf, targetOf, withScopeOptions } from './scope.ts';
import { print } from './terminal.ts';

interface Options extends ApiOptions, ScopeOptions {
  readonly reason?: string;
}

export function command(context: CliContext, end: (code: ExitCode) => void): Command {
  return withApiOptions(withScopeOptions(new Command('resume')))
    .option('--reason <text>', 'for the journal')
    .addHelpText(
      'after',
      `
Example:
  sentinel resume --all`,
    )
    .action(async (options: Options) => {
      const scope = scopeOf(options);
      const api = await openApi(context, options);
      const reason = options.reason === undefined ? {} : { reason: options.reason };
      await api.post('/api/v1/resume', { ...scope, ...reason });
      print(context.stdout, `resumed: ${targetOf(scope)}`);
      end(0);
    });
}
