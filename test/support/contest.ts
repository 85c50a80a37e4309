import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { isDue } from '#core/advice/due.ts';
import { askingDraft, concludedDraft } from '#core/advice/recorded.ts';
import { Refs } from '#core/advice/refs.ts';
import { conclusionOf } from '#core/advice/root-cause.ts';
import type { Incident } from '#core/incident/incident.ts';
import type { Draft, RecordData } from '#core/journal/data.ts';
import { consider } from '#core/remediation/act.ts';
import { isOffered } from '#core/remediation/advised.ts';
import { type Decided, decide, situationOf } from '#core/remediation/decide.ts';
import { EMPTY_MEMORY } from '#core/remediation/step.ts';
import type { World } from '#core/remediation/world.ts';
import type { WorkloadKey } from '#core/workload/key.ts';
import type { JsonValue } from '#lib/json.ts';
import type { Scenario } from './scenario.ts';
import { isPermitted, withoutModels } from './without-models.ts';

/** What a model was asked about, as it was then. */
interface Question {
  readonly incident: string;
  readonly boutAtMs: number;
  readonly offered: readonly string[];
  readonly refs: Refs;
}

/** What it said last, and what it might have cited. */
interface Said {
  readonly value: JsonValue;
  readonly offered: readonly string[];
  readonly evidence: readonly string[];
  readonly boutAtMs: number;
}

/** How often what was held against the rules really came up. */
export interface Tally {
  intents: number;
  /** By a model, and another than the ladder would have begun with. */
  deviations: number;
  rests: number;
  questions: number;
  escalations: number;
  endings: number;
}

/** What a model has no part in: each of these is the same with and without one. */
const OF_NO_MODEL: ReadonlySet<string> = new Set([
  'incident.opened',
  'incident.updated',
  'incident.resolved',
  'incident.reopened',
  'verification.passed',
  'verification.failed',
  'approval.granted',
  'approval.denied',
  'approval.expired',
  'remediation.considered',
  'remediation.completed',
  'shadow.followed',
  'pause.set',
  'pause.cleared',
]);
/** What an attempt, or the thought of one, begins with. */
const BEGINS: ReadonlySet<string> = new Set([
  'remediation.intended',
  'shadow.decided',
  'approval.requested',
]);

/**
 * The core with models, held against the core without them: at every single decision both are asked, on
 * the very same state, and what a model may and may not change about the answer is checked. What it may
 * is stated here from the promises, apart from the code that keeps them.
 */
export class Contest {
  readonly scenario: Scenario;
  readonly tally: Tally;
  readonly #questions = new Map<WorkloadKey, Question>();
  readonly #said = new Map<string, Said>();

  constructor(scenario: Scenario, tally: Tally) {
    this.scenario = scenario;
    this.tally = tally;
    scenario.over = { ...scenario.over, mac };
  }

