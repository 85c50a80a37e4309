import { isDeepStrictEqual } from 'node:util';
import type { MemoryEngine } from '#adapters/memory/memory-engine.ts';
import type { VirtualClock } from '#adapters/memory/virtual-clock.ts';
import { type OperatorJournal, operatorReducer } from '#controller/journal-state.ts';
import { isOpen } from '#core/incident/incident.ts';
import type { RecordData } from '#core/journal/data.ts';
import { canonicalJson, type JournalRecord } from '#core/journal/record.ts';
import type { OperatorState } from '#core/journal/state.ts';
import type { RuntimeEvent } from '#core/workload/event.ts';
import { identityOf, keyOf } from '#core/workload/key.ts';
import type { ActionCall, ActionResult } from '#ports/action-runner.ts';
import type { PublishBatch } from '#ports/event-sink.ts';
import { CALL_RULES, type Touched } from './call-rules.ts';
import type { Disk } from './disk.ts';
import type { DoorWitness } from './docker-door.ts';
import type { InvariantId } from './invariants.ts';
import { Ledger } from './ledger.ts';
import { governingPlan, type PolicyPlan } from './policy-plans.ts';
import { HOST, type RunWitness, type SentinelRun } from './sentinel-run.ts';
import type { Timeline } from './timeline.ts';
import { deploymentScope, type Truth } from './truth.ts';

export interface Violation {
  readonly invariant: InvariantId;
  readonly message: string;
}

export interface WitnessOptions {
  readonly clock: VirtualClock;
  readonly engine: MemoryEngine;
  readonly disk: Disk;
  readonly truth: Truth;
  readonly timeline: Timeline;
  /** Policies in force, as the oracle knows them. */
  readonly plans: () => readonly PolicyPlan[];
  readonly isOwn: (name: string) => boolean;
  readonly onDeath: () => void;
  /** A journal was opened, and has come to this state. */
  readonly onOpened: (state: OperatorState) => void;
}

/** A call of a tool that has not been answered. */
interface OpenCall {
  readonly intent: string;
  readonly containers: ReadonlySet<string>;
}

/** Where the memory of the simulated policies is clear again. */
const LEAKING = 0.8;
const SAME_INSTANT_MS = 5_000;
const DEPLOYS: ReadonlySet<string> = new Set(['create', 'rename', 'destroy']);

/** Holds what Sentinel does against what is true, by rules of its own. */
export class Witness implements RunWitness, DoorWitness {
  readonly violations: Violation[] = [];
  /** Calls of tools, for the summary of a run. */
  calls = 0;
  /** All records that the journal has, as far as it was read or heard. */
  records: JournalRecord[] = [];
  readonly #options: WitnessOptions;
  readonly #ledger: Ledger;
  #open: OpenCall[] = [];
  /** Containers that a tool has made or set aside, and its intent. */
  readonly #made = new Map<string, string>();
  /** The last record of each journal that Redis has. */
  readonly #published = new Map<string, number>();
  /** Every workload that there ever was. */
  readonly #keys = new Set<string>();
  #run: SentinelRun | undefined;

  constructor(options: WitnessOptions) {
    this.#options = options;
    this.#ledger = new Ledger((invariant, message) => this.#break(invariant, message));
  }

  // What Sentinel does.

  async opened(run: SentinelRun, journal: OperatorJournal): Promise<void> {
    this.#run = run;
    const records: JournalRecord[] = [];
    for await (const record of journal.read(journal.oldestSeq())) records.push(record);
    if (run.life.isOver) return;
    this.records = records;
    this.#ledger.reset(records);
    this.#options.onOpened(journal.state());
    this.#options.timeline.add('sentinel', `starts on ${records.length} records`);
    const [first] = records;
    if (first?.seq !== 1) return;
    const replayed = fold(records);
    if (!isSame(replayed, journal.state())) {
      this.#break('state-replays', firstDifference(replayed, journal.state()));
    }
  }

