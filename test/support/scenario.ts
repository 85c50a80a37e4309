import type { Incident } from '#core/incident/incident.ts';
import type { Draft, RecordData, WorkloadObserved } from '#core/journal/data.ts';
import { GENESIS_HASH, type JournalRecord, type RecordDraft } from '#core/journal/record.ts';
import { reduce } from '#core/journal/reduce.ts';
import { initialState, type OperatorState } from '#core/journal/state.ts';
import { type CompiledPolicy, compilePolicySet } from '#core/policy/compile.ts';
import { governing } from '#core/policy/select.ts';
import { decide } from '#core/remediation/decide.ts';
import { type Effect, EMPTY_MEMORY, type WorkloadMemory } from '#core/remediation/step.ts';
import { BUILTIN_TOOL_NAMES, builtinTool } from '#core/remediation/tools.ts';
import type { Readiness, World } from '#core/remediation/world.ts';
import type { ObservedContainer } from '#core/workload/container.ts';
import { identityOf, keyOf, type WorkloadKey } from '#core/workload/key.ts';
import type { WorkloadView } from '#core/workload/view.ts';

export const HOST = 'box';
export const START_MS = Date.UTC(2026, 10, 24, 12);

/** A container that runs well; what a test is about is given. */
export function aContainer(name: string, more: Partial<ObservedContainer> = {}): ObservedContainer {
  return {
    id: `${name}-1`.padEnd(64, '0'),
    name,
    image: 'example/web:1',
    imageId: 'sha256:1',
    createdAtMs: START_MS - 3_600_000,
    labels: {},
    state: 'running',
    exitCode: 0,
    oomKilled: false,
    error: '',
    startedAtMs: START_MS - 3_600_000,
    pid: 100,
    restartPolicy: { name: 'no', maximumRetryCount: 0 },
    engineRestartCount: 0,
    autoRemove: false,
    tty: false,
    logDriver: 'json-file',
    limits: {},
    shares: [],
    networks: {},
    publishedPorts: [],
    envNames: [],
    entrypoint: [],
    command: [],
    stopSignal: 'SIGTERM',
    readOnlyRootFilesystem: false,
    ...more,
  };
}

export function health(
  status: 'starting' | 'healthy' | 'unhealthy',
  more: {
    readonly failingStreak?: number;
    readonly exitCode?: number;
    readonly output?: string;
    readonly endedAtMs?: number;
  } = {},
): NonNullable<ObservedContainer['health']> {
  const failing = status === 'unhealthy';
  return {
    status,
    failingStreak: more.failingStreak ?? (failing ? 3 : 0),
    check: { intervalMs: 1_000, timeoutMs: 1_000, startPeriodMs: 0, retries: 3 },
    lastRun: {
      exitCode: more.exitCode ?? (failing ? 1 : 0),
      startedAtMs: START_MS - 500,
      endedAtMs: more.endedAtMs ?? START_MS - 400,
      output: more.output ?? '',
    },
  };
}

/** A SentinelPolicy document; what a test is about is given. */
export function aPolicy(spec: object = {}, name = 'web'): object {
  return {
    apiVersion: 'sre-sentinel.io/v1alpha1',
    kind: 'SentinelPolicy',
    metadata: { name },
    spec: {
      selector: { names: ['*'] },
      thresholds: [
        { name: 'unhealthy', signal: 'health', equals: 'unhealthy', severity: 'critical' },
      ],
      remediation: {
        mode: 'Auto',
        allowed: [{ name: 'restart', tool: 'docker/restart_container' }],
      },
      ...spec,
    },
  };
}

/** Compiles documents; a problem fails the test with its words. */
export function compile(...documents: object[]): readonly CompiledPolicy[] {
  const set = compilePolicySet(
    documents.map((value, index) => ({
      file: `policy-${index}.yaml`,
      value,
      commit: '',
      positionOf: () => ({ line: 1, column: 1 }),
    })),
    { tool: builtinTool, builtinTools: BUILTIN_TOOL_NAMES },
  );
  if (set.problems.length > 0) throw new Error(JSON.stringify(set.problems, null, 1));
  return set.policies;
}

/**
 * The core on a clock that a test moves: containers and facts go in, decisions come out and are
 * folded into the state, as the shell does with them. No I/O, and nothing of the shell.
 */
export class Scenario {
  nowMs = START_MS;
  wallMs = START_MS;
  readonly state: OperatorState = initialState();
  readonly views = new Map<WorkloadKey, WorkloadView>();
  readonly records: JournalRecord[] = [];
  readonly memories = new Map<WorkloadKey, WorkloadMemory>();
  policies: readonly CompiledPolicy[];
  /** Parts of the world that a test sets. */
  over: Partial<World> = {};
  readiness: (tool: string) => Readiness = () => ({ ready: true });

