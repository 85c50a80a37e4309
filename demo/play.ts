import type { IncidentObject } from '#core/projection/schema.ts';
import type { Change, Feed } from './feed.ts';
import { type Expectation, isOver, judge, type Seen } from './judge.ts';
import type { Narrator } from './narrator.ts';
import type { Scenario, Snapshot } from './scenarios.ts';
import { SERVICES } from './services.ts';
import type { Stack } from './stack.ts';
import { tell } from './story.ts';
import type { ThresholdWords } from './thresholds.ts';

const LOOK_EVERY_MS = 50;

export interface Stage {
  readonly stack: Stack;
  readonly feed: Feed;
  readonly narrator: Narrator;
  readonly thresholds: ThresholdWords;
  /** Ends the play: Ctrl-C, or the operator or Redis is gone. */
  readonly signal: AbortSignal;
}

/** How a scenario went. */
export interface Outcome {
  readonly scenario: Scenario;
  readonly seen: readonly { readonly expectation: Expectation; readonly seen: Seen }[];
  /** How the stack was before. */
  readonly before: Snapshot;
  /** Each as what was expected and what was seen; empty when all went as it should. */
  readonly problems: readonly string[];
}

/** Breaks the stack in one way, tells what happens as it happens, and judges it. */
export async function play(scenario: Scenario, stage: Stage): Promise<Outcome> {
  const { stack, feed, narrator, signal } = stage;
  narrator.note(`Broken: ${scenario.broken}.`);
  const before = await snapshot(stack);
  const watch = new Watch(scenario, stage);
  const stopListening = feed.listen((change) => watch.hear(change));
  try {
    await scenario.sabotage(stack);
    while (!watch.isOver()) {
      signal.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  } finally {
    stopListening();
  }

  const problems = watch.problems();
  try {
    narrator.passed(`Docker says: ${await scenario.proof(stack, before)}`);
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error));
  }
  for (const problem of problems) narrator.problem(problem);
  return { scenario, seen: watch.seen(), before, problems };
}

async function snapshot(stack: Stack): Promise<Snapshot> {
  const entries = await Promise.all(
    SERVICES.map(async ({ name }) => {
      const { Id, State } = await stack.inspect(name);
      return [name, { id: Id, startedAt: State.StartedAt }] as const;
    }),
  );
  return new Map(entries);
}

/** What is heard of a scenario's services while it lasts. */
class Watch {
  readonly #scenario: Scenario;
  readonly #stage: Stage;
  readonly #brokenAtMs = Date.now();
  readonly #incidents = new Map<string, IncidentObject>();
  readonly #refusals = new Map<string, Set<string>>();
  readonly #surprises: string[] = [];

  constructor(scenario: Scenario, stage: Stage) {
    this.#scenario = scenario;
    this.#stage = stage;
  }

  hear({ type, incident, atMs }: Change): void {
    const { service = '' } = incident.spec.workload;
    const isExpected = this.#scenario.expected.some((one) => one.service === service);
    if (isExpected) this.#note(service, incident);
    else if (type === 'incident.opened' || type === 'incident.reopened') {
      this.#surprises.push(`${service}: expected no incident, saw ${incident.metadata.name}`);
    }
    for (const line of tell(type, incident, this.#stage.thresholds)) {
      this.#stage.narrator.line(line, service, Math.max(0, atMs - this.#brokenAtMs));
    }
  }

  isOver(): boolean {
    return this.seen().every(({ expectation, seen }) => isOver(expectation, seen));
  }

  problems(): string[] {
    const judged = this.seen().flatMap(({ expectation, seen }) => judge(expectation, seen));
    return [...judged, ...this.#surprises];
  }

  seen(): Outcome['seen'] {
    return this.#scenario.expected.map((expectation) => ({
      expectation,
      seen: {
        incident: this.#incidents.get(expectation.service),
        refusals: this.#refusals.get(expectation.service) ?? new Set(),
        brokenAtMs: this.#brokenAtMs,
        nowMs: Date.now(),
      },
    }));
  }

  #note(service: string, incident: IncidentObject): void {
    this.#incidents.set(service, incident);
    const reasons = this.#refusals.get(service) ?? new Set();
    for (const { blockedBy } of incident.status.candidates) {
      for (const { reason } of blockedBy) reasons.add(reason);
    }
    this.#refusals.set(service, reasons);
  }
}
