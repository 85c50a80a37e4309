import { forecasts, unusualLines } from '#core/diagnosis/findings.ts';
import { type OperatorState, pauseKey } from '#core/journal/state.ts';
import { API_VERSION } from '#core/policy/schema.ts';
import { cleanText } from '#core/redaction/foreign-text.ts';
import { humanAction, isIntentUnknown, isLabelPaused } from '#core/remediation/guards-people.ts';
import type { World } from '#core/remediation/world.ts';
import type { Reading, WorkloadView } from '#core/workload/view.ts';
import { defined } from '#lib/defined.ts';
import type { Condition, WorkloadObject } from './schema.ts';

/**
 * The public object of a workload. It is put together from allowed fields: names of labels and
 * environment variables, their values, and commands are not among them.
 */
export function workloadObject(view: WorkloadView, world: World): WorkloadObject {
  const { key, identity, container } = view;
  const history = world.state.workloads[key];
  const incident = world.state.openByWorkload[key];
  return {
    apiVersion: API_VERSION,
    kind: 'Workload',
    metadata: { name: key, uid: container?.id ?? '' },
    spec: {
      ...placeOf(identity),
      container: container?.name ?? identity.name,
      image: container?.image ?? '',
    },
    status: {
      ...governance(view, world),
      ...containerStatus(view),
      restarts: history?.starts.filter(({ afterCrash }) => afterCrash).length ?? 0,
      ...defined({ incident }),
      gauges: Object.fromEntries(
        Object.entries(view.gauges).map(([name, reading]) => [name, readingOf(reading)]),
      ),
      findings: [...forecasts(view), ...unusualLines(view, world.nowMs)].map(({ value }) => value),
      conditions: conditionsOf(view, world),
    },
  };
}

type Status = WorkloadObject['status'];

function placeOf({ host, project, service, number }: WorkloadView['identity']) {
  return { host, ...defined({ project, service, number }) };
}

function governance(
  view: WorkloadView,
  world: World,
): Pick<Status, 'governance' | 'policy' | 'policies' | 'mode'> {
  const governing = world.governing(view.key);
  if (governing.kind === 'none') return { governance: 'Ungoverned' };
  if (governing.kind === 'conflict') {
    return { governance: 'PolicyConflict', policies: [...governing.policies] };
  }
  const { name, spec } = governing.policy;
  const mode =
    world.shadowAll && spec.remediation.mode !== 'Off' ? 'Shadow' : spec.remediation.mode;
  return { governance: 'Governed', policy: name, mode };
}

function containerStatus({
  container,
  ambiguous,
}: WorkloadView): Pick<Status, 'state' | 'health' | 'exitCode' | 'error' | 'startedAt'> {
  if (container === undefined) return { state: ambiguous.length > 0 ? 'Ambiguous' : 'Absent' };
  const { state, health, exitCode, error, startedAtMs } = container;
  const hasEnded = state === 'exited' || state === 'dead';
  return {
    state,
    ...(health === undefined ? {} : { health: health.status }),
    ...(hasEnded ? { exitCode } : {}),
    ...(error === '' ? {} : { error: cleanText(error, container.secrets?.redactor) }),
    ...(startedAtMs === undefined ? {} : { startedAt: new Date(startedAtMs).toISOString() }),
  };
}

function readingOf(reading: Reading): Status['gauges'][string] {
  return reading.kind === 'Value'
    ? { value: reading.value }
    : { value: null, reason: reading.reason };
}

type Found = Omit<Condition, 'status' | 'observedGeneration'>;

/** Only what keeps Sentinel from acting, or is uncommon: a workload without any is an ordinary one. */
function conditionsOf(view: WorkloadView, world: World): Condition[] {
  const governing = world.governing(view.key);
  const policy = governing.kind === 'governed' ? governing.policy : undefined;
  const observedGeneration = policy === undefined ? 0 : world.generationOf(policy.name);
  return [
    quarantined(view, world),
    paused(view, world),
    humanAct(view, world, policy?.spec.startPeriod ?? 0),
    intentUnknown(view, world),
  ]
    .filter((found) => found !== undefined)
    .map((found) => ({ ...found, status: 'True', observedGeneration }));
}

function quarantined({ key }: WorkloadView, { state }: World): Found | undefined {
  const quarantine = state.quarantined[key];
  if (quarantine === undefined) return undefined;
  return {
    type: 'Quarantined',
    reason: 'LimitReached',
    message: `no action is left for it; see incident ${quarantine.incident}`,
    lastTransitionTime: wallTime(state, quarantine.atMs),
  };
}

function paused(view: WorkloadView, { state, nowMs, wallMs }: World): Found | undefined {
  const pause = state.pauses[pauseKey('workload', view.key)];
  if (pause !== undefined && (pause.untilMs ?? Number.POSITIVE_INFINITY) > nowMs) {
    const message = `paused by ${pause.by} (${pause.reason})`;
    return { type: 'Paused', reason: 'Paused', message, lastTransitionTime: pause.setAt };
  }
  if (!isLabelPaused(view)) return undefined;
  return {
    type: 'Paused',
    reason: 'Label',
    message: 'the label sre-sentinel.pause is set',
    lastTransitionTime: new Date(view.container?.createdAtMs ?? wallMs).toISOString(),
  };
}

function humanAct(view: WorkloadView, world: World, startPeriodMs: number): Found | undefined {
  const history = world.state.workloads[view.key];
  if (history?.hold === undefined) return undefined;
  const person = humanAction(world, view, history, startPeriodMs);
  if (person === undefined) return undefined;
  return {
    type: 'HumanAction',
    reason: HOLD_REASONS[history.hold.kind],
    message: person.message,
    lastTransitionTime: history.hold.since,
  };
}

function intentUnknown(view: WorkloadView, { state }: World): Found | undefined {
  const history = state.workloads[view.key];
  if (history?.unknown === undefined || !isIntentUnknown(view, history)) return undefined;
  return {
    type: 'IntentUnknown',
    reason: 'NotWitnessed',
    message: `found ${history.unknown.state}, and nobody saw who caused it`,
    lastTransitionTime: wallTime(state, history.unknown.atMs),
  };
}

const HOLD_REASONS = {
  stop: 'Stopped',
  kill: 'Killed',
  pause: 'Paused',
  restart: 'Restarted',
  remove: 'Removed',
} as const;

/** Controller time on the wall clock of the last record: the best that is known of an old instant. */
export function wallTime({ clock }: Pick<OperatorState, 'clock'>, atMs: number): string {
  return new Date(clock.wallMs - (clock.atMs - atMs)).toISOString();
}
