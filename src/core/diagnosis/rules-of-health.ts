import { formatDuration } from '#lib/duration.ts';
import { detailOf } from './details.ts';
import { type DiagnosisFacts, type Finding, isAbout, type Rule } from './facts.ts';
import { listeningPorts } from './scan.ts';

const RESTART = 'docker/restart_container';
/** Docker could not run the probe, or did not wait for its end. */
const NOT_RUN = -1;
const NO_COMMAND: ReadonlySet<number> = new Set([NOT_RUN, 126, 127]);

interface Unhealthy {
  readonly streak: number;
  readonly exitCode: number | undefined;
  readonly output: string;
}

/**
 * The check as it fails now. Docker also says `unhealthy` when it only stopped checking (a pause, a
 * stop): a container that does not run, or whose streak is 0, failed nothing.
 */
function unhealthy(facts: DiagnosisFacts): Unhealthy | undefined {
  const { container } = facts;
  const health = container?.health;
  if (container?.state !== 'running' || health === undefined) return undefined;
  if (health.status !== 'unhealthy' || health.failingStreak < 1) return undefined;
  if (!isAbout(facts, 'health')) return undefined;
  const output = (facts.texts.probe ?? []).join('\n').toLowerCase();
  return { streak: health.failingStreak, exitCode: health.lastRun?.exitCode, output };
}

const CITES = ['health', 'container.health'];

function failing(facts: DiagnosisFacts): Finding | undefined {
  const now = unhealthy(facts);
  if (now === undefined || isEngineTrouble(now)) return undefined;
  const timedOut = now.exitCode === NOT_RUN;
  return {
    cause: timedOut ? 'HealthCheckTimeout' : 'HealthCheckFailing',
    explanation: timedOut
      ? `Its health check does not answer in time (${now.streak} in a row): the process hangs or is starved.`
      : `Its health check fails (${now.streak} in a row, exit code ${now.exitCode ?? 'unknown'}).`,
    confidence: 0.6,
    cites: CITES,
    remedies: [RESTART],
  };
}

const TOOL_MISSING = ['executable file not found', 'not found', 'no such file or directory'];
/** What the engine says when it cannot run a probe: nothing was asked of the service. */
const ENGINE_SAYS = [
  'oci runtime',
  'cannot exec in a stopped',
  'cannot exec in a paused',
  'container is not running',
  'unable to start exec',
  'failed to create shim',
  'containerd',
  'error grabbing logs',
  'rpc error',
];

function isToolMissing({ exitCode, output }: Unhealthy): boolean {
  // A probe of its own may print "not found" for a page: only with a code that says the same.
  if (exitCode === undefined || !NO_COMMAND.has(exitCode)) return false;
  return TOOL_MISSING.some((words) => output.includes(words));
}

function isEngineTrouble(now: Unhealthy): boolean {
  if (now.exitCode === undefined || !NO_COMMAND.has(now.exitCode) || isToolMissing(now))
    return false;
  return ENGINE_SAYS.some((words) => now.output.includes(words));
}

function toolMissing(facts: DiagnosisFacts): Finding | undefined {
  const now = unhealthy(facts);
  if (now === undefined || !isToolMissing(now)) return undefined;
  const tool = detailOf('command', now.output);
  const what = tool === undefined ? 'a tool that is' : `${tool}, which is`;
  return {
    cause: 'HealthCheckWrong',
    explanation: `Its health check calls ${what} not in the image: the check is wrong, and says nothing of the service.`,
    confidence: 0.85,
    cites: CITES,
    adds: [{ signal: 'health.text', value: 'tool missing', note: 'in the newest probe’s output' }],
  };
}

function probeError(facts: DiagnosisFacts): Finding | undefined {
  const now = unhealthy(facts);
  if (now === undefined || !isEngineTrouble(now)) return undefined;
  return {
    cause: 'ProbeError',
    explanation: `The engine could not run its health check (${now.streak} in a row): that says nothing of the service.`,
    confidence: 0.8,
    cites: CITES,
    adds: [{ signal: 'health.text', value: 'engine error', note: 'in the newest probe’s output' }],
    remedies: [RESTART],
  };
}

/** A port that something was asked on: of an address, or named. */
const PORT = /(?::|port[ =:])(\d{2,5})\b/;
const REFUSED = ['refused', "can't connect", 'could not connect', 'failed to connect'];

function wrongPort(facts: DiagnosisFacts): Finding | undefined {
  const now = unhealthy(facts);
  if (now === undefined) return undefined;
  const line = now.output.split('\n').find((one) => REFUSED.some((word) => one.includes(word)));
  const asked = Number(PORT.exec(line ?? '')?.[1]);
  const ports = listeningPorts(facts.texts.log ?? []);
  if (Number.isNaN(asked) || ports.length === 0 || ports.includes(asked)) return undefined;
  return {
    cause: 'HealthCheckWrong',
    explanation: `Its health check asks on port ${asked}, where nothing listens; its log says that it listens on ${ports.slice(0, 3).join(', ')}.`,
    confidence: 0.7,
    cites: CITES,
    adds: [
      {
        signal: 'health.text',
        value: `port ${asked} refused`,
        note: 'in the newest probe’s output',
      },
      { signal: 'log.text', value: `listens on ${ports.slice(0, 3).join(', ')}` },
    ],
  };
}

const SHORT_RUN_MS = 60_000;

function tooEarly(facts: DiagnosisFacts): Finding | undefined {
  const now = unhealthy(facts);
  const health = facts.container?.health;
  if (now === undefined || health === undefined || facts.ranMs === undefined) return undefined;
  const { startPeriodMs, intervalMs, retries } = health.check;
  // Every probe since the start has failed: it was never well in this run.
  const neverWell = now.streak * intervalMs >= facts.ranMs - intervalMs;
  if (facts.ranMs > SHORT_RUN_MS || startPeriodMs > 0 || !neverWell) return undefined;
  return {
    cause: 'HealthCheckWrong',
    explanation: `It was called unhealthy ${formatDuration(Math.round(facts.ranMs / 1_000) * 1_000)} after its start: its health check has no start period and gives up after ${retries} times ${formatDuration(intervalMs)}, which may be too early.`,
    confidence: 0.5,
    cites: CITES,
  };
}

function declaredProbe(facts: DiagnosisFacts): Finding | undefined {
  if (!isAbout(facts, 'probe.http', 'probe.tcp')) return undefined;
  return {
    cause: 'ProbeFailing',
    explanation:
      'The probe that the policy declares fails: the service does not answer as it should.',
    confidence: 0.6,
    cites: ['probe.http', 'probe.tcp'],
    remedies: [RESTART],
  };
}

/** Rules about health checks: wrong ones, ones that the engine cannot run, and ones that are right. */
export const RULES_OF_HEALTH: readonly Rule[] = [
  toolMissing,
  probeError,
  wrongPort,
  tooEarly,
  failing,
  declaredProbe,
];
