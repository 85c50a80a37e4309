import { Argument, Command } from 'commander';
import { completionScript } from './completion-script.ts';
import type { CliContext, ExitCode } from './context.ts';

export function command(context: CliContext, end: (code: ExitCode) => void): Command {
  return new Command('completion')
    .addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish']))
    .addHelpText(
      'after',
      `
Examples:
  source <(sentinel completion bash)
  sentinel completion fish > ~/.config/fish/completions/sentinel.fish`,
    )
    .action(async (shell: 'bash' | 'zsh' | 'fish', _options: object, self: Command) => {
      context.stdout.write(completionScript(shell, self.parent ?? self));
      end(0);
    });
}
