import { advance, firstControllerTime, type Instant } from '#core/time.ts';
import type { JournalRecord } from './record.ts';
import { incidentReducers } from './reduce-incident.ts';
import { remediationReducers } from './reduce-remediation.ts';
import { observe } from './reduce-workload.ts';
import type { RecordPlace, Reducers } from './reducer.ts';
import { type OperatorState, pauseKey } from './state.ts';

const generalReducers: Reducers = {
  started(state, data) {
    state.journalId = data.journalId;
    state.host = data.host;
  },
  'policy.loaded'(state, data) {
    state.policies = Object.fromEntries(
      data.policies.map(({ name, ...entry }) => [name, entry] as const),
    );
  },
  'workload.observed'(state, data, place) {
    observe(state, data, place);
  },
  'pause.set'(state, data, place) {
    state.pauses[pauseKey(data.scope, data.name)] = {
      scope: data.scope,
      name: data.name,
      setAt: place.at,
      ...(data.forMs === undefined ? {} : { untilMs: place.atMs + data.forMs }),
      reason: data.reason,
      by: place.actor,
    };
  },
  'pause.cleared'(state, data) {
    delete state.pauses[pauseKey(data.scope, data.name)];
  },
};

const REDUCERS: Reducers = { ...generalReducers, ...incidentReducers, ...remediationReducers };

/**
 * Folds one record into the state. Mutates and returns `state`. Total: a record of a type that
 * changes nothing only moves the clock. The same records always give the same state.
 */
export function reduce(state: OperatorState, record: JournalRecord): OperatorState {
  const instant = instantOf(record);
  if (record.type === 'started' && state.seq > 0) state.previousRunWallMs = state.clock.wallMs;
  state.clock = state.seq === 0 ? firstControllerTime(instant) : advance(state.clock, instant);
  state.seq = record.seq;
  const reducer = REDUCERS[record.type] as
    | ((state: OperatorState, data: object, place: RecordPlace) => void)
    | undefined;
  reducer?.(state, record.data, {
    seq: record.seq,
    at: record.time,
    atMs: state.clock.atMs,
    incident: record.incident,
    workload: record.workload,
    policy: record.policy,
    actor: record.actor,
  });
  return state;
}

function instantOf(record: JournalRecord): Instant {
  return { wallMs: Date.parse(record.time), boot: record.boot };
}
