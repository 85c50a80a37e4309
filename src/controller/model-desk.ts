import { isDue } from '#core/advice/due.ts';
import { explanationQuestion, summaryOf } from '#core/advice/explanation.ts';
import { type Look, lookLines, lookQuestion, looksFor, pickedLook } from '#core/advice/looks.ts';
import type { Prompt } from '#core/advice/prompt.ts';
import {
  askingDraft,
  concludedDraft,
  explainedDraft,
  lookDraft,
  lookEvidence,
} from '#core/advice/recorded.ts';
import { Refs } from '#core/advice/refs.ts';
import { conclusionOf, matterText, rootCauseQuestion } from '#core/advice/root-cause.ts';
import type { LookResult, Matter } from '#core/advice/sections.ts';
import type { RawLogLine } from '#core/diagnosis/evidence-text.ts';
import { type Incident, isOpen, nextEvidenceNumber } from '#core/incident/incident.ts';
import type { Draft } from '#core/journal/data.ts';
import type { CompiledPolicy } from '#core/policy/compile.ts';
import { consider } from '#core/remediation/act.ts';
import { isOffered } from '#core/remediation/advised.ts';
import type { JudgedSituation } from '#core/remediation/step.ts';
import type { ObservedContainer } from '#core/workload/container.ts';
import type { WorkloadKey } from '#core/workload/key.ts';
import { createLimiter, type Limiter } from '#lib/limiter.ts';
import type { ActionRunner } from '#ports/action-runner.ts';
import type { Clock } from '#ports/clock.ts';
import type { ModelClient } from '#ports/model-client.ts';
import type { OperatorJournal } from './journal-state.ts';
import { ModelTalk } from './model-talk.ts';

export interface ModelDeskOptions {
  readonly clock: Clock;
  readonly journal: OperatorJournal;
  readonly models: Pick<ModelClient, 'complete'>;
  readonly actions: Pick<ActionRunner, 'call'>;
  /** Whether a policy names a route that incidents are asked about: for all others nothing is done. */
  readonly asksAbout: (policy: string) => boolean;
  /** The open incident of a workload, and what it is in now. */
  readonly situationOf: (
    key: WorkloadKey,
  ) => (JudgedSituation & { readonly incident: Incident }) | undefined;
  /** Raw text of the Compose file that a policy names; `undefined` where there is none to read. */
  readonly composeFileOf?: (policy: CompiledPolicy) => Promise<string | undefined>;
  /** Resolves when as much as there will be is known of what to take out of a container's words. */
  readonly untilSecretsKnown?: (container: ObservedContainer) => Promise<void>;
  /** Something that may change a decision was said about an incident of this workload. */
  readonly onAnswered: (key: WorkloadKey) => void;
  readonly onWarning: (message: string, cause: unknown) => void;
}

/** Until then its log is at hand, as a rule; see IncidentLogs. */
const ASK_AFTER_MS = 3_500;
/** What the rules find in a log is worth telling, and stands a moment after it was read. */
const RULES_MS = 250;
/** All questions about one incident together; nothing waits for them so long. */
const WITHIN_MS = 180_000;
const LOOK_MS = 10_000;
const AT_ONCE = 4;
const LOGS_MAX = 64;
/** A policy may have a thousand variants, all of which a prompt must hold: the first of the ladder. */
const OFFERED_MAX = 32;
const OPENINGS: ReadonlySet<string> = new Set(['incident.opened', 'incident.reopened']);

/**
 * Asks models about incidents, once for each time that one opens, beside whatever is decided: for its
 * cause and advice, with what may be looked up for that, and for words. What they say is recorded, and
 * counts from then on; what is not answered is recorded too, so that nobody waits for it.
 */
export class ModelDesk {
  readonly #options: ModelDeskOptions;
  /** By policy: one that asks a slow server keeps no other waiting. */
  readonly #places = new Map<string, Limiter>();
  readonly #stopping = new AbortController();
  /** Incidents that are asked about soon, and what takes that back. */
  readonly #waiting = new Map<string, () => void>();
  /** Incidents whose questions wait for a place or are under way. */
  readonly #asked = new Set<string>();
  readonly #logs = new Map<string, readonly RawLogLine[]>();

  constructor(options: ModelDeskOptions) {
    this.#options = options;
  }

