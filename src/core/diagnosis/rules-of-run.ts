import { UPDATE_RESOURCES } from '#core/remediation/tools.ts';
import { formatBytes } from '#lib/quantity.ts';
import { exitWords } from './exit-codes.ts';
import { type DiagnosisFacts, type Finding, isAbout, type Rule } from './facts.ts';

const RESTART = 'docker/restart_container';
const RESTART_OR_START = [RESTART, 'docker/start_container'];
const SIGKILLED = 137;

function outOfMemory(facts: DiagnosisFacts): Finding | undefined {
  const { container, exit } = facts;
  if (!wasOomKilled(facts)) return undefined;
  const limit = container?.limits.memoryBytes;
  const isHost = limit === undefined;
  const bound = isHost
    ? 'the host’s memory, since it has no limit of its own'
    : `its limit of ${formatBytes(limit)}`;
  // The flag says that something was killed, not that this ended the container: it may have run on.
  const isMain = exit?.code === SIGKILLED;
  const who = isMain ? 'the container’s main process' : 'a process of the container';
  return {
    cause: isHost ? 'HostOutOfMemory' : 'OutOfMemory',
    explanation: `The kernel killed ${who} (OOM, out of memory) because it went over ${bound}.${afterKill(exit)}`,
    confidence: isMain ? 0.95 : exit === undefined ? 0.9 : 0.85,
    cites: ['container.oomKilled', 'oomKilled', 'container.memoryLimit', 'container.exitCode'],
    remedies: isHost ? [RESTART] : [UPDATE_RESOURCES, RESTART],
  };
}

function wasOomKilled(facts: DiagnosisFacts): boolean {
  if (facts.container?.oomKilled !== true && !facts.oom) return false;
  return isAbout(facts, 'oomKilled', 'container.oomKilled', 'exit', 'memory', 'restarts', 'health');
}

function afterKill(exit: DiagnosisFacts['exit']): string {
  if (exit === undefined) return '';
  return exit.code === SIGKILLED
    ? ` It exited with code ${SIGKILLED}.`
    : ' The container itself was not ended by that.';
}

function failedStart({ container }: DiagnosisFacts): Finding | undefined {
  if (container === undefined || container.error === '') return undefined;
  return {
    cause: 'StartFailed',
    explanation: 'Docker could not start the container; its own words are in the evidence.',
    confidence: 0.9,
    cites: ['container.error', 'container.state'],
  };
}

function cutOff(facts: DiagnosisFacts): Finding | undefined {
  if (!isAbout(facts, 'namespace.lost')) return undefined;
  const names = facts.container?.shares.map(({ kind }) => kind).join(' and ') ?? '';
  return {
    cause: 'NamespaceLost',
    explanation: `The container whose ${names} namespace it shares was started again or replaced after it: it is cut off.`,
    confidence: 0.9,
    cites: ['namespace.lost', 'container.state'],
    remedies: [RESTART],
  };
}

/** Exit codes that are a cause by themselves: a shell's, and Docker's. */
const TELLING: Readonly<Record<number, string>> = { 126: 'NotExecutable', 127: 'CommandNotFound' };

function exited(facts: DiagnosisFacts): Finding | undefined {
  const { exit } = facts;
  if (exit === undefined || !isAbout(facts, 'exit', 'restarts', 'state')) {
    return undefined;
  }
  const telling = TELLING[exit.code];
  const lead = exit.byPerson ? 'A person ended it; it' : 'It';
  return {
    cause: telling ?? (exit.code === 0 ? 'EndedEarly' : 'Crashed'),
    explanation: `${lead} exited with code ${exit.code}. ${exitWords(exit.code)}`,
    confidence: telling === undefined ? 0.7 : 0.8,
    cites: ['exit', 'container.exitCode', 'restarts'],
    remedies: telling === undefined ? RESTART_OR_START : ['docker/rollback_image'],
  };
}

/** A share of the scheduler's periods from which the limit is what holds a container back. */
const THROTTLED_FROM = 0.25;
/** Below a twentieth of a CPU hardly anything answers in time. */
const TINY_NANO_CPUS = 50_000_000;

function throttled(facts: DiagnosisFacts): Finding | undefined {
  const share = facts.gauges['cpu.throttled'];
  const isBreached = isAbout(facts, 'cpu.throttled');
  if (!isBreached && (share ?? 0) < THROTTLED_FROM) return undefined;
  const how = share === undefined ? '' : ` in ${Math.round(share * 100)} % of the periods`;
  return {
    cause: 'CpuThrottled',
    explanation: `${cpuLimitWords(facts)} holds it back: the scheduler throttled it${how}.`,
    // Whoever takes all that it may have is throttled: then the limit is no cause of its own.
    confidence: isBreached ? 0.75 : isAbout(facts, 'cpu.utilization') ? 0.55 : 0.62,
    cites: ['cpu.throttled', 'cpu.utilization'],
    adds: isBreached || share === undefined ? [] : [{ signal: 'cpu.throttled', value: share }],
    remedies: [UPDATE_RESOURCES],
  };
}

