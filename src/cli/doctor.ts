import { Command, Option } from 'commander';
import { plainJson } from '#lib/plain-text.ts';
import type { CliContext, ExitCode } from './context.ts';
import { CHECKS, type Finding } from './doctor-checks.ts';
import type { DoctorProbes } from './doctor-probes.ts';
import { Paint, print } from './terminal.ts';

interface Options {
  readonly output: 'text' | 'json';
}

export function command(context: CliContext, end: (code: ExitCode) => void): Command {
  return new Command('doctor')
    .addOption(new Option('-o, --output <format>', 'how').choices(['text', 'json']).default('text'))
    .addHelpText(
      'after',
      `
Looks at the same environment as sentinel run, changes nothing, and says how to mend what it finds.
Exit code 1 with findings, 3 when the Docker Engine or Redis cannot be reached.

Examples:
  sentinel doctor
  DOCKER_HOST=tcp://socket-proxy:2375 sentinel doctor -o json`,
    )
    .action(async ({ output }: Options) => {
      await using probes = await context.wiring.doctor();
      const findings = await examine(probes);
      if (output === 'json') context.stdout.write(`${plainJson(findings, 2)}\n`);
      else for (const finding of findings) print(context.stdout, lineOf(finding, context));
      end(exitCodeOf(findings));
    });
}

/** Asks every check; one that fails for another reason than its own says so, and the rest go on. */
export async function examine(probes: DoctorProbes): Promise<Finding[]> {
  const setting = await probes.setting();
  const findings: Finding[] = [];
  for (const [name, check] of Object.entries(CHECKS)) {
    try {
      findings.push(
        ...(await check(probes, setting)).map((finding) => ({ check: name, ...finding })),
      );
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      findings.push({ check: name, level: 'fail', message });
    }
  }
  return findings;
}

export function exitCodeOf(findings: readonly Finding[]): ExitCode {
  if (findings.some(({ unreachable }) => unreachable === true)) return 3;
  return findings.some(({ level }) => level === 'fail') ? 1 : 0;
}

function lineOf(finding: Finding, { stdout, env }: CliContext): string {
  const { level, check, message, remedy } = finding;
  const paint = new Paint(stdout, env);
  const said = `${paint.word(level).padEnd(level.length)}${' '.repeat(6 - level.length)}${check}: ${message}`;
  return remedy === undefined ? said : `${said}\n      ${remedy}`;
}