  /** Asks where that is due, as the shell does: candidates and evidence are those of now. */
  ask(key: WorkloadKey): void {
    const situation = situationOf(this.scenario.world(), key, this.scenario.memories.get(key));
    if (situation === undefined) return;
    const { incident, policy, world } = situation;
    if (!isDue(incident, policy, world.nowMs)) return;
    const offered = consider(situation, incident)
      .filter(isOffered)
      .map(({ candidate }) => candidate.id);
    const refs = new Refs();
    refs.of(key, situation.view.container?.name ?? key);
    this.#questions.set(key, {
      incident: incident.name,
      boutAtMs: incident.boutAtMs,
      offered,
      refs,
    });
    this.scenario.append(askingDraft(incident, policy.spec.modelRouting.rootCause));
  }

  /** Takes an answer, as the shell does: `undefined` when nobody answered in time. */
  answer(key: WorkloadKey, value: JsonValue | undefined): void {
    const question = this.#questions.get(key);
    const incident = this.scenario.state.incidents[question?.incident ?? ''];
    const policy = this.scenario.policies.find(({ name }) => name === incident?.policy.name);
    if (question === undefined || incident === undefined || policy === undefined) return;
    if (incident.boutAtMs !== question.boutAtMs) return;
    this.#questions.delete(key);
    const { offered, refs } = question;
    const context = { incident, refs, offered, redactor: undefined };
    const conclusion = value === undefined ? undefined : conclusionOf(value, context);
    const use = {
      stage: 'rootCause',
      outcome: value === undefined ? 'TimedOut' : 'Answered',
      requests: 1,
      promptTokens: 0,
      completionTokens: 0,
      promptDigest: '',
    } as const;
    if (value === undefined) this.#said.delete(incident.name);
    else {
      const evidence = incident.evidence.map(({ id }) => id);
      const { boutAtMs } = incident;
      this.#said.set(incident.name, { value, offered, evidence, boutAtMs });
    }
    const draft = concludedDraft(incident, policy, conclusion, use);
    checkConclusion(draft, this.#said.get(incident.name));
    this.scenario.append(draft);
  }

  /** Ids that an answer about this workload could name: what was offered, and what was not. */
  idsFor(key: WorkloadKey): { readonly offered: readonly string[]; readonly others: string[] } {
    const offered = this.#questions.get(key)?.offered ?? [];
    const all = Object.values(this.scenario.state.incidents).flatMap(({ candidates }) =>
      candidates.map(({ id }) => id),
    );
    return { offered, others: all.filter((id) => !offered.includes(id)) };
  }

  reconcile(key: WorkloadKey): void {
    for (let steps = 0; steps < 32; steps += 1) {
      const world = this.scenario.world();
      const memory = this.scenario.memories.get(key) ?? EMPTY_MEMORY;
      const without = withoutModels(world);
      const decided = decide(world, key, memory);
      this.#compare(key, { world, decided, without: decide(without, key, memory) });
      for (const draft of decided.step.drafts) {
        if (draft.type === 'remediation.intended') this.#checkIntent(key, draft.data, without);
      }
      this.scenario.memories.set(key, decided.memory);
      for (const draft of decided.step.drafts) this.scenario.append(draft);
      if (decided.step.again !== true) return;
    }
    assert.fail('the decision does not come to rest');
  }

  #compare(
    key: WorkloadKey,
    { world, decided, without }: { world: World; decided: Decided; without: Decided },
  ): void {
    const mine = decided.step.drafts;
    const theirs = without.step.drafts;
    const fixed = (drafts: readonly Draft[]) => drafts.filter(({ type }) => OF_NO_MODEL.has(type));
    assert.deepEqual(fixed(mine), fixed(theirs));
    this.tally.endings += mine.filter(({ type }) => type === 'incident.resolved').length;

    const incident = this.#openIncident(key);
    const begun = mine.find(({ type }) => BEGINS.has(type));
    const would = theirs.find(({ type }) => BEGINS.has(type));
    const told = mine.find(({ type }) => type === 'incident.escalated');
    const wouldTell = theirs.find(({ type }) => type === 'incident.escalated');
    if (told !== undefined) this.#checkEscalation(told, wouldTell, incident);
    if (begun !== undefined) this.#checkBegun(begun, would, incident);
    // Told first, or acted on instead: never silence.
    if (wouldTell !== undefined && told === undefined && begun === undefined) {
      this.#checkRest(world, decided, incident);
    }
    // Where a person is asked anyway, a question about what the model picked stands as well as another.
    const isAsked =
      would?.type === 'approval.requested' && incident?.approval?.state === 'Requested';
    if (would !== undefined && begun === undefined && told === undefined && !isAsked) {
      this.#checkRest(world, decided, incident);
    }
    if (would?.type === 'remediation.intended' && begun !== undefined) {
      assert.equal(begun.type, 'remediation.intended', 'waits for a person, or only thinks of it');
    }
  }

  #openIncident(key: WorkloadKey): Incident | undefined {
    const { incidents, openByWorkload } = this.scenario.state;
    return incidents[openByWorkload[key] ?? ''];
  }

  #checkEscalation(
    told: Draft,
    wouldTell: Draft | undefined,
    incident: Incident | undefined,
  ): void {
    const { reason } = told.data as RecordData['incident.escalated'];
    if (reason !== 'ModelAdvice') {
      assert.deepEqual(told, wouldTell);
      return;
    }
    this.tally.escalations += 1;
    assert.equal(this.#usable(incident)?.choice, 'escalate');
  }

  #checkBegun(begun: Draft, would: Draft | undefined, incident: Incident | undefined): void {
    const { candidate } = begun.data as { candidate: string };
    const ladders = (would?.data as { candidate?: string } | undefined)?.candidate;
    if (begun.type === 'approval.requested') this.tally.questions += 1;
    if (candidate === ladders) return;
    this.tally.deviations += 1;
    const usable = this.#usable(incident);
    assert.ok(usable?.choice === candidate, 'nobody usable asked for this one');
    assert.ok(usable.offered.includes(candidate), 'picked what it was not offered');
  }

  /** It does nothing yet, where it would have done something without a model. */
  #checkRest(world: World, { step }: Decided, incident: Incident | undefined): void {
    this.tally.rests += 1;
    const policy = this.scenario.policies.find(({ name }) => name === incident?.policy.name);
    assert.ok(incident !== undefined && policy !== undefined, 'rests without an incident');
    const { modelRouting, remediation } = policy.spec;
    const isNone = this.#usable(incident)?.choice === 'none';
    const mostMs = isNone
      ? Math.max(modelRouting.decisionTimeout, remediation.backoff.initial)
      : modelRouting.decisionTimeout;
    const endMs = incident.boutAtMs + mostMs;
    assert.equal(modelRouting.choose, 'Model');
    assert.ok(world.nowMs < endMs, `still waits ${world.nowMs - endMs} ms after the end`);
    assert.ok(step.recheckAtMs !== undefined && step.recheckAtMs <= endMs, 'looks again too late');
    const acted = incident.attempts.some(({ outcome }) => outcome !== 'NotExecuted');
    assert.ok(!acted, 'waits for a model after the first attempt');
  }

  /** What the last answer may decide, if anything, told from the answer alone. */
  #usable(
    incident: Incident | undefined,
  ): { readonly choice: string; readonly offered: readonly string[] } | undefined {
    const said = this.#said.get(incident?.name ?? '');
    const policy = this.scenario.policies.find(({ name }) => name === incident?.policy.name);
    if (said === undefined || policy === undefined || incident?.boutAtMs !== said.boutAtMs) {
      return undefined;
    }
    const { choice } = said.value as { choice?: unknown };
    const { choose, minConfidence } = policy.spec.modelRouting;
    if (choose !== 'Model' || typeof choice !== 'string') return undefined;
    return confidenceOf(said) >= minConfidence ? { choice, offered: said.offered } : undefined;
  }

  #checkIntent(
    key: WorkloadKey,
    intended: RecordData['remediation.intended'],
    without: World,
  ): void {
    this.tally.intents += 1;
    const memory = this.scenario.memories.get(key) ?? EMPTY_MEMORY;
    assert.ok(isPermitted(without, key, intended, { memory }), `${intended.tool} is not permitted`);
  }
}

