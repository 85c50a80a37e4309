import type { Affected } from '#core/incident/incident.ts';
import type { RecordData } from '#core/journal/data.ts';
import type { JournalRecord } from '#core/journal/record.ts';
import type { InvariantId } from './invariants.ts';
import type { ActionPlan, PolicyPlan } from './policy-plans.ts';
import { MAX_ACTIONS } from './sentinel-run.ts';

const BACKOFF_MAX_MS = 15 * 60_000;
const STORM_WITHIN_MS = 60_000;
const STORM_COOLS_MS = 10 * 60_000;

/** An intent as the journal tells it. */
export interface Intended {
  readonly intent: string;
  readonly incident: string;
  readonly workload: string;
  readonly policy: string;
  readonly candidate: string;
  readonly action: string;
  readonly tool: string;
  readonly affects: readonly Affected[];
  readonly rollbackOf: string | undefined;
  readonly atMs: number;
  outcome?: string;
  isVerified: boolean;
}

/** Counts intents from the records alone: what may be started, how often, and how many at once. */
export class Ledger {
  readonly #break: (invariant: InvariantId, message: string) => void;
  #intents = new Map<string, Intended>();
  readonly #keys = new Map<string, string>();
  /** When incidents opened, by policy. */
  readonly #openings = new Map<string, number[]>();
  #atMs = 0;
  #last: JournalRecord | undefined;

  constructor(onBroken: (invariant: InvariantId, message: string) => void) {
    this.#break = onBroken;
  }

  /** The records of a start: they were judged when they were made. */
  reset(records: readonly JournalRecord[]): void {
    this.#intents = new Map();
    this.#openings.clear();
    this.#last = undefined;
    for (const record of records) this.#take(record);
  }

  intended(intent: string): Intended | undefined {
    return this.#intents.get(intent);
  }

  /** The workload key of a container's name, as records have told it. */
  keyOf(name: string): string | undefined {
    return this.#keys.get(name);
  }

  add(record: JournalRecord, plans: readonly PolicyPlan[]): void {
    const intended = this.#take(record);
    if (intended === undefined) return;
    const others = [...this.#intents.values()].filter((one) => one !== intended);
    this.#checkOpen(intended, others);
    if (intended.rollbackOf !== undefined) return;
    const plan = plans.find(({ name }) => name === intended.policy);
    const action = plan?.actions.find(({ name }) => name === intended.action);
    if (plan === undefined || action === undefined) {
      this.#break('permitted', `${intended.action} is intended, and ${intended.policy} has none`);
      return;
    }
    this.#checkRates(intended, others, plan, action);
  }

  #checkOpen(intended: Intended, others: readonly Intended[]): void {
    const touched = new Set(intended.affects.map(({ workload }) => workload));
    const open = others.find(
      (one) =>
        !one.isVerified &&
        one.intent !== intended.rollbackOf &&
        one.affects.some(({ workload }) => touched.has(workload)),
    );
    if (open === undefined) return;
    const isBlind = open.outcome === 'OutcomeUnknown';
    const message = `${intended.action} on ${intended.workload} before ${open.intent} was verified`;
    this.#break(isBlind ? 'no-blind-repetition' : 'one-intent', message);
  }

