import { eventually } from '../test/support/engine.ts';
import type { Expectation } from './judge.ts';
import type { Stack } from './stack.ts';

const MIB = 2 ** 20;

/** One way to break the stack, and what must come of it. */
export interface Scenario {
  /** For `--only`. */
  readonly id: string;
  readonly title: string;
  /** What is done to the stack, told before it is done. */
  readonly broken: string;
  sabotage(stack: Stack): Promise<void>;
  readonly expected: readonly Expectation[];
  /**
   * Looks at the engine itself, not at what Sentinel says of it.
   *
   * @param before ids and start times of the containers before the sabotage
   * @returns what was found, in words
   * @throws {Error} it is not as it must be
   */
  proof(stack: Stack, before: Snapshot): Promise<string>;
}

export type Snapshot = ReadonlyMap<string, { readonly id: string; readonly startedAt: string }>;

/** Container of a service as it is now, in words of Docker. */
async function look(stack: Stack, service: string, before: Snapshot) {
  const { Id, State, HostConfig, Config } = await stack.inspect(service);
  const then = before.get(service);
  return {
    sameContainer: Id === then?.id,
    sameStart: State.StartedAt === then?.startedAt,
    running: State.Running,
    health: State.Health?.Status,
    exitCode: State.ExitCode,
    memory: HostConfig.Memory ?? 0,
    env: Config.Env ?? [],
  };
}

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(`the engine does not confirm it: ${what}`);
}

export const SCENARIOS: readonly Scenario[] = [
  {
    id: 'database',
    title: 'The database stops answering',
    broken: 'the server process of db is frozen (SIGSTOP): it accepts connections, never answers',
    sabotage: (stack) => stack.exec('db', 'killall', '-STOP', 'httpd'),
    expected: [
      {
        service: 'db',
        threshold: 'unhealthy',
        causes: ['HealthCheckFailing', 'HealthCheckTimeout'],
        end: { kind: 'Remediated', action: 'restart', tool: 'docker/restart_container' },
        detectWithinMs: 25_000,
        endWithinMs: 50_000,
      },
      {
        service: 'api',
        threshold: 'unhealthy',
        causes: ['DependencyDown'],
        end: { kind: 'SelfRecovered', heldBy: 'DependencyFailing' },
        detectWithinMs: 25_000,
        endWithinMs: 50_000,
      },
    ],
    async proof(stack, before) {
      const [db, api] = await Promise.all(['db', 'api'].map((name) => look(stack, name, before)));
      must(db?.health === 'healthy' && !db.sameStart, 'db was started anew and is healthy');
      must(api?.health === 'healthy' && api.sameStart, 'api was left alone and is healthy');
      return 'db was started anew; api, which was never touched, is healthy';
    },
  },
  {
    id: 'memory',
    title: 'A memory leak ends in an OOM kill',
    broken: 'worker keeps 1 MiB of every job, and its limit is 24 MiB; Docker restarts it in vain',
    sabotage: (stack) => stack.exec('worker', 'touch', '/tmp/break'),
    expected: [
      {
        service: 'worker',
        threshold: 'oom',
        causes: ['OutOfMemory'],
        end: { kind: 'Remediated', action: 'more-memory', tool: 'docker/update_resources' },
        detectWithinMs: 20_000,
        endWithinMs: 45_000,
      },
    ],
    async proof(stack, before) {
      const worker = await look(stack, 'worker', before);
      must(worker.running && worker.sameContainer, 'the same worker runs');
      must(worker.memory === 36 * MIB, `its limit is 36 MiB, not ${worker.memory / MIB} MiB`);
      return 'the same worker runs, with a limit of 36 MiB';
    },
  },
  {
    id: 'environment',
    title: 'A critical environment variable is lost',
    broken: 'mailer was deployed without SMTP_URL, and gets its first mail to send',
    sabotage: (stack) => stack.exec('mailer', 'touch', '/outbox/mail'),
    expected: [
      {
        service: 'mailer',
        threshold: 'misconfigured',
        causes: ['MissingEnv', 'Crashed'],
        end: { kind: 'Remediated', action: 'set-smtp-url', tool: 'docker/update_env_vars' },
        detectWithinMs: 5_000,
        endWithinMs: 30_000,
      },
    ],
    async proof(stack, before) {
      const mailer = await look(stack, 'mailer', before);
      must(mailer.running && !mailer.sameContainer, 'another mailer runs');
      must(
        mailer.env.some((entry) => entry.startsWith('SMTP_URL=')),
        'it has SMTP_URL',
      );
      await stack.exec('mailer', 'test', '-e', '/outbox/sent');
      await eventually(async () => (await stack.surplus()).length === 0, {
        timeoutMs: 5_000,
        what: 'the removal of the old mailer',
      });
      return 'a new mailer runs with SMTP_URL on the same volume, its mail is sent, the old one is gone';
    },
  },
  {
    id: 'cpu',
    title: 'CPU runs away',
    broken:
      'indexer falls into an endless loop and takes all of its fifth of a CPU ' +
      '(CPU is sampled every ten seconds, so this takes a moment)',
    sabotage: (stack) => stack.exec('indexer', 'touch', '/run/break'),
    expected: [
      {
        service: 'indexer',
        threshold: 'runaway',
        causes: ['CpuSaturated'],
        end: { kind: 'Remediated', action: 'restart', tool: 'docker/restart_container' },
        detectWithinMs: 30_000,
        endWithinMs: 70_000,
      },
    ],
    async proof(stack, before) {
      const indexer = await look(stack, 'indexer', before);
      must(indexer.running && !indexer.sameStart, 'indexer was started anew');
      return 'indexer was started anew';
    },
  },
  {
    id: 'crash',
    title: 'An unhandled crash',
    broken: 'a child of web dies of a segmentation fault, and web with it (exit code 139)',
    sabotage: (stack) => stack.exec('web', 'touch', '/run/break'),
    expected: [
      {
        service: 'web',
        threshold: 'crash',
        causes: ['Crashed'],
        end: { kind: 'Remediated', action: 'restart', tool: 'docker/restart_container' },
        detectWithinMs: 5_000,
        endWithinMs: 20_000,
      },
    ],
    async proof(stack, before) {
      const web = await look(stack, 'web', before);
      must(web.running && web.sameContainer && !web.sameStart, 'the same web was started again');
      return 'the same container was started again';
    },
  },
  {
    id: 'forbidden',
    title: 'The obvious action is forbidden',
    broken: 'ledger ends with exit code 1; its policy denies every action at every hour',
    sabotage: (stack) => stack.exec('ledger', 'touch', '/run/break'),
    expected: [
      {
        service: 'ledger',
        threshold: 'crash',
        causes: ['Crashed'],
        end: { kind: 'NotActed', heldBy: 'DeniedWindow', watchedMs: 4_000 },
        detectWithinMs: 5_000,
        endWithinMs: 15_000,
      },
    ],
    async proof(stack, before) {
      const ledger = await look(stack, 'ledger', before);
      must(!ledger.running && ledger.exitCode === 1, 'ledger is still down');
      must(ledger.sameContainer && ledger.sameStart, 'nobody touched it');
      return 'ledger is still down, as it fell: same container, same start, exit code 1';
    },
  },
];
