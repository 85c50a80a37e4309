import type { MemoryEngine } from '#adapters/memory/memory-engine.ts';
import { Faults } from '#adapters/memory/memory-faults.ts';
import type { VirtualClock } from '#adapters/memory/virtual-clock.ts';
import type { RuntimeEvent } from '#core/workload/event.ts';
import { withDeadline } from '#lib/deadline.ts';
import type { ContainerBlueprint, ContainerOperations } from '#ports/container-operations.ts';
import type { ContainerRuntime } from '#ports/container-runtime.ts';
import type { Random } from './random.ts';

export type Docker = ContainerRuntime & ContainerOperations;

const WRITES: ReadonlySet<string> = new Set([
  'start',
  'stop',
  'restart',
  'kill',
  'pause',
  'unpause',
  'updateResources',
  'updateRestartPolicy',
  'exec',
  'createFrom',
  'rename',
  'remove',
  'disconnectNetworks',
  'connectNetworks',
] satisfies (keyof ContainerOperations)[]);

/** The adapter's own time-outs: a stop takes as long as its grace, and a margin. */
const LIMIT_MS = 10_000;
const LIMITS_MS: Readonly<Record<string, number>> = {
  stop: 40_000,
  restart: 40_000,
  remove: 30_000,
};

/** How the event stream differs from what happens. */
export interface EventFaults {
  /** Probability that an event is not told. */
  readonly lost: number;
  readonly doubled: number;
  /** Probability that an event is told after the one that follows it. */
  readonly swapped: number;
  /** Most milliseconds between an event and the telling. */
  readonly delayMs: number;
}

export const NO_EVENT_FAULTS: EventFaults = { lost: 0, doubled: 0, swapped: 0, delayMs: 0 };

/** Sees what passes through the door. */
export interface DoorWitness {
  /** A call that changes something is on its way. @param ref id of the container */
  write(operation: string, ref: string): void;
  /** Sentinel hears of an event. */
  told(event: RuntimeEvent): void;
}

/**
 * Sentinel's way to the engine, on which calls get lost, hang or take long, and events come late,
 * twice, in another order or not at all. People have a way of their own, on which nothing does.
 */
export class DockerDoor {
  readonly faults: Faults;
  events: EventFaults = NO_EVENT_FAULTS;
  readonly #engine: MemoryEngine;
  readonly #clock: VirtualClock;
  readonly #random: Random;

  constructor(engine: MemoryEngine, clock: VirtualClock, random: Random) {
    this.#engine = engine;
    this.#clock = clock;
    this.#random = random;
    this.faults = new Faults(clock);
  }

  /** Every call works again, at once, and every event is told. */
  mend(): void {
    this.faults.clear();
    this.faults.latencyMs = 0;
    this.events = NO_EVENT_FAULTS;
  }

  /** @param isAlive false when nobody hears any more what is told */
  open(witness: DoorWitness, isAlive: () => boolean): Docker {
    const told = (event: RuntimeEvent) => {
      if (isAlive()) witness.told(event);
    };
    const streams = { events: this.#events.bind(this, told), logs: this.#logs.bind(this) };
    return new Proxy(this.#engine as Docker, {
      get: (target, property) => {
        const name = String(property) as keyof Docker;
        if (name === 'events' || name === 'logs') return streams[name];
        const method = target[name] as (...args: unknown[]) => Promise<unknown>;
        return (...args: unknown[]) => {
          const ref = refOf(args[0]);
          const writes = WRITES.has(name);
          if (writes) witness.write(name, ref);
          return this.#call(name, ref, () => method.apply(target, args), signalOf(args));
        };
      },
    });
  }

  #call<Value>(
    operation: string,
    ref: string,
    act: () => Promise<Value>,
    signal: AbortSignal,
  ): Promise<Value> {
    const matches = (wanted: string) => wanted === ref || wanted === this.#engine.peek(ref)?.name;
    const call = { operation, writes: WRITES.has(operation), matches };
    const limitMs = LIMITS_MS[operation] ?? LIMIT_MS;
    return withDeadline(
      this.#clock,
      limitMs,
      (limited) => this.faults.run(call, act, limited),
      signal,
    );
  }

  async *#events(
    onTold: (event: RuntimeEvent) => void,
    ...[options, signal]: Parameters<ContainerRuntime['events']>
  ): AsyncGenerator<RuntimeEvent> {
    await this.#call('events', '', () => Promise.resolve(), signal);
    let heldBack: RuntimeEvent | undefined;
    for await (const event of this.#engine.events(options, signal)) {
      const { lost, doubled, swapped, delayMs } = this.events;
      if (this.#random.chance(lost)) continue;
      if (delayMs > 0) await this.#clock.sleep(this.#random.int(0, delayMs), signal);
      if (heldBack === undefined && this.#random.chance(swapped)) {
        heldBack = event;
        continue;
      }
      const told = [event, ...(this.#random.chance(doubled) ? [event] : [])];
      if (heldBack !== undefined) told.push(heldBack);
      heldBack = undefined;
      for (const one of told) {
        onTold(one);
        yield one;
      }
    }
  }

  async *#logs(...[id, query, signal]: Parameters<ContainerRuntime['logs']>) {
    await this.#call('logs', id, () => Promise.resolve(), signal);
    yield* this.#engine.logs(id, query, signal);
  }
}

/** The container that a call is about: its id, a container, or a blueprint of it. */
function refOf(first: unknown): string {
  if (typeof first === 'string') return first;
  const { id } = (first ?? {}) as Partial<ContainerBlueprint>;
  return id ?? '';
}

function signalOf(args: readonly unknown[]): AbortSignal {
  const signal = args.findLast((arg) => arg instanceof AbortSignal);
  return signal ?? NEVER_ABORTED;
}

const NEVER_ABORTED = new AbortController().signal;