  /** Open incidents that nobody has asked about, or whose asking a restart has ended, come first. */
  start(): void {
    const { journal } = this.#options;
    this.#askAboutOpen();
    journal.subscribe((records) => {
      for (const { type, workload, incident } of records) {
        const { openByWorkload, incidents } = journal.state();
        const opened = incidents[openByWorkload[workload] ?? ''];
        if (opened !== undefined && OPENINGS.has(type)) this.#askSoon(opened, ASK_AFTER_MS);
        if (type === 'incident.resolved') this.#logs.delete(incident);
        // A policy may name a route now that named none.
        if (type === 'policy.loaded') this.#askAboutOpen();
      }
    });
  }

  #askAboutOpen(): void {
    for (const incident of Object.values(this.#options.journal.state().incidents)) {
      if (isOpen(incident)) this.#askSoon(incident, ASK_AFTER_MS);
    }
  }

  stop(): void {
    for (const cancel of this.#waiting.values()) cancel();
    this.#waiting.clear();
    this.#stopping.abort();
  }

  isBusy(): boolean {
    return this.#waiting.size > 0 || this.#asked.size > 0;
  }

  /** Lines of the log were read for an incident: there is no need to wait any longer. */
  offerLog(name: string, lines: readonly RawLogLine[]): void {
    const incident = this.#options.journal.state().incidents[name];
    if (incident === undefined || lines.length === 0 || !this.#waiting.has(name)) return;
    this.#logs.set(name, lines);
    const [oldest] = this.#logs.keys();
    if (this.#logs.size > LOGS_MAX && oldest !== undefined) this.#logs.delete(oldest);
    this.#askSoon(incident, RULES_MS);
  }

  #askSoon({ name, policy, workload }: Incident, delayMs: number): void {
    const { clock, asksAbout, onWarning } = this.#options;
    if (!asksAbout(policy.name) || this.#stopping.signal.aborted) return;
    this.#waiting.get(name)?.();
    const cancel = clock.after(delayMs, () => {
      this.#waiting.delete(name);
      this.#ask(name, workload.key).catch((error: unknown) => {
        onWarning('models were not asked about an incident', error);
      });
    });
    this.#waiting.set(name, cancel);
  }

  async #ask(name: string, key: WorkloadKey): Promise<void> {
    if (this.#asked.has(name)) return;
    this.#asked.add(name);
    try {
      await this.#placesOf(name).run(() => this.#talkAbout(key));
    } finally {
      this.#asked.delete(name);
      this.#logs.delete(name);
      this.#options.onAnswered(key);
    }
  }

  #placesOf(name: string): Limiter {
    const policy = this.#options.journal.state().incidents[name]?.policy.name ?? '';
    const known = this.#places.get(policy) ?? createLimiter(AT_ONCE);
    this.#places.set(policy, known);
    return known;
  }

  async #talkAbout(key: WorkloadKey): Promise<void> {
    const { clock, models, situationOf } = this.#options;
    const situation = situationOf(key);
    if (situation === undefined) return;
    const { policy, incident, world, view } = situation;
    if (!isDue(incident, policy, world.nowMs) || this.#stopping.signal.aborted) return;
    if (view.container !== undefined) await this.#options.untilSecretsKnown?.(view.container);
    const { rootCause, explain } = policy.spec.modelRouting;
    const about = { name: incident.name, boutAtMs: incident.boutAtMs, key };
    const talk = new ModelTalk({
      clock,
      models,
      policy,
      withinMs: WITHIN_MS,
      signal: this.#stopping.signal,
    });
    this.#append(about, (now) => askingDraft(now, rootCause.length > 0 ? rootCause : explain));
    const composeFile = await this.#options.composeFileOf?.(policy);
    const refs = new Refs();
    if (rootCause.length > 0) await this.#findCause(about, talk, { refs, composeFile });
    if (explain.length > 0) await this.#explain(about, talk, refs);
  }

