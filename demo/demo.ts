import { fileURLToPath } from 'node:url';
import { startRedis } from '../test/support/redis.ts';
import { Feed, published } from './feed.ts';
import type { Narrator } from './narrator.ts';
import { Operator, sentinel } from './operator.ts';
import { type Outcome, play, type Stage } from './play.ts';
import { metricsExcerpt, reportRows } from './report.ts';
import type { Scenario } from './scenarios.ts';
import { SERVICES } from './services.ts';
import { Stack } from './stack.ts';
import { thresholdWords } from './thresholds.ts';
import { WorkFolder } from './work-folder.ts';

const CONFIG = fileURLToPath(new URL('./sentinel.yaml', import.meta.url));
/** What policies/mailer.yaml asks for by name. Whoever reads the journal must not find it there. */
const SECRETS = { DEMO_SMTP_URL: 'smtp://mail.example:587' };
const SET_UP_MS = 30_000;

export interface DemoOptions {
  readonly project: string;
  readonly scenarios: readonly Scenario[];
  readonly narrator: Narrator;
  /** Ends the demo; everything is removed all the same. */
  readonly signal: AbortSignal;
}

/**
 * Runs the whole demo and leaves nothing behind but, after a failure, the operator's log and data.
 *
 * @returns whether everything went as it should
 */
export async function runDemo(options: DemoOptions): Promise<boolean> {
  const { project, narrator, signal } = options;
  const startedAtMs = performance.now();
  await using folder = await WorkFolder.create(project);
  const problems = await stage(options, folder).catch((error: unknown) => {
    if (!signal.aborted) narrator.problem(error instanceof Error ? error.message : String(error));
    return 1;
  });
  if (signal.aborted) {
    narrator.note(`${(signal.reason as Error).message}; everything is removed.`);
    return false;
  }
  const tookSeconds = ((performance.now() - startedAtMs) / 1000).toFixed(0);
  if (problems === 0) {
    narrator.passed(`everything went as it should, in ${tookSeconds} s`);
    return true;
  }
  folder.isKept = true;
  narrator.note(`The operator's log and data are kept in ${folder.path}`);
  return false;
}

/** Sets everything up, plays, and takes it down in reverse order. @returns the number of problems */
async function stage(options: DemoOptions, folder: WorkFolder): Promise<number> {
  const { project, scenarios, narrator, signal } = options;
  const ways = scenarios.length === 1 ? 'one way' : `${scenarios.length} ways`;
  narrator.heading(`SRE Sentinel: ${ways} to break a stack, and what becomes of it`);
  narrator.note(
    `Setting up ${project}: ${SERVICES.length} real containers ` +
      `(${SERVICES.map(({ name }) => name).join(', ')}), a private Redis, and the operator. ` +
      'No language model is asked: rules name the cause, policies decide.',
  );
  await using stack = await Stack.start(project);
  signal.throwIfAborted();
  await using redis = await startRedis();
  const validated = await sentinel('validate', folder.policies, '--config', CONFIG);
  narrator.quote(`$ sentinel validate demo/policies\n${validated.output}`);
  if (validated.exitCode !== 0) return 1;

  const playing = new AbortController();
  const settingUp = AbortSignal.any([signal, AbortSignal.timeout(SET_UP_MS)]);
  const { log, data, policies } = folder;
  await using running = await Operator.start(
    { policies, data, config: CONFIG, redisUrl: redis.url, logFile: log, secrets: SECRETS },
    settingUp,
  );
  await stack.untilWell(SET_UP_MS, signal);
  await using feed = new Feed(redis.url);
  for (const failing of [feed.run(), running.ended()]) {
    failing.catch((error: unknown) => playing.abort(error));
  }
  narrator.note(
    `sentinel run is ready: API at ${running.url}, incidents in Redis at ${redis.url}.`,
  );

  const outcomes = await playAll(
    scenarios,
    {
      stack,
      feed,
      narrator,
      thresholds: thresholdWords(await running.get('/api/v1/policies')),
      signal: AbortSignal.any([signal, playing.signal]),
    },
    folder,
  );

  narrator.heading('What came of it');
  narrator.table(reportRows(outcomes));
  const problems = outcomes.flatMap((outcome) => outcome.problems).length;
  return problems + (await audit({ narrator, operator: running, folder, redisUrl: redis.url }));
}

