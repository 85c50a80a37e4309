import { MemoryEngine } from '#adapters/memory/memory-engine.ts';
import { createMemoryEventSink } from '#adapters/memory/memory-event-sink.ts';
import { createMemoryEvidenceStore } from '#adapters/memory/memory-evidence-store.ts';
import { createMemoryNotifier } from '#adapters/memory/memory-notifier.ts';
import { MemoryFilesystem, MemoryProber } from '#adapters/memory/memory-probes.ts';
import { VirtualClock } from '#adapters/memory/virtual-clock.ts';
import type { Fleet } from '#controller/fleet.ts';
import type { ActionCall, ActionResult } from '#ports/action-runner.ts';
import type { Clock } from '#ports/clock.ts';
import type { ModelClient } from '#ports/model-client.ts';
import { Disk } from './disk.ts';
import { DockerDoor } from './docker-door.ts';
import { createSimulatedModels } from './models.ts';
import { type PolicyPlan, planPolicies, policyDocument } from './policy-plans.ts';
import { Random } from './random.ts';
import { SentinelRun } from './sentinel-run.ts';
import { Timeline } from './timeline.ts';
import { Truth } from './truth.ts';
import { Witness } from './witness.ts';
import { planWorkloads, type WorkloadPlan } from './workload-plans.ts';

/** Nobody cancels what people do. */
export const NEVER_ABORTED = new AbortController().signal;
/** How far the engine's clock is from Sentinel's, which may be on another machine. */
export const SKEWS_MS = [0, 0, 0, -90_000, -700, 700, 90_000] as const;
const RESTART_AFTER_MS = [0, 500, 5_000, 60_000, 600_000] as const;
const BAD_POLICY = { apiVersion: 'sre-sentinel.io/v1alpha1', kind: 'SentinelPolicy' };

/** One simulated host: an engine, its workloads, the policies, people, and Sentinel beside them. */
export class World {
  readonly random: Random;
  readonly clock: VirtualClock;
  readonly engine: MemoryEngine;
  readonly door: DockerDoor;
  readonly disk: Disk;
  readonly sink = createMemoryEventSink((batch) => this.witness.published(batch));
  readonly evidence = createMemoryEvidenceStore();
  readonly notifier = createMemoryNotifier();
  readonly prober = new MemoryProber();
  readonly filesystem = new MemoryFilesystem();
  readonly models: ModelClient;
  readonly truth = new Truth();
  readonly timeline: Timeline;
  readonly witness: Witness;
  /** Workloads by name. */
  readonly workloads: ReadonlyMap<string, WorkloadPlan>;
  /** What the oracle goes by; a folder in disorder leaves the last good ones in force. */
  plans: readonly PolicyPlan[];
  engineSkewMs: number;
  /** Probability that a tool answers `Succeeded` and has done nothing. */
  lies = 0;
  sentinel: SentinelRun | undefined;
  /** Sentinel starts on a backup next: what was ordered since then is forgotten. */
  isRestored = false;
  /** How often each kind of thing happened. */
  readonly counts = new Map<string, number>();
  #hasBadPolicy = false;
  #startsAfterMs: number | undefined;
  #journals = 0;
  #isByHand = false;