  async #findCause(
    about: About,
    talk: ModelTalk,
    { refs, composeFile }: { readonly refs: Refs; readonly composeFile: string | undefined },
  ): Promise<void> {
    const looks: LookResult[] = [];
    const first = this.#matterOf(about, { refs, composeFile, looks });
    if (first === undefined) return;
    await this.#investigate(about, talk, first, looks);
    // What was looked up took its time: candidates, evidence and state are those of now.
    const matter = this.#matterOf(about, { refs, composeFile, looks });
    if (matter === undefined) return;
    const answer = await talk.ask('rootCause', rootCauseQuestion(matter));
    const { policy, view } = matter.situation;
    this.#append(about, (incident) => {
      const conclusion =
        answer.value === undefined
          ? undefined
          : conclusionOf(answer.value, {
              incident,
              refs,
              offered: matter.offered.map(({ candidate }) => candidate.id),
              redactor: view.container?.secrets?.redactor,
            });
      return concludedDraft(incident, policy, conclusion, answer.use);
    });
    this.#options.onAnswered(about.key);
  }

  /** Lets the model look things up, as far as the policy allows: each becomes evidence. */
  async #investigate(
    about: About,
    talk: ModelTalk,
    matter: Matter,
    found: LookResult[],
  ): Promise<void> {
    const steps = matter.situation.policy.spec.diagnosis.investigate?.maxSteps ?? 0;
    let left = looksFor(matter.situation, matter.refs);
    for (let step = 0; step < steps && left.length > 0; step += 1) {
      const question: Prompt = lookQuestion(matterText({ ...matter, looks: found }), left);
      const answer = await talk.ask('rootCause', question);
      const look = answer.value === undefined ? undefined : pickedLook(answer.value, left);
      if (look === undefined) return;
      left = left.filter(({ id }) => id !== look.id);
      const lines = await this.#lookUp(look);
      this.#append(about, (incident) => {
        const id = `e${nextEvidenceNumber(incident)}`;
        found.push({ evidence: id, title: look.title, lines });
        const at = new Date(this.#options.clock.wallMs()).toISOString();
        const title = matter.refs.named(look.title);
        return lookDraft(incident, lookEvidence({ id, at, tool: look.tool, title }, lines), title);
      });
    }
  }

  async #lookUp(look: Look): Promise<string[]> {
    const { id, startedAtMs, state } = look.target;
    const result = await this.#options.actions.call(
      {
        tool: look.tool,
        arguments: look.arguments,
        intentId: 'look',
        expect: [{ id, state, ...(startedAtMs === undefined ? {} : { startedAtMs }) }],
        timeoutMs: LOOK_MS,
      },
      this.#stopping.signal,
    );
    return result.outcome === 'Succeeded'
      ? lookLines(result.result, look)
      : lookLines({ failed: result.message }, look);
  }

  async #explain(about: About, talk: ModelTalk, refs: Refs): Promise<void> {
    const matter = this.#matterOf(about, { refs, composeFile: undefined, looks: [] });
    if (matter === undefined) return;
    const answer = await talk.ask('explain', explanationQuestion(matter));
    const redactor = matter.situation.view.container?.secrets?.redactor;
    const summary = answer.value === undefined ? '' : summaryOf(answer.value, { refs, redactor });
    this.#append(about, (incident) => explainedDraft(incident, summary, answer.use));
  }

  /** `undefined` when the incident has ended, or opened anew. */
  #matterOf(
    { key, name, boutAtMs }: About,
    more: {
      readonly refs: Refs;
      readonly composeFile: string | undefined;
      readonly looks: readonly LookResult[];
    },
  ): Matter | undefined {
    const situation = this.#options.situationOf(key);
    if (situation?.incident.name !== name || situation.incident.boutAtMs !== boutAtMs) {
      return undefined;
    }
    const { incident } = situation;
    const { refs, composeFile, looks } = more;
    return {
      situation,
      incident,
      refs,
      looks,
      log: this.#logs.get(name) ?? [],
      ...(composeFile === undefined ? {} : { composeFile }),
      offered: consider(situation, incident).filter(isOffered).slice(0, OFFERED_MAX),
    };
  }

  /**
   * Records something about the incident as it is now; nothing where it has opened anew, and nothing of
   * a question that a stop has cut short: it is asked anew after the start.
   */
  #append({ name, boutAtMs }: About, draftOf: (incident: Incident) => Draft): void {
    const { journal, onWarning } = this.#options;
    const incident = journal.state().incidents[name];
    if (incident?.boutAtMs !== boutAtMs || this.#stopping.signal.aborted) return;
    try {
      journal.append([draftOf(incident)], { durable: false });
    } catch (error) {
      onWarning('what models said about an incident was not recorded', error);
    }
  }
}

/** One opening of one incident. */
interface About {
  readonly key: WorkloadKey;
  readonly name: string;
  readonly boutAtMs: number;
}