  verified(journal: OperatorJournal): void {
    const reason = journal.unavailableReason();
    if (reason !== undefined && !this.#options.disk.isFull) this.#break('chain', reason);
  }

  recorded(records: readonly JournalRecord[]): void {
    for (const record of records) {
      this.records.push(record);
      const { type, workload, data } = record;
      this.#options.timeline.add('journal', `${type} ${workload} ${summaryOf(data)}`.trimEnd());
      this.#ledger.add(record, this.#options.plans());
      if (type === 'verification.passed') this.#verified(record);
    }
    this.#checkIncidents();
  }

  called(request: ActionCall): void {
    this.calls += 1;
    const { engine, disk, timeline } = this.#options;
    const { tool, intentId, expect } = request;
    const ids = expect.map(({ id }) => id);
    const names = ids.map((id) => engine.peek(id)?.name ?? id.slice(0, 12));
    timeline.add('sentinel', `calls ${tool} on ${names.join(', ')} (${intentId})`);

    if (!disk.holds(`"intent":"${intentId}"`)) {
      this.#break('intent-on-record', `${tool} is called, and intent ${intentId} is not on disk`);
    }
    const busy = this.#open.find(({ containers }) => ids.some((id) => containers.has(id)));
    if (busy !== undefined) {
      this.#break('one-call', `${intentId} begins while ${busy.intent} is under way`);
    }
    this.#open.push({ intent: intentId, containers: new Set(ids) });
    this.#checkIntended(intentId, ids);
    for (const [index, id] of ids.entries()) this.#checkTouched(request, id, index === 0);
  }

  undoing(intent: string, how: 'recover' | 'settle'): void {
    const attempt = this.#ledger.intended(intent);
    if (attempt === undefined) {
      this.#break('intent-on-record', `${intent} is taken back, and was never intended`);
      return;
    }
    // What was set aside under an intent goes, and nothing else is touched.
    const touched = how === 'settle' ? [] : attempt.affects;
    this.#options.timeline.add('sentinel', `${how} ${intent}`);
    this.#open.push({ intent, containers: new Set(touched.map(({ container }) => container)) });
  }

  ended(intent: string, result: ActionResult): void {
    const message = 'message' in result ? result.message : '';
    this.#options.timeline.add('sentinel', `${intent}: ${result.outcome} ${message}`.trimEnd());
    const index = this.#open.findIndex((open) => open.intent === intent);
    if (index >= 0) this.#open.splice(index, 1);
  }

  write(operation: string, ref: string): void {
    const { engine, timeline } = this.#options;
    const container = engine.peek(ref);
    const name = container?.name ?? ref.slice(0, 12);
    timeline.add('sentinel', `${operation} ${name}`);
    const isTheirs = this.#open.some(
      ({ containers, intent }) =>
        containers.has(ref) ||
        name.includes(`.sentinel-${intent}`) ||
        this.#made.get(ref) === intent,
    );
    if (!isTheirs && container !== undefined) {
      this.#break('affects-only', `${operation} on ${name}, which no open intent names`);
    }
  }

  told(event: RuntimeEvent): void {
    const { truth, clock } = this.#options;
    if (!DEPLOYS.has(event.action) || !truth.byPeople.has(event.timeNano)) return;
    truth.deploymentsTold.set(deploymentScope(event), clock.passedMs());
  }

  /** Redis has taken a batch: the records of this journal, the next ones, as they are. */
  published({ journalId, from, entries }: PublishBatch): void {
    // Of what nothing is published yet, the oldest that is kept comes first.
    let last = from === 0 ? 0 : (this.#published.get(journalId) ?? 0);
    for (const { stream, fields } of entries) {
      if (stream !== 'audit') continue;
      const seq = Number(fields['seq']);
      if (last !== 0 && seq !== last + 1) {
        this.#break('redis-equals-journal', `${journalId}: ${seq} is published after ${last}`);
      }
      const record = this.records[seq - (this.records[0]?.seq ?? 0)];
      if (record?.hash !== fields['hash']) {
        this.#break(
          'redis-equals-journal',
          `${journalId}: ${seq} is not the record of the journal`,
        );
      }
      last = seq;
    }
    this.#published.set(journalId, last);
  }