async function playAll(
  scenarios: readonly Scenario[],
  stage: Stage,
  folder: WorkFolder,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const [index, scenario] of scenarios.entries()) {
    stage.narrator.heading(`${index + 1} of ${scenarios.length}: ${scenario.title}`);
    const outcome = await play(scenario, stage);
    outcomes.push({
      ...outcome,
      problems: [...outcome.problems, ...(await explain(outcome, stage, folder))],
    });
  }
  return outcomes;
}

/** Where nothing was done, `sentinel explain` must say why, from the journal alone. */
async function explain(
  { seen }: Outcome,
  { narrator }: Stage,
  { data }: WorkFolder,
): Promise<string[]> {
  const problems: string[] = [];
  for (const { expectation, seen: one } of seen) {
    const name = one.incident?.metadata.name;
    if (expectation.end.kind !== 'NotActed' || name === undefined) continue;
    const { output, exitCode } = await sentinel('explain', name, '--data', data);
    narrator.quote(`$ sentinel explain ${name}\n${output}`);
    const { heldBy } = expectation.end;
    if (exitCode !== 0 || !output.includes(heldBy)) {
      const problem = `explain: expected ${heldBy} and exit code 0, saw exit code ${exitCode}`;
      narrator.problem(problem);
      problems.push(problem);
    }
  }
  return problems;
}

/** What can be checked by anyone afterwards. @returns the number of problems */
async function audit({
  narrator,
  operator,
  folder,
  redisUrl,
}: {
  readonly narrator: Narrator;
  readonly operator: Operator;
  readonly folder: WorkFolder;
  readonly redisUrl: string;
}): Promise<number> {
  narrator.heading('What can be looked up');
  const list = await sentinel('get', 'remediations', '--server', operator.url);
  narrator.quote(`$ sentinel get remediations\n${list.output}`);
  const excerpt = metricsExcerpt(await operator.get('/metrics'));
  narrator.quote(`$ curl ${operator.url}/metrics   # an excerpt\n${excerpt.join('\n')}`);
  // Stopped first, so that the journal ends with the record of it, here and in Redis.
  await operator[Symbol.asyncDispose]();
  const { lengths, head } = await published(redisUrl);
  const counts = Object.entries(lengths).map(([name, length]) => `${name} ${length} entries`);
  narrator.note(
    `Redis has heard it all: ${counts.join(', ')}. The head of the chain, as it has it:`,
  );
  narrator.note(head);
  const chain = await sentinel('audit', 'verify', '--data', folder.data, '--head', head);
  narrator.quote(`$ sentinel audit verify --head ${head.slice(0, 12)}…\n${chain.output}`);
  const leaks = (
    await Promise.all(Object.values(SECRETS).map((it) => folder.filesWith(it)))
  ).flat();

  const problems = [
    list.exitCode === 0 ? '' : `get remediations: expected exit code 0, saw ${list.exitCode}`,
    excerpt.length > 0 ? '' : 'metrics: expected series of what happened, saw none',
    Object.values(lengths).includes(0) ? 'Redis: expected entries in both streams' : '',
    chain.exitCode === 0 ? '' : `audit verify: expected exit code 0, saw ${chain.exitCode}`,
    chain.output.includes(`head ${head}`) ? '' : 'audit verify: expected the head of Redis',
    ...leaks.map(
      (path) => `secrets: expected the value of DEMO_SMTP_URL nowhere, saw it in ${path}`,
    ),
  ].filter((problem) => problem !== '');
  for (const problem of problems) narrator.problem(problem);
  return problems.length;
}
