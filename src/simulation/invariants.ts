/** When an invariant is looked at. */
export type Moment =
  | 'call of a tool'
  | 'call to the engine'
  | 'record'
  | 'publication'
  | 'start'
  | 'every step'
  | 'end';

export interface Invariant {
  /** What must hold, in one sentence. */
  readonly sentence: string;
  readonly checkedAt: Moment;
  /** The file in this folder that looks. */
  readonly checkedBy: 'witness' | 'ledger' | 'liveness';
}

/** Every promise that the simulation holds a run against, by id. */
export const INVARIANTS = {
  'intent-on-record': {
    sentence: 'Before a tool is called, its intent is on disk, where a power cut leaves it.',
    checkedAt: 'call of a tool',
    checkedBy: 'witness',
  },
  permitted: {
    sentence:
      'A tool is called only with a name and arguments that the policy in force permits for that workload, in mode Auto or after a person’s approval of that candidate.',
    checkedAt: 'call of a tool',
    checkedBy: 'witness',
  },
  'not-own': {
    sentence: 'Nothing is done to what Sentinel itself needs.',
    checkedAt: 'call of a tool',
    checkedBy: 'witness',
  },
  'not-held': {
    sentence: 'Nothing is done to a container that a person has stopped, killed or paused.',
    checkedAt: 'call of a tool',
    checkedBy: 'witness',
  },
  'not-paused': {
    sentence: 'Nothing is done while Sentinel, the policy or the workload is paused.',
    checkedAt: 'call of a tool',
    checkedBy: 'witness',
  },
  'not-deploying': {
    sentence:
      'Nothing is done within 20 s of a creation, renaming or removal by others that Sentinel was told of, in the same Compose project.',
    checkedAt: 'call of a tool',
    checkedBy: 'witness',
  },
  'not-denied': {
    sentence: 'Nothing is done within a deny window.',
    checkedAt: 'call of a tool',
    checkedBy: 'witness',
  },
  'is-ill': {
    sentence: 'No tool is called on a workload that is well, and was well for the last minute.',
    checkedAt: 'call of a tool',
    checkedBy: 'witness',
  },
  'not-by-log': {
    sentence:
      'No tool is called on a workload of which only its log says that it is ill, unless the policy allows that.',
    checkedAt: 'call of a tool',
    checkedBy: 'witness',
  },
  'min-healthy': {
    sentence: 'A tool is called only while as many of the others are well as the policy asks for.',
    checkedAt: 'call of a tool',
    checkedBy: 'witness',
  },
  'one-call': {
    sentence: 'No two calls that touch one container are under way at once.',
    checkedAt: 'call of a tool',
    checkedBy: 'witness',
  },
  'affects-only': {
    sentence:
      'The engine is told to change only containers that the intent names, and those that the tool made under it.',
    checkedAt: 'call to the engine',
    checkedBy: 'witness',
  },
  'affects-permitted': {
    sentence:
      'Each container that an action touches is governed by a policy that permits the same tool.',
    checkedAt: 'call of a tool',
    checkedBy: 'witness',
  },
  'one-intent': {
    sentence: 'A workload has at most one intent that has not ended and been verified.',
    checkedAt: 'record',
    checkedBy: 'ledger',
  },
  cooldown: {
    sentence: 'Between two starts of one action on one workload lies its cooldown.',
    checkedAt: 'record',
    checkedBy: 'ledger',
  },
  limit: {
    sentence: 'An action starts on one workload at most as often as its limit says.',
    checkedAt: 'record',
    checkedBy: 'ledger',
  },
  backoff: {
    sentence:
      'Between two attempts on one workload lies its backoff, twice as long after each further one of an incident.',
    checkedAt: 'record',
    checkedBy: 'ledger',
  },
  storm: {
    sentence:
      'Nothing is intended under a policy while more incidents open than it takes for a storm, and ten minutes after.',
    checkedAt: 'record',
    checkedBy: 'ledger',
  },
  'max-concurrent': {
    sentence: 'Under one policy no more intents are unverified at once than its budget says.',
    checkedAt: 'record',
    checkedBy: 'ledger',
  },
  'max-actions': {
    sentence: 'On one host no more actions start within ten minutes than the host’s limit says.',
    checkedAt: 'record',
    checkedBy: 'ledger',
  },
  'no-blind-repetition': {
    sentence:
      'After an unknown outcome nothing is intended on that workload before it was observed for the time of a verification.',
    checkedAt: 'record',
    checkedBy: 'ledger',
  },
  'verified-is-well': {
    sentence: 'A verification passes only on a container that is in the state it should be in.',
    checkedAt: 'record',
    checkedBy: 'witness',
  },
  'one-incident': {
    sentence: 'A workload has at most one open incident, and it is the one that is indexed.',
    checkedAt: 'record',
    checkedBy: 'witness',
  },
  chain: {
    sentence: 'The journal’s chain is whole after every start.',
    checkedAt: 'start',
    checkedBy: 'witness',
  },
  'state-replays': {
    sentence: 'The state after a start is what all records on disk amount to.',
    checkedAt: 'start',
    checkedBy: 'witness',
  },
  'state-is-fold': {
    sentence: 'The state in memory is what the records amount to, and nothing else.',
    checkedAt: 'end',
    checkedBy: 'witness',
  },
  'redis-equals-journal': {
    sentence:
      'Redis has each durable record of a journal once, in order, without a gap, and as the journal has it.',
    checkedAt: 'publication',
    checkedBy: 'witness',
  },
  'redis-catches-up': {
    sentence: 'Once Redis is back, nothing is missing in it.',
    checkedAt: 'end',
    checkedBy: 'liveness',
  },
  bounded: {
    sentence:
      'No more keys wait in the workqueue than there ever were workloads, and hours of trouble leave no timers behind.',
    checkedAt: 'every step',
    checkedBy: 'witness',
  },
  'incident-ends': {
    sentence: 'Every incident ends, waits for a person who was asked, or belongs to a person.',
    checkedAt: 'end',
    checkedBy: 'liveness',
  },
  healed: {
    sentence: 'What a policy lets Sentinel heal is well again once faults have ended.',
    checkedAt: 'end',
    checkedBy: 'liveness',
  },
  lives: {
    sentence: 'Sentinel starts from whatever a crash left, and no error goes unhandled.',
    checkedAt: 'every step',
    checkedBy: 'witness',
  },
} as const satisfies Readonly<Record<string, Invariant>>;

export type InvariantId = keyof typeof INVARIANTS;
