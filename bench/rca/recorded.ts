// Facts of an incident as it was recorded: logs, inspects of Docker, descriptions of Kubernetes pods
// (whose containers end, are killed and are limited in the same ways), answers of other tools.
import { parseInspect } from '#adapters/docker/inspect-body.ts';
import { deepestFailing } from '#core/diagnosis/dependency.ts';
import { excerptLines } from '#core/diagnosis/evidence-text.ts';
import type { ContainerFacts, DiagnosisFacts } from '#core/diagnosis/facts.ts';
import type { ObservedContainer } from '#core/workload/container.ts';
import { identityOf, keyOf } from '#core/workload/key.ts';
import type { WorkloadView } from '#core/workload/view.ts';
import { parseQuantity } from '#lib/quantity.ts';

/** Name of a recorded answer → its text. */
export type Recorded = Readonly<Record<string, string>>;

/** A container as it was described, by Docker or by Kubernetes. */
export interface Described {
  /** Of Docker alone: as a whole, with what it depends on. */
  readonly observed?: ObservedContainer;
  readonly names: readonly string[];
  readonly image?: string;
  readonly container: ContainerFacts;
  readonly exitCode?: number;
  readonly restarts: number;
  /** Warnings of whoever started it: what Docker would give as its error. */
  readonly errors: readonly string[];
}

const NONE: ContainerFacts = {
  state: 'running',
  exitCode: 0,
  oomKilled: false,
  error: '',
  limits: {},
  readOnlyRootFilesystem: false,
  envNames: [],
  shares: [],
};

/**
 * What the rules would have been given.
 *
 * @param symptom what was asked: it names what was in trouble, as an incident names its workload
 */
export function factsOf(evidence: Recorded, symptom: string): DiagnosisFacts {
  const { described, it } = troubledIn(evidence, symptom);
  const container = it?.container ?? NONE;
  const dependency = dependencyOf(described, it);
  const error = it?.errors ?? [];
  const isDown = container.state !== 'running';
  const signals = [
    ...(it?.exitCode === undefined ? [] : ['exit']),
    ...((it?.restarts ?? 0) > 0 ? ['restarts'] : []),
    ...(isDown ? ['state'] : []),
    ...(container.oomKilled ? ['container.oomKilled'] : []),
    ...(container.health?.status === 'unhealthy' ? ['health'] : []),
  ];
  return {
    container: { ...container, error: error.join('\n') },
    ...(it?.exitCode === undefined ? {} : { exit: { code: it.exitCode, byPerson: false } }),
    oom: container.oomKilled,
    signals,
    gauges: {},
    ...(dependency === undefined ? {} : { dependency }),
    changes: [],
    engineSettles: false,
    together: { failing: 1, of: 1 },
    texts: {
      error: clean(error),
      probe: clean((container.health?.lastRun?.output ?? '').split('\n')),
      log: clean(logLines(evidence)),
    },
  };
}

/** Every container that was described, and the one in trouble: the worst of those that are named. */
export function troubledIn(
  evidence: Recorded,
  symptom: string,
): { readonly described: readonly Described[]; readonly it: Described | undefined } {
  const events = Object.values(evidence).flatMap(eventsIn);
  const described = Object.entries(evidence).flatMap(([name, text]) =>
    describedIn(name, text, events),
  );
  const named = described.filter(({ names }) => names.some((name) => symptom.includes(name)));
  const candidates = named.length > 0 ? named : described;
  return { described, it: candidates.toSorted((a, b) => trouble(b) - trouble(a))[0] };
}

/** Lines of its logs; what other tools answered counts as no more than a log. */
export function logLines(evidence: Recorded): string[] {
  const isLog = (name: string) => /logs?[^a-z]|logs?$/i.test(name) && !/describe/i.test(name);
  const isOther = (name: string) =>
    !isLog(name) && !/kubectl|inspect|requirements|webpage|finding|prometheus_rules/i.test(name);
  const texts = Object.entries(evidence);
  return [
    ...texts.filter(([name]) => isOther(name)),
    ...texts.filter(([name]) => isLog(name)),
  ].flatMap(([, text]) => text.split('\n').filter(isOfContainer));
}