  #checkRates(
    intended: Intended,
    others: readonly Intended[],
    plan: PolicyPlan,
    action: ActionPlan,
  ): void {
    const { atMs, workload } = intended;
    const started = others.filter(
      ({ outcome, rollbackOf }) => outcome !== 'NotExecuted' && rollbackOf === undefined,
    );
    const here = started.filter((one) => one.workload === workload);
    const same = here.filter((one) => one.action === action.name);
    const sinceMs = atMs - (same.at(-1)?.atMs ?? -Infinity);
    if (sinceMs < action.cooldownMs) {
      this.#break('cooldown', `${action.name} on ${workload} again after ${sinceMs} ms`);
    }
    const recent = same.filter((one) => one.atMs > atMs - action.limit.perMs);
    if (recent.length >= action.limit.max) {
      this.#break('limit', `${action.name} on ${workload} for the ${recent.length + 1}th time`);
    }
    const restMs = atMs - (here.at(-1)?.atMs ?? -Infinity);
    const before = here.filter(({ incident }) => incident === intended.incident).length;
    const backoffMs = Math.min(plan.backoffMs * 2 ** Math.max(0, before - 1), BACKOFF_MAX_MS);
    if (restMs < backoffMs) {
      this.#break('backoff', `${action.name} on ${workload} ${restMs} ms after the last attempt`);
    }
    if (this.#isStorm(plan)) {
      this.#break('storm', `${action.name} on ${workload} amid a storm of ${plan.name}`);
    }
    const onHost = others.filter(
      (one) => one.outcome !== 'NotExecuted' && one.atMs > atMs - MAX_ACTIONS.perMs,
    );
    if (onHost.length >= MAX_ACTIONS.max) {
      this.#break('max-actions', `${action.name} on ${workload} for the ${onHost.length + 1}th`);
    }
    const busy = others.filter((one) => one.policy === plan.name && !one.isVerified);
    if (busy.length >= plan.maxConcurrent) {
      this.#break('max-concurrent', `${plan.name} has ${busy.length + 1} at once`);
    }
  }

  /** More openings within a minute than the policy bears, at most ten minutes ago. */
  #isStorm({ name, stormAbove }: PolicyPlan): boolean {
    const openings = this.#openings.get(name) ?? [];
    return openings.some((atMs, index) => {
      const first = openings[index - stormAbove];
      const isOne = first !== undefined && atMs - first < STORM_WITHIN_MS;
      return isOne && this.#atMs < atMs + STORM_COOLS_MS;
    });
  }

  /** @returns the intent, if the record is one */
  #take(record: JournalRecord): Intended | undefined {
    this.#advance(record);
    const { type, data, workload } = record;
    if (type === 'incident.opened') {
      const { container } = (data as RecordData['incident.opened']).workload;
      this.#keys.set(container, workload);
    }
    this.#countOpening(record);
    if (type === 'remediation.intended') return this.#begin(record);
    const { intent = '' } = data as { readonly intent?: string };
    const known = this.#intents.get(intent);
    if (known === undefined) return undefined;
    if (type === 'remediation.completed' || type === 'rollback.completed') {
      known.outcome = (data as RecordData['remediation.completed']).outcome;
      // Nothing is left to be seen of what was not done, nor of what was undone.
      if (known.outcome === 'NotExecuted' || type === 'rollback.completed') known.isVerified = true;
    }
    if (type === 'verification.passed' || type === 'verification.failed') known.isVerified = true;
    return undefined;
  }

  #countOpening({ type, policy, data }: JournalRecord): void {
    if (type !== 'incident.opened' && type !== 'incident.reopened') return;
    const { isOpinion, breached } = data as RecordData[typeof type];
    // Of all that is watched, models are asked about unusual lines alone.
    if (isOpinion === true && breached.every((name) => name === 'novel')) return;
    const name = policy?.name ?? '';
    this.#openings.set(name, [...(this.#openings.get(name) ?? []), this.#atMs]);
  }

  #begin({ data, incident, workload, policy }: JournalRecord): Intended {
    const { intent, action, tool, candidate, affects, rollbackOf } =
      data as RecordData['remediation.intended'];
    const begun: Intended = {
      intent,
      incident,
      workload,
      action,
      tool,
      candidate,
      affects,
      rollbackOf,
      policy: policy?.name ?? '',
      atMs: this.#atMs,
      isVerified: false,
    };
    this.#intents.set(intent, begun);
    return begun;
  }

  /** Time as no step of a wall clock can change it, save between two boots. */
  #advance(record: JournalRecord): void {
    const last = this.#last;
    this.#last = record;
    if (last === undefined) {
      this.#atMs = Date.parse(record.time);
      return;
    }
    const passedMs =
      last.boot.id === record.boot.id
        ? record.boot.ms - last.boot.ms
        : Date.parse(record.time) - Date.parse(last.time);
    this.#atMs += Math.max(0, passedMs);
  }
}