  warned(message: string, cause: unknown): void {
    const why = cause instanceof Error ? cause.message : String(cause);
    this.#options.timeline.add('sentinel', `warns: ${message}: ${why}`);
  }

  died(): void {
    this.#checkFold();
    this.#options.timeline.add('world', 'Sentinel is gone');
    this.#open = [];
    this.#options.truth.deploymentsTold.clear();
    this.#options.onDeath();
  }

  failed(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.#options.timeline.add('sentinel', `ends: ${message}`);
    if (!this.#options.disk.isFull) this.#break('lives', `it cannot start: ${message}`);
  }

  // What the world does.

  /** A call that is under way names the container. */
  isTouched(id: string): boolean {
    return this.#open.some(({ containers }) => containers.has(id));
  }

  /** An engine event happens: whose container a tool has made is known by its name alone. */
  happened(event: RuntimeEvent): void {
    this.#keys.add(keyOf(identityOf(HOST, event)));
    const { truth, clock } = this.#options;
    // It may be up again before anybody looks.
    if (event.action === 'die') truth.illAtMs.set(event.containerId, clock.passedMs());
    const intent = /\.sentinel-(?<intent>[a-z0-9]+)/.exec(event.name)?.groups?.['intent'];
    if (intent !== undefined) this.#made.set(event.containerId, intent);
  }
  /** Looks at what can be looked at whenever nothing more happens without time passing. */
  step(): void {
    const { engine, clock, truth } = this.#options;
    for (const id of engine.ids()) {
      const seen = engine.isWell(id) ? truth.wellAtMs : truth.illAtMs;
      seen.set(id, clock.passedMs());
      if (this.#ails(id)) truth.ailedAtMs.set(id, clock.passedMs());
    }
    const depth = this.#run?.controller?.queue().depth() ?? 0;
    if (depth > this.#keys.size) {
      this.#break('bounded', `${depth} keys wait, and there are ${this.#keys.size} workloads`);
    }
  }

  /** Everything in memory is of the records. */
  checkFold(): void {
    this.#checkFold();
  }

  break(invariant: InvariantId, message: string): void {
    this.#break(invariant, message);
  }

  #break(invariant: InvariantId, message: string): void {
    this.violations.push({ invariant, message });
    this.#options.timeline.add('check', `BROKEN ${invariant}: ${message}`);
  }

  /** Something that its engine does not know of is wrong with it, or with whose network it is in. */
  #ails(id: string): boolean {
    const { engine, truth } = this.#options;
    if (truth.deaf.has(id) || truth.full.has(id) || this.#leaks(id)) return true;
    return engine
      .ownersOf(id)
      .some((owner) => engine.stateOf(owner) !== 'running' || this.#ails(owner));
  }

  #leaks(id: string): boolean {
    const { engine, truth } = this.#options;
    const heldBytes = truth.leaking.get(id);
    if (heldBytes === undefined) return false;
    const { memoryBytes = Number.POSITIVE_INFINITY } = engine.peek(id)?.limits ?? {};
    return heldBytes > LEAKING * memoryBytes;
  }

  #checkFold(): void {
    const state = this.#run?.journal?.state();
    if (state === undefined || this.records[0]?.seq !== 1) return;
    const known = this.records.findLast(({ type }) => type !== 'journal.snapshot')?.seq;
    // Killed within an append, the listener may not have heard of its records.
    if (known !== state.seq) return;
    const replayed = fold(this.records);
    if (!isSame(replayed, state)) {
      this.#break('state-is-fold', firstDifference(replayed, state));
    }
  }

