import type { Incident } from '#core/incident/incident.ts';
import { cleanText } from '#core/redaction/foreign-text.ts';
import type { JudgedSituation } from '#core/remediation/step.ts';
import type { World } from '#core/remediation/world.ts';
import type { ObservedContainer } from '#core/workload/container.ts';
import { changesSince } from './changes.ts';
import { deepestFailing } from './dependency.ts';
import { excerptLines, type RawLogLine } from './evidence-text.ts';
import type { DiagnosisFacts } from './facts.ts';
import { LINES_MAX } from './scan.ts';

/** What is longer ago than this before the trouble began is another trouble's. */
const RECENT_MS = 10 * 60_000;
/** Two workloads that begin to fail within this may have one cause. */
const TOGETHER_MS = 2 * 60_000;
const TEXT_CHARS_MAX = 16 * 1024;

/** Puts together what the rules look at. Pure: the log is what the shell has at hand already. */
export function factsOf(
  situation: JudgedSituation,
  incident: Incident,
  log: readonly RawLogLine[],
): DiagnosisFacts {
  const { world, view, history } = situation;
  const { container } = view;
  const exit = exitOf(situation, incident);
  const oomAtMs = history.oom?.atMs ?? -Infinity;
  const ranMs =
    view.runningSinceMs === undefined ? undefined : incident.boutAtMs - view.runningSinceMs;
  const dependency = deepestFailing(world, view);
  return {
    ...(container === undefined ? {} : { container }),
    ...(exit === undefined ? {} : { exit }),
    oom: oomAtMs >= incident.boutAtMs - RECENT_MS,
    signals: signalsOf(situation, incident),
    gauges: gaugesOf(situation),
    ...(ranMs === undefined || ranMs < 0 ? {} : { ranMs }),
    ...(dependency === undefined ? {} : { dependency }),
    changes: changesOf(situation, incident),
    engineSettles: world.settlingUntilMs !== undefined && world.settlingUntilMs > world.nowMs,
    together: togetherWith(world, incident),
    texts: textsOf(container, recentOnly(log, boutWallMs(world, incident))),
  };
}

function exitOf({ view, history }: JudgedSituation, incident: Incident): DiagnosisFacts['exit'] {
  const { exit } = history;
  const { container } = view;
  if (exit === undefined) return undefined;
  // What befell another container of the workload says nothing of this one.
  if (exit.container !== '' && container !== undefined && exit.container !== container.id) {
    return undefined;
  }
  if (container?.state === 'running' && exit.atMs < incident.boutAtMs - RECENT_MS) return undefined;
  return { code: exit.exitCode, byPerson: exit.cause === 'Human' };
}

/** Of what is breached in this bout, also by way of an expression, and what the inspect shows. */
function signalsOf({ policy, view }: JudgedSituation, { breached }: Incident): string[] {
  const { container } = view;
  const signals = policy.thresholds
    .filter(({ name }) => breached.includes(name))
    .flatMap(({ signal, when = '' }) => (signal === undefined ? namesIn(when) : [signal]));
  if (container?.oomKilled === true) signals.push('container.oomKilled');
  if (container !== undefined && ENDED.has(container.state)) signals.push('state');
  return [...new Set(signals)];
}

const ENDED: ReadonlySet<string> = new Set(['exited', 'dead', 'restarting']);

/** Names that look like signals: an expression may read several. */
function namesIn(expression: string): string[] {
  return [...expression.matchAll(/[a-z]{1,20}(?:\.[a-zA-Z]{1,20})?/g)].map(([name]) => name);
}

function gaugesOf({ view }: JudgedSituation): DiagnosisFacts['gauges'] {
  const gauges: Partial<Record<keyof DiagnosisFacts['gauges'], number>> = {};
  for (const name of ['cpu.utilization', 'cpu.throttled', 'pids.utilization'] as const) {
    const reading = view.gauges[name];
    if (reading?.kind === 'Value') gauges[name] = reading.value;
  }
  return gauges;
}

/** The bout's beginning as a wall clock tells it: a daemon's times are compared with that. */
function boutWallMs({ wallMs, nowMs }: World, incident: Incident): number {
  return wallMs - (nowMs - incident.boutAtMs);
}

function changesOf({ world, view, history }: JudgedSituation, incident: Incident) {
  const { container, before } = view;
  if (container === undefined) return [];
  if (before !== undefined) {
    return changesSince(container, before, boutWallMs(world, incident) - container.createdAtMs);
  }
  // Without a run before it, a creation is no change: it never worked.
  const { deployedAtMs } = history;
  if (deployedAtMs === undefined) return [];
  const ranBefore = history.starts.some(({ atMs }) => atMs < deployedAtMs);
  return ranBefore ? changesSince(container, undefined, incident.boutAtMs - deployedAtMs) : [];
}

function togetherWith(world: World, incident: Incident): DiagnosisFacts['together'] {
  const { openByWorkload, incidents } = world.state;
  const failing = Object.values(openByWorkload).filter((name) => {
    const { boutAtMs = -Infinity } = incidents[name] ?? {};
    return Math.abs(boutAtMs - incident.boutAtMs) <= TOGETHER_MS;
  }).length;
  if (failing < 2) return { failing, of: 0 };
  const of = [...world.views.keys()].filter((key) => world.governing(key).kind === 'governed');
  return { failing, of: of.length };
}

function recentOnly(log: readonly RawLogLine[], boutMs: number): readonly RawLogLine[] {
  return log.slice(-LINES_MAX).filter(({ timestamp }) => {
    const atMs = Date.parse(timestamp);
    return Number.isNaN(atMs) || atMs >= boutMs - RECENT_MS;
  });
}

function textsOf(
  container: ObservedContainer | undefined,
  log: readonly RawLogLine[],
): DiagnosisFacts['texts'] {
  const redactor = container?.secrets?.redactor;
  const clean = (text: string) =>
    cleanText(text.slice(0, TEXT_CHARS_MAX), redactor)
      .split('\n')
      .filter((line) => line !== '');
  const { error = '', state, health } = container ?? {};
  const { lastRun } = health ?? {};
  return {
    error: state === 'running' ? [] : clean(error),
    probe: lastRun === undefined || lastRun.exitCode === 0 ? [] : clean(lastRun.output),
    log: excerptLines(log, redactor),
  };
}