  constructor(...documents: object[]) {
    this.policies = compile(...documents);
    this.append({
      type: 'started',
      data: { journalId: 'j', version: '0', host: HOST, mode: 'Policy' },
    });
    this.append({
      type: 'policy.loaded',
      data: {
        policies: this.policies.map(({ name, digest, commit }) => ({
          name,
          digest,
          commit,
          generation: 1,
        })),
        problems: 0,
        revision: '',
      },
    });
  }

  /** Puts a container in place of the one that its workload had. */
  put(container: ObservedContainer, more: Partial<WorkloadView> = {}): WorkloadKey {
    const identity = identityOf(HOST, container);
    const key = keyOf(identity);
    const { startedAtMs, state } = container;
    const running =
      state === 'running' && startedAtMs !== undefined
        ? { runningSinceMs: this.nowMs - (this.wallMs - startedAtMs) }
        : {};
    this.views.set(key, {
      key,
      identity,
      container,
      ambiguous: [],
      gauges: {},
      probes: {},
      disks: {},
      ...running,
      ...more,
    });
    return key;
  }

  /** A fact about the workload's container, as the observer records it. */
  observe(
    key: WorkloadKey,
    event: WorkloadObserved['event'],
    fact: Partial<WorkloadObserved> = {},
  ): void {
    const container = this.views.get(key)?.container;
    this.append({
      type: 'workload.observed',
      workload: key,
      data: {
        event,
        container: container?.id ?? '',
        name: container?.name ?? '',
        cause: 'Crash',
        timeNano: `${this.wallMs}000000`,
        ...fact,
      },
    });
  }

  pass(ms: number): void {
    this.nowMs += ms;
    this.wallMs += ms;
  }

  world(): World {
    return {
      nowMs: this.nowMs,
      wallMs: this.wallMs,
      state: this.state,
      policies: this.policies,
      views: this.views,
      governing: (key) => {
        const view = this.views.get(key);
        if (view === undefined) return { kind: 'none' };
        const { container, identity } = view;
        return governing(this.policies, {
          ...identity,
          image: container?.image ?? '',
          labels: container?.labels ?? {},
        });
      },
      workloadOf: (ref) =>
        [...this.views.values()].find(
          ({ container }) => container?.id === ref || container?.name === ref,
        )?.key,
      protected: new Map(),
      journalAvailable: true,
      shadowAll: false,
      maxActions: { max: 10, perMs: 600_000 },
      generationOf: () => 1,
      mac: () => 'mac',
      missingSecret: () => undefined,
      tool: builtinTool,
      readiness: (tool) => this.readiness(tool),
      ...this.over,
    };
  }

  /** Decides until there is no more to decide. @returns the effects that were asked for */
  reconcile(key: WorkloadKey): {
    readonly effects: readonly Effect[];
    readonly recheckAtMs?: number;
  } {
    const effects: Effect[] = [];
    for (let steps = 0; steps < 32; steps += 1) {
      const { step, memory } = decide(this.world(), key, this.memories.get(key) ?? EMPTY_MEMORY);
      this.memories.set(key, memory);
      for (const draft of step.drafts) this.append(draft);
      effects.push(...(step.effects ?? []));
      if (step.again === true) continue;
      return step.recheckAtMs === undefined
        ? { effects }
        : { effects, recheckAtMs: step.recheckAtMs };
    }
    throw new Error('the decision does not come to rest');
  }

  /** The call of the last intent ended. */
  complete(key: WorkloadKey, data: Partial<RecordData['remediation.completed']> = {}): void {
    const incident = this.incident(key);
    const intent = incident?.attempts.at(-1)?.intent ?? '';
    this.append({
      type: 'remediation.completed',
      incident: incident?.name ?? '',
      workload: key,
      policy: incident?.policy ?? null,
      data: { intent, outcome: 'Succeeded', ...data },
    });
  }

  /** The newest incident of the workload, open or not. */
  incident(key: WorkloadKey): Incident | undefined {
    return Object.values(this.state.incidents)
      .filter(({ workload }) => workload.key === key)
      .sort((a, b) => a.seq - b.seq)
      .at(-1);
  }

  /** Reasons why each candidate was refused at the last look, by action. */
  blockedBy(key: WorkloadKey): Record<string, string[]> {
    return Object.fromEntries(
      (this.incident(key)?.candidates ?? []).map(({ action, blockedBy }) => [
        action,
        blockedBy.map(({ reason }) => reason),
      ]),
    );
  }

  types(): string[] {
    return this.records.map(({ type }) => type);
  }

  append(draft: Draft): void {
    const { actor = 'sentinel', incident = '', workload = '', policy = null }: RecordDraft = draft;
    const record: JournalRecord = {
      seq: this.records.length + 1,
      time: new Date(this.wallMs).toISOString(),
      boot: { id: 'boot', ms: this.nowMs - START_MS + 1_000 },
      type: draft.type,
      actor,
      incident,
      workload,
      policy,
      data: deepFreeze(structuredClone(draft.data)),
      prev: GENESIS_HASH,
      hash: GENESIS_HASH,
    };
    this.records.push(record);
    reduce(this.state, record);
  }
}

/** What is written must not change any more, whoever has it in hand. */
function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value;
  for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}
