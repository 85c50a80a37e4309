// `npm run demo`: breaks a stack of real containers, and shows what the operator does about it.
import { randomBytes } from 'node:crypto';
import { constants } from 'node:os';
import { parseArgs } from 'node:util';
import { runDemo } from './demo.ts';
import { Narrator } from './narrator.ts';
import { SCENARIOS } from './scenarios.ts';
import { createTerminal } from './terminal.ts';

const USAGE = `usage: npm run demo -- [--only NAME]... [--project NAME]

  --only NAME      play this scenario alone: ${SCENARIOS.map(({ id }) => id).join(', ')}
  --project NAME   call the stack so; a name with a random end unless given`;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

process.exitCode = await main(process.argv.slice(2));

async function main(argv: string[]): Promise<number> {
  const options = optionsOf(argv);
  if (typeof options === 'string') {
    process.stderr.write(`${options}\n`);
    return 2;
  }
  const interrupt = new AbortController();
  let exitCode = 1;
  for (const name of SIGNALS) {
    process.on(name, () => {
      exitCode = 128 + constants.signals[name];
      interrupt.abort(new Error(`stopped by ${name}`));
    });
  }
  const narrator = new Narrator(createTerminal(process.stdout, process.env));
  const wentWell = await runDemo({ ...options, narrator, signal: interrupt.signal });
  return wentWell ? 0 : exitCode;
}

function optionsOf(argv: string[]) {
  const options = {
    only: { type: 'string', multiple: true, default: [] as string[] },
    project: { type: 'string', default: `sentinel-demo-${randomBytes(3).toString('hex')}` },
    help: { type: 'boolean', default: false },
  } as const;
  try {
    const { values } = parseArgs({ args: argv, options: { ...options } });
    if (values.help) return USAGE;
    const unknown = values.only.find((id) => !SCENARIOS.some((one) => one.id === id));
    if (unknown !== undefined) return `there is no scenario ${unknown}\n\n${USAGE}`;
    if (!/^[a-z0-9][a-z0-9-]{2,40}$/.test(values.project)) {
      return `--project takes small letters, digits and hyphens\n\n${USAGE}`;
    }
    const scenarios = SCENARIOS.filter(
      ({ id }) => values.only.length === 0 || values.only.includes(id),
    );
    return { scenarios, project: values.project };
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`;
  }
}