/** Where nothing is measured, a limit that lets hardly anything be done in time. */
function tinyLimit(facts: DiagnosisFacts): Finding | undefined {
  const nanoCpus = facts.container?.limits.nanoCpus;
  if (nanoCpus === undefined || nanoCpus > TINY_NANO_CPUS) return undefined;
  if (facts.gauges['cpu.throttled'] !== undefined || isAbout(facts, 'cpu.throttled')) {
    return undefined;
  }
  if (facts.container?.state !== 'running') return undefined;
  return {
    cause: 'CpuThrottled',
    explanation: `${cpuLimitWords(facts)} is so small that the scheduler is likely to throttle it most of the time.`,
    confidence: 0.4,
    cites: ['container.state'],
    adds: [{ signal: 'container.cpuLimit', value: nanoCpus / 1e9, note: 'CPUs' }],
    remedies: [UPDATE_RESOURCES],
  };
}

function cpuLimitWords({ container }: DiagnosisFacts): string {
  const nanoCpus = container?.limits.nanoCpus;
  return nanoCpus === undefined ? 'Its CPU limit' : `Its limit of ${nanoCpus / 1e9} CPU`;
}

const NEARLY_ALL_PIDS = 0.95;

function saturated(facts: DiagnosisFacts): Finding | undefined {
  const pids = facts.gauges['pids.utilization'] ?? 0;
  if (isAbout(facts, 'pids.utilization') || pids >= NEARLY_ALL_PIDS) {
    const limit = facts.container?.limits.pids;
    const of = limit === undefined ? '' : ` of ${limit}`;
    return {
      cause: 'ProcessLimit',
      explanation: `Its processes and threads come close to its pids limit${of}.`,
      confidence: isAbout(facts, 'pids.utilization') ? 0.7 : 0.65,
      cites: ['pids.utilization'],
      adds: isAbout(facts, 'pids.utilization') ? [] : [{ signal: 'pids.utilization', value: pids }],
      remedies: [UPDATE_RESOURCES, RESTART],
    };
  }
  const gauge = ['cpu.utilization', 'memory.utilization', 'memory.workingSet'].find((signal) =>
    isAbout(facts, signal),
  );
  if (gauge === undefined) return undefined;
  const isMemory = gauge !== 'cpu.utilization';
  return {
    cause: isMemory ? 'MemoryPressure' : 'CpuSaturated',
    explanation: isMemory
      ? 'The memory that it uses stayed beyond its threshold.'
      : 'The CPU that it uses stayed beyond its threshold.',
    confidence: 0.6,
    cites: ['cpu.utilization', 'memory.utilization', 'memory.workingSet'],
    remedies: [UPDATE_RESOURCES, RESTART],
  };
}

/** It is not there yet, and leads there. */
function growing(facts: DiagnosisFacts): Finding | undefined {
  const trend = ['memory.trend', 'pids.trend'].find((signal) => isAbout(facts, signal));
  if (trend === undefined) return undefined;
  const isMemory = trend === 'memory.trend';
  return {
    cause: isMemory ? 'MemoryGrowing' : 'ProcessesGrowing',
    explanation: `${isMemory ? 'Its memory' : 'The number of its processes'} grows towards its limit: a leak, or a load that grows.`,
    confidence: 0.5,
    cites: [trend, 'gauge.forecast'],
    remedies: [UPDATE_RESOURCES, RESTART],
  };
}

function notWritable(facts: DiagnosisFacts): Finding | undefined {
  if (!isAbout(facts, 'disk.writable')) return undefined;
  const readOnly = facts.container?.readOnlyRootFilesystem === true;
  return {
    cause: readOnly ? 'ReadOnlyFilesystem' : 'DiskFull',
    explanation: readOnly
      ? 'Nothing can be written there: its root file system is read-only.'
      : 'Nothing can be written there: the disk is full, or was mounted read-only.',
    confidence: 0.7,
    cites: ['disk.writable'],
  };
}

/** Rules about how the container ran and ended. Each claims nothing without Docker's or the kernel's word. */
export const RULES_OF_RUN: readonly Rule[] = [
  outOfMemory,
  failedStart,
  cutOff,
  exited,
  throttled,
  tinyLimit,
  saturated,
  growing,
  notWritable,
];
