import { Command, CommanderError } from 'commander';
import { plainText } from '#lib/plain-text.ts';
import { COMMANDS, type CommandEntry } from './commands.ts';
import type { CliContext, ExitCode } from './context.ts';
import { describeFailure } from './failure.ts';

/** Runs one command line. Never throws: what goes wrong is said on stderr, in a line or two. */
export async function runCli(given: readonly string[], context: CliContext): Promise<ExitCode> {
  const args = isVersionFlag(given[0]) ? ['version'] : given;
  let exitCode: ExitCode = 0;
  try {
    const program = await createProgram(context, calledEntries(args), (code) => {
      exitCode = code;
    });
    if (args.length === 0) {
      program.outputHelp();
      return 0;
    }
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has printed the message, or the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const { text, code } = describeFailure(error, context.env);
    context.stderr.write(`${plainText(text)}\n`);
    return code;
  }
}

function isVersionFlag(word: string | undefined): boolean {
  return word === '-v' || word === '-V' || word === '--version';
}

/** The command tree: those in `entries` whole, the others by name and summary alone. */
export async function createProgram(
  context: CliContext,
  entries: readonly CommandEntry[],
  end: (code: ExitCode) => void,
): Promise<Command> {
  const program = new Command('sentinel')
    .description('An operator for Docker: watches containers, and does only what policies permit.')
    .usage('COMMAND [options]')
    .option('-v, --version', 'print the version')
    .addHelpText('after', HELP)
    .enablePositionalOptions()
    .showHelpAfterError('Run sentinel --help for what there is.')
    .helpCommand('help [command]', 'Show the help of a command');
  for (const entry of COMMANDS) {
    if (!entries.includes(entry)) {
      program.command(entry.name).description(entry.summary);
      continue;
    }
    const module = await entry.load();
    program.addCommand(module.command(context, end).description(entry.summary));
  }
  configure(program, context);
  return program;
}

const HELP = `
Examples:
  sentinel validate policies/           check policies before they are committed
  sentinel run --mode-override Shadow   watch and record, do nothing
  sentinel get incidents -w             follow incidents
  sentinel explain inc-20261124-k3v9q0m2xa

Exit codes: 0 fine, 1 findings, 2 wrong usage, 3 cannot reach what it needs.`;

/** Commands do not inherit these from the one that they are added to. */
function configure(command: Command, context: CliContext): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => context.stdout.write(text),
    writeErr: (text) => context.stderr.write(text),
    getOutHasColors: () => false,
    getErrHasColors: () => false,
    outputError: (text, write) => write(text.replace(/^error: /, 'sentinel: ')),
  });
  for (const child of command.commands) configure(child, context);
}

/** The commands that a command line needs: the one that it names, for `help` the one after. */
function calledEntries(args: readonly string[]): readonly CommandEntry[] {
  const words = args.filter((word) => !word.startsWith('-'));
  const name = words[0] === 'help' ? words[1] : words[0];
  return name === 'completion' ? COMMANDS : COMMANDS.filter((entry) => entry.name === name);
}
