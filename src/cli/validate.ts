import { Command, Option } from 'commander';
import { formatProblem, type PolicyProblem } from '#core/policy/problems.ts';
import { plainJson } from '#lib/plain-text.ts';
import { type CliContext, CliError, type ExitCode } from './context.ts';
import { print } from './terminal.ts';
import type { LoadedPolicies } from './wiring.ts';

interface Options {
  readonly output: 'text' | 'json';
  readonly strict?: boolean;
  readonly config?: string;
  readonly allowEmpty?: boolean;
}

export function command(context: CliContext, end: (code: ExitCode) => void): Command {
  return new Command('validate')
    .argument('<path...>', 'files, and folders with everything below them')
    .addOption(
      new Option('-o, --output <format>', 'how to say it')
        .choices(['text', 'json'])
        .default('text'),
    )
    .option('--strict', 'warnings are findings too')
    .option('--allow-empty', 'no policy at all is fine')
    .option('--config <file>', 'the SentinelConfig: which tools are enabled, which notifiers exist')
    .addHelpText(
      'after',
      `
Each finding is a line: FILE:LINE:COLUMN: error: PATH: what is wrong. All paths are judged as one
set, as sentinel run loads them. Exit code 1 with errors, 2 when there is no policy to look at.

Examples:
  sentinel validate policies/
  sentinel validate -o json --strict policies/ | jq .problems`,
    )
    .action(async (paths: readonly string[], options: Options) => {
      const loaded = await context.wiring.loadPolicies(paths, options.config);
      tell(context, loaded, options);
      const isEmpty = loaded.policies.length === 0 && loaded.problems.length === 0;
      if (isEmpty && options.allowEmpty !== true) {
        throw new CliError(
          2,
          `there is no policy in ${paths.join(', ')}`,
          'Name the file or folder with your policies, or say --allow-empty.',
        );
      }
      const isBad =
        loaded.problems.length > 0 || (options.strict === true && loaded.warnings.length > 0);
      end(isBad ? 1 : 0);
    });
}

function tell({ stdout }: CliContext, loaded: LoadedPolicies, { output }: Options): void {
  const { policies, problems, warnings, files } = loaded;
  if (output === 'json') {
    const names = policies.map(({ name, digest, file }) => ({ name, digest, file }));
    stdout.write(
      `${plainJson({ files, policies: names, problems: [...problems, ...warnings] }, 2)}\n`,
    );
    return;
  }
  for (const problem of [...problems, ...warnings].sort(byPlace)) {
    print(stdout, formatProblem(problem));
  }
  const counts = [
    count(problems.length, 'error'),
    ...(warnings.length === 0 ? [] : [count(warnings.length, 'warning')]),
  ].join(', ');
  const found = `${count(policies.length, 'policy', 'policies')} in ${count(files, 'file')}`;
  print(
    stdout,
    problems.length === 0
      ? `${found}: valid${warnings.length === 0 ? '' : `, ${count(warnings.length, 'warning')}`}`
      : counts,
  );
}

function byPlace(a: PolicyProblem, b: PolicyProblem): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  return a.line - b.line || a.column - b.column;
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}