  constructor(seed: number, workloads: number) {
    this.random = new Random(seed);
    this.clock = new VirtualClock({ seed });
    this.timeline = new Timeline(() => this.clock.passedMs());
    this.engineSkewMs = this.random.pick(SKEWS_MS);
    this.engine = new MemoryEngine(this.#engineClock());
    // On chance of their own: what they say changes nothing else in the world.
    this.models = createSimulatedModels(new Random(seed + 1), this.clock, (said) => {
      this.count('a model answers');
      this.timeline.add('world', `a model says: ${said}`);
    });
    this.door = new DockerDoor(this.engine, this.clock, this.random);
    this.disk = new Disk(this.random);
    const plans = planWorkloads(this.random, workloads);
    this.workloads = new Map(plans.map((plan) => [plan.spec.name, plan]));
    const names = plans.filter(({ isOwn }) => isOwn !== true).map(({ spec }) => spec.name);
    this.plans = planPolicies(this.random, names);
    this.witness = new Witness({
      clock: this.clock,
      engine: this.engine,
      disk: this.disk,
      truth: this.truth,
      timeline: this.timeline,
      plans: () => this.plans,
      isOwn: (name) => this.workloads.get(name)?.isOwn === true,
      onDeath: () => this.#restartLater(),
      onOpened: ({ pauses }) => {
        if (!this.isRestored) return;
        this.isRestored = false;
        this.truth.pauses.clear();
        for (const { scope, name } of Object.values(pauses)) {
          this.truth.pauses.add(`${scope}:${name}`);
        }
      },
    });
    this.prober.answer = ({ addresses }) =>
      this.#answers(addresses)
        ? { kind: 'Success' }
        : { kind: 'Failure', reason: 'TimedOut', message: 'nobody answers' };
    this.filesystem.answer = ({ id }) =>
      this.truth.full.has(id) ? { kind: 'NotWritable', reason: 'NoSpace' } : { kind: 'Writable' };
    this.clock.onSettled = () => this.witness.step();
    this.engine.onEvent = (event) => {
      // Amid a call that touches the same container nobody can tell whose doing it is.
      const isAmbiguous = this.witness.isTouched(event.containerId);
      if (this.#isByHand && !isAmbiguous) this.truth.byPeople.add(event.timeNano);
      if (event.action === 'die' || event.action === 'destroy') this.truth.ended(event.containerId);
      this.witness.happened(event);
      const { action, name, exitCode, signal } = event;
      this.timeline.add('engine', [action, name, exitCode ?? '', signal ?? ''].join(' ').trimEnd());
    };
  }

  /** Starts the containers, and Sentinel beside them. */
  async begin(): Promise<void> {
    for (const { spec } of this.workloads.values()) {
      const shares = (spec.shares ?? []).map(({ kind, owner }) => ({
        kind,
        owner: this.engine.peek(owner)?.id ?? owner,
      }));
      await this.engine.add({ ...spec, shares });
    }
    await this.clock.advance(30_000);
    this.startSentinel();
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  /** What a person does, on a way of their own; its outcome is theirs. */
  byHand(what: string, act: () => Promise<unknown> | void): Promise<boolean> {
    this.timeline.add('person', what);
    this.#isByHand = true;
    try {
      const done = act() ?? Promise.resolve();
      return done.then(
        () => true,
        () => false,
      );
    } catch {
      return Promise.resolve(false);
    } finally {
      this.#isByHand = false;
    }
  }

  startSentinel(): void {
    this.#startsAfterMs = undefined;
    const good = this.plans.map(policyDocument);
    this.sentinel = new SentinelRun({
      clock: this.clock,
      disk: this.disk,
      sink: this.sink,
      evidence: this.evidence,
      notifier: this.notifier,
      prober: this.prober,
      filesystem: this.filesystem,
      models: this.models,
      witness: this.witness,
      openDocker: (isAlive) => this.door.open(this.witness, isAlive),
      policies: { lastGood: good, now: this.#documents() },
      protectedContainers: (fleet) => this.#protected(fleet),
      newJournalId: () => `journal-${(this.#journals += 1)}`,
      lie: (request) => this.#lie(request),
    });
    this.sentinel.begin();
  }

  /** Replaces the policies in the folder. */
  setPolicies(plans: readonly PolicyPlan[]): void {
    this.plans = plans;
    this.#hasBadPolicy = false;
    this.sentinel?.policies?.set(this.#documents());
  }

  /** Somebody saves a file that is no policy. */
  breakPolicies(): void {
    this.#hasBadPolicy = true;
    this.sentinel?.policies?.set(this.#documents());
  }

  /** All that was broken is mended, and people go home. */
  mend(): void {
    this.timeline.add('world', 'all faults end');
    this.door.mend();
    this.disk.empty();
    this.sink.setFault(undefined);
    this.evidence.setFault(undefined);
    this.notifier.setFault(undefined);
    this.lies = 0;
    this.truth.full.clear();
    if (this.#hasBadPolicy) this.setPolicies(this.plans);
    if (this.sentinel?.life.isOver !== false && this.#startsAfterMs === undefined) {
      this.#restartLater();
    }
  }

  #documents(): object[] {
    const documents = this.plans.map(policyDocument);
    return this.#hasBadPolicy ? [...documents, BAD_POLICY] : documents;
  }

  #engineClock(): Clock {
    const { clock } = this;
    return {
      wallMs: () => clock.wallMs() + this.engineSkewMs,
      bootMs: () => clock.bootMs(),
      get bootId() {
        return clock.bootId;
      },
      random: () => clock.random(),
      after: (delayMs, callback) => clock.after(delayMs, callback),
      sleep: (delayMs, signal) => clock.sleep(delayMs, signal),
    };
  }

  #answers(addresses: readonly string[] | 'Host'): boolean {
    return this.engine.ids().some((id) => {
      const container = this.engine.peek(id);
      const isThere = Object.values(container?.networks ?? {}).some(({ address }) =>
        addresses.includes(address),
      );
      return isThere && container?.state === 'running' && !this.truth.deaf.has(id);
    });
  }

  #restartLater(): void {
    if (this.#startsAfterMs !== undefined) return;
    this.#startsAfterMs = this.random.pick(RESTART_AFTER_MS);
    this.clock.after(this.#startsAfterMs, () => this.startSentinel());
  }

  #protected(fleet: Fleet): ReadonlyMap<string, string> {
    const own = fleet.containers().filter(({ name }) => this.workloads.get(name)?.isOwn === true);
    return new Map(own.map(({ id }) => [id, 'its Redis']));
  }

  #lie({ tool }: ActionCall): ActionResult | undefined {
    if (!this.random.chance(this.lies)) return undefined;
    this.timeline.add('world', `${tool} only says that it did`);
    return { outcome: 'Succeeded', result: {} };
  }
}