function mac(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Of an answer: nothing for whoever cites nothing, or anything that is not there. */
function confidenceOf({ value, evidence }: Said): number {
  const { confidence, evidenceRefs } = value as { confidence?: unknown; evidenceRefs?: unknown };
  const cited = Array.isArray(evidenceRefs)
    ? evidenceRefs.filter((one) => typeof one === 'string')
    : [];
  const isFounded = cited.length > 0 && cited.every((one) => evidence.includes(one));
  const isNumber = typeof confidence === 'number' && !Number.isNaN(confidence);
  return isFounded && isNumber ? Math.min(1, Math.max(0, confidence)) : 0;
}

/** What stands on record is no surer than the answer was, and cites what exists. */
function checkConclusion(draft: Draft, said: Said | undefined): void {
  assert.equal(draft.type, 'diagnosis.completed');
  const { source, confidence, evidenceRefs, advice } =
    draft.data as RecordData['diagnosis.completed'];
  if (said === undefined) return;
  if (advice !== undefined) {
    const most = confidenceOf(said);
    assert.ok(advice.confidence <= most, `${advice.confidence} was made of ${most}`);
    if (source === 'model') assert.ok(confidence <= most);
  }
  for (const ref of evidenceRefs) assert.ok(said.evidence.includes(ref));
}