/** Not what the recording tool said itself. */
const OF_TOOL =
  /^(?:stdout|stderr):$|^Command `|^Error from server|^error: |^=+$|^LOG QUERY|^Time Context|^Query Param|^Total logs|^Display:|^Result:|^⚠|^\s*- |^\s*$/;

function isOfContainer(line: string): boolean {
  return !OF_TOOL.test(line);
}

/** Over all inspects that were recorded. */
function dependencyOf(described: readonly Described[], it: Described | undefined) {
  if (it?.observed === undefined) return undefined;
  const all = described.flatMap(({ observed }) => observed ?? []);
  const viewOf = (container: ObservedContainer): WorkloadView => {
    const identity = identityOf('host', container);
    const key = keyOf(identity);
    return { key, identity, container, ambiguous: [], gauges: {}, probes: {}, disks: {} };
  };
  const views = new Map(all.map((container) => [viewOf(container).key, viewOf(container)]));
  const workloadOf = (ref: string) =>
    [...views.values()].find(({ container }) => container?.id === ref || container?.name === ref)
      ?.key;
  return deepestFailing({ views, workloadOf }, viewOf(it.observed));
}

function clean(lines: readonly string[]): string[] {
  return excerptLines(
    lines.map((text) => ({ timestamp: '', stream: 'stdout' as const, text, truncated: false })),
  );
}

function trouble({ container, exitCode = 0, errors }: Described): number {
  return (
    Number(container.oomKilled) * 4 +
    Number(errors.length > 0) * 3 +
    Number(exitCode !== 0) * 2 +
    Number(container.state !== 'running')
  );
}

interface Event extends Warning {
  readonly object: string;
}

/** `kubectl get events`: the warnings, with what they are about. */
function eventsIn(text: string): Event[] {
  if (!/^LAST SEEN\s+TYPE\s+REASON\s+OBJECT\s+MESSAGE/m.test(text)) return [];
  return text.split('\n').flatMap((line) => {
    const [, type, reason = '', object = '', ...message] = line.trim().split(/\s{2,}/);
    return type === 'Warning' ? [{ reason, object, message: message.join(' ') }] : [];
  });
}

function describedIn(name: string, text: string, events: readonly Event[]): Described[] {
  if (/^\s*[[{]/.test(text)) return inspected(text);
  if (!/^(?:Init )?Containers:$/m.test(text)) return [];
  if (/job|deployment|node/.test(name) && !/^Status:/m.test(text)) return [];
  return pod(text, events);
}

function inspected(text: string): Described[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return [];
  }
  return (Array.isArray(value) ? value : [value]).flatMap((one) => {
    try {
      const container = parseInspect(one);
      const { name, exitCode, state, engineRestartCount, error } = container;
      return [
        {
          names: [name],
          container,
          observed: container,
          ...(state === 'running' && engineRestartCount === 0 ? {} : { exitCode }),
          restarts: engineRestartCount,
          errors: error === '' ? [] : [error],
        },
      ];
    } catch {
      return [];
    }
  });
}

/** `kubectl describe pod`: its containers, init containers among them, and the warnings about it. */
function pod(text: string, events: readonly Event[]): Described[] {
  const podName = field(text, 'Name') ?? '';
  const owner = podName.replace(/(?:-[a-z0-9]{6,10})?-[a-z0-9]{5}$/, '');
  const sections = text.split(/^(?=\S)/m);
  const own = (sections.find((one) => one.startsWith('Events:')) ?? '')
    .split('\n')
    .filter((line) => /^\s*Warning/.test(line))
    .map((line) => {
      const [, reason = '', , , ...message] = line.trim().split(/\s{2,}/);
      return { reason, message: message.join(' ') };
    })
    .concat(events.filter(({ object }) => podName !== '' && object.endsWith(`/${podName}`)));
  const warnings = own.filter(({ reason, message }) => reason !== 'BackOff' && message !== '');
  return sections
    .filter((one) => /^(?:Init )?Containers:$/m.test(one.split('\n')[0] ?? ''))
    .flatMap((section) => section.split(/^(?= {2}\S)/m).slice(1))
    .map((block) => ofBlock(block, [podName, owner], warnings));
}

interface Warning {
  readonly reason: string;
  readonly message: string;
}

/** A probe that fails is what a HEALTHCHECK is to Docker. */
function healthOf(
  warnings: readonly Warning[],
  { isRunning, isReady }: { readonly isRunning: boolean; readonly isReady: boolean },
): Pick<ContainerFacts, 'health'> {
  const failed = warnings.filter(({ reason }) => reason === 'Unhealthy');
  const [first] = failed;
  if (first === undefined || !isRunning || isReady) return {};
  return {
    health: {
      status: 'unhealthy',
      failingStreak: failed.length,
      check: { intervalMs: 10_000, timeoutMs: 1_000, startPeriodMs: 0, retries: 3 },
      lastRun: {
        exitCode: 1,
        startedAtMs: 0,
        endedAtMs: 0,
        output: failed.map(({ message }) => message).join('\n'),
      },
    },
  };
}

function ofBlock(
  block: string,
  podNames: readonly string[],
  warnings: readonly Warning[],
): Described {
  const state = block.slice(Math.max(0, block.search(/^ {4}State:/m)));
  const last = state.slice(Math.max(0, state.search(/^ {4}Last State:/m)));
  const now = field(state, 'State') ?? '';
  const ended = /Terminated/.test(now) ? state : last;
  const reasons = [...state.matchAll(/^\s+Reason:\s+(\S+)/gm)].map((match) => match[1] ?? '');
  const exitCode = field(ended, 'Exit Code');
  const message = field(ended, 'Message');
  const isFailedStart = reasons.some((one) =>
    /ImagePull|ErrImage|StartError|CreateContainer/.test(one),
  );
  const isRunning = now === 'Running';
  const isHeldUp = isFailedStart || (!isRunning && exitCode === undefined);
  const complaints = warnings
    .filter(({ reason }) => reason !== 'Unhealthy')
    .map(({ message: words }) => words);
  const limits = /^ {4}Limits:\n(?<lines>(?: {6}.*\n)+)/m.exec(block)?.groups?.['lines'] ?? '';
  const memory = parseQuantity(field(limits, 'memory') ?? '');
  const cpu = cpuOf(field(limits, 'cpu'));
  return {
    names: [(block.split('\n')[0] ?? '').trim().replace(/:$/, ''), ...podNames].filter(Boolean),
    image: field(block, 'Image') ?? '',
    container: {
      ...NONE,
      ...healthOf(warnings, { isRunning, isReady: field(block, 'Ready') === 'True' }),
      state: isRunning ? 'running' : now === 'Terminated' ? 'exited' : 'restarting',
      exitCode: Number(exitCode ?? 0),
      oomKilled: reasons.includes('OOMKilled'),
      limits: {
        ...(memory === undefined ? {} : { memoryBytes: memory }),
        ...(cpu === undefined ? {} : { nanoCpus: cpu }),
      },
    },
    ...(exitCode === undefined || isFailedStart ? {} : { exitCode: Number(exitCode) }),
    restarts: Number(field(block, 'Restart Count') ?? 0),
    errors: isHeldUp ? [...(message === undefined ? [] : [message]), ...complaints] : [],
  };
}

function field(text: string, name: string): string | undefined {
  return new RegExp(`^\\s*${name}:[ \\t]+(.+)$`, 'm').exec(text)?.[1]?.trim();
}

function cpuOf(text: string | undefined): number | undefined {
  const match = /^(?<number>\d+(?:\.\d+)?)(?<milli>m?)$/.exec(text ?? '');
  if (match?.groups === undefined) return undefined;
  return Number(match.groups['number']) * (match.groups['milli'] === 'm' ? 1e6 : 1e9);
}