  #checkIntended(intent: string, ids: readonly string[]): void {
    const attempt = this.#ledger.intended(intent);
    const named = new Set(attempt?.affects.map(({ container }) => container));
    const others = ids.filter((id) => !named.has(id));
    if (others.length > 0) {
      this.#break('affects-only', `${intent} does not name ${others.join(', ')}`);
    }
  }

  #checkTouched(call: ActionCall, id: string, isTarget: boolean): void {
    const { engine, truth, clock, plans, isOwn } = this.#options;
    const container = engine.peek(id);
    const intended = this.#ledger.intended(call.intentId);
    if (container === undefined || intended === undefined) return;
    const { name } = container;
    const touched: Touched = {
      container,
      isTarget,
      call,
      intended,
      plan: governingPlan(plans(), name),
      key: this.#ledger.keyOf(name),
      isOwn: isOwn(name),
      truth,
      clock,
      engine,
      planOf: (other) => governingPlan(plans(), other),
    };
    for (const [id, rule] of Object.entries(CALL_RULES)) {
      const wrong = rule(touched);
      if (wrong !== undefined) this.#break(id as InvariantId, `${call.tool} on ${name}: ${wrong}`);
    }
  }

  #verified({ data }: JournalRecord): void {
    const { intent } = data as RecordData['verification.passed'];
    const attempt = this.#ledger.intended(intent);
    const [target] = attempt?.affects ?? [];
    if (attempt === undefined || target === undefined) return;
    const { clock, truth, engine } = this.#options;
    const { id = '', state = 'gone' } = engine.peek(target.name) ?? {};
    const isRest = attempt.tool === 'docker/stop_container';
    const isAsWanted = isRest ? state === 'exited' : engine.isWell(target.name);
    const illAtMs = truth.illAtMs.get(id) ?? -Infinity;
    // What happens in the very instant of the look is told by the next one.
    if (isAsWanted || clock.passedMs() <= illAtMs + SAME_INSTANT_MS) return;
    this.#break('verified-is-well', `${target.name} is ${state}`);
  }

  #checkIncidents(): void {
    const state = this.#run?.journal?.state();
    if (state === undefined) return;
    const open = Object.values(state.incidents).filter(isOpen);
    const indexed = open.filter(
      ({ name, workload }) => state.openByWorkload[workload.key] === name,
    );
    if (
      indexed.length !== Object.keys(state.openByWorkload).length ||
      indexed.length !== open.length
    ) {
      this.#break('one-incident', `${open.length} open, ${indexed.length} of them indexed`);
    }
  }
}

function fold(records: readonly JournalRecord[]): OperatorState {
  let state = operatorReducer.initial();
  for (const record of records) {
    // It repeats the state, and must not be needed to come to it.
    if (record.type !== 'journal.snapshot') state = operatorReducer.apply(state, record);
  }
  return state;
}

function summaryOf(data: object): string {
  const { message, action, outcome, intent, event, cause, reason, resolution } = data as Readonly<
    Record<string, unknown>
  >;
  return [event, cause, action, intent, outcome, resolution, reason, message]
    .filter((part) => typeof part === 'string')
    .join(' ');
}

/** As JSON: a member that is undefined is none. */
function isSame(one: object, other: object): boolean {
  return isDeepStrictEqual(one, other) || canonicalJson(one) === canonicalJson(other);
}

function firstDifference(one: object, other: object, path = ''): string {
  const left = one as Readonly<Record<string, unknown>>;
  const right = other as Readonly<Record<string, unknown>>;
  for (const name of new Set([...Object.keys(left), ...Object.keys(right)])) {
    const [a, b] = [left[name], right[name]];
    if (canonicalJson(a ?? null) === canonicalJson(b ?? null)) continue;
    if (isObject(a) && isObject(b)) return firstDifference(a, b, `${path}.${name}`);
    return `${path}.${name} is ${canonicalJson(b ?? null)}, and the records say ${canonicalJson(a ?? null)}`;
  }
  return 'the same';
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
