import type { Hypothesis, Incident } from '#core/incident/incident.ts';
import { dependenciesOf } from '#core/remediation/affects.ts';
import type { JudgedSituation } from '#core/remediation/step.ts';
import { UPDATE_RESOURCES } from '#core/remediation/tools.ts';
import { formatBytes } from '#lib/quantity.ts';

type Rule = (
  situation: JudgedSituation,
  incident: Incident,
) => (Omit<Hypothesis, 'evidenceRefs'> & { readonly signals: readonly string[] }) | undefined;

/** What an exit code says, where it says something (bash(1), EXIT STATUS; sysexits(3); signal(7)). */
const EXIT_CODES: Readonly<Record<number, string>> = {
  0: 'The process ended without an error though it was expected to stay.',
  1: 'The process ended with a general error of its own.',
  2: 'The process was used wrongly: a shell’s word for bad arguments or options.',
  78: 'The process found its configuration wrong or incomplete (EX_CONFIG).',
  125: 'Docker could not run the container.',
  126: 'The command was found but cannot be executed: a permission or a wrong binary format.',
  127: 'The command does not exist in the image.',
  134: 'The process aborted itself (SIGABRT): a failed assertion or a corrupted heap.',
  137: 'The process was killed (SIGKILL) from outside, or by the kernel for lack of memory.',
  139: 'The process accessed memory that it must not (SIGSEGV).',
  143: 'The process was asked to end (SIGTERM) and did.',
};

/** What is longer ago than this before the trouble began is another trouble's. */
const RECENT_MS = 10 * 60_000;

const RULES: readonly Rule[] = [
  function outOfMemory({ view, history }, incident) {
    const { container } = view;
    const { atMs = -Infinity } = history.oom ?? {};
    const killed = container?.oomKilled === true || atMs >= incident.boutAtMs - RECENT_MS;
    if (!killed || !mentions(incident, ['oomKilled', 'exit', 'memory', 'restarts', 'health']))
      return undefined;
    const limit = container?.limits.memoryBytes;
    const bound = limit === undefined ? 'the host’s memory' : `its limit of ${formatBytes(limit)}`;
    return {
      cause: 'OutOfMemory',
      explanation: `The kernel killed a process of the container because it went over ${bound}.`,
      confidence: 0.95,
      signals: ['container.oomKilled', 'oomKilled', 'container.memoryLimit', 'container.exitCode'],
      remedy: UPDATE_RESOURCES,
    };
  },
  function failedStart({ view }) {
    const { container } = view;
    if (container === undefined || container.error === '') return undefined;
    return {
      cause: 'StartFailed',
      explanation: 'Docker could not start the container; its own words are in the evidence.',
      confidence: 0.9,
      signals: ['container.error', 'container.state'],
    };
  },
  function dependency({ world, view }) {
    const failing = dependenciesOf(world, view).find(({ key }) => {
      const other = world.views.get(key)?.container;
      return (
        other === undefined || other.state !== 'running' || other.health?.status === 'unhealthy'
      );
    });
    if (failing === undefined) return undefined;
    const state = world.views.get(failing.key)?.container;
    return {
      cause: 'DependencyDown',
      explanation: `${failing.key}, which it depends on, is ${state?.health?.status ?? state?.state ?? 'missing'}.`,
      confidence: 0.85,
      signals: ['container.health', 'container.state'],
    };
  },
  function cutOff({ view }, incident) {
    if (!mentions(incident, ['namespace.lost'])) return undefined;
    const names = view.container?.shares.map(({ kind }) => kind).join(' and ') ?? '';
    return {
      cause: 'NamespaceLost',
      explanation: `The container whose ${names} namespace it shares was started again or replaced after it: it is cut off.`,
      confidence: 0.9,
      signals: ['namespace.lost', 'container.state'],
      remedy: 'docker/restart_container',
    };
  },
  function crashed({ history, view }, incident) {
    const { exit } = history;
    if (exit === undefined || !mentions(incident, ['exit', 'restarts', 'state'])) return undefined;
    if (view.container?.state === 'running' && exit.atMs < incident.boutAtMs - RECENT_MS)
      return undefined;
    const words = EXIT_CODES[exit.exitCode] ?? signalWords(exit.exitCode);
    return {
      cause: exit.exitCode === 0 ? 'EndedEarly' : 'Crashed',
      explanation: `It exited with code ${exit.exitCode}. ${words}`,
      confidence: 0.7,
      signals: ['exit', 'container.exitCode', 'restarts'],
      remedy: 'docker/restart_container',
    };
  },
  function unhealthy({ view }, incident) {
    const health = view.container?.health;
    if (health?.status !== 'unhealthy' || !mentions(incident, ['health'])) return undefined;
    const { lastRun } = health;
    const timedOut = lastRun?.exitCode === -1;
    return {
      cause: timedOut ? 'HealthCheckTimeout' : 'HealthCheckFailing',
      explanation: timedOut
        ? `Its health check does not answer in time (${health.failingStreak} in a row): the process hangs or is starved.`
        : `Its health check fails (${health.failingStreak} in a row, exit code ${lastRun?.exitCode ?? 'unknown'}).`,
      confidence: 0.6,
      signals: ['health', 'container.health'],
      remedy: 'docker/restart_container',
    };
  },
  function saturated(_situation, incident) {
    const gauge = [
      'cpu.utilization',
      'memory.utilization',
      'pids.utilization',
      'cpu.throttled',
    ].find((signal) => mentions(incident, [signal]));
    if (gauge === undefined) return undefined;
    return {
      cause: gauge.startsWith('memory')
        ? 'MemoryPressure'
        : gauge.startsWith('pids')
          ? 'ProcessLimit'
          : 'CpuSaturated',
      explanation: `${gauge} stayed beyond its threshold.`,
      confidence: 0.6,
      signals: [gauge],
    };
  },
  function filling(_situation, incident) {
    const trend = ['memory.trend', 'pids.trend'].find((signal) => mentions(incident, [signal]));
    if (trend === undefined) return undefined;
    const isMemory = trend === 'memory.trend';
    return {
      cause: isMemory ? 'MemoryGrowing' : 'ProcessesGrowing',
      explanation: `${isMemory ? 'Its memory' : 'The number of its processes'} grows towards its limit: a leak, or a load that grows.`,
      confidence: 0.5,
      signals: [trend, 'gauge.forecast'],
    };
  },
];

/** Ranked, most likely first; each cites evidence that the incident has. */
export function hypotheses(situation: JudgedSituation, incident: Incident): Hypothesis[] {
  return RULES.flatMap((rule) => {
    const found = rule(situation, incident);
    if (found === undefined) return [];
    const { signals, ...hypothesis } = found;
    const evidenceRefs = incident.evidence
      .filter(({ signal }) => signals.includes(signal))
      .map(({ id }) => id);
    return [{ ...hypothesis, evidenceRefs }];
  }).sort((a, b) => b.confidence - a.confidence);
}

function mentions(incident: Incident, signals: readonly string[]): boolean {
  return incident.evidence.some(({ signal }) => signals.some((name) => signal.startsWith(name)));
}

function signalWords(code: number): string {
  return code > 128 && code < 160
    ? `It was ended by signal ${code - 128}.`
    : 'The code is its own.';
}
