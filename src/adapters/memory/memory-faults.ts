import {
  ContainerGoneError,
  OperationRefusedError,
  RuntimeForbiddenError,
  RuntimeUnavailableError,
} from '#core/errors.ts';
import type { Clock } from '#ports/clock.ts';

/** How one call goes wrong. The `ActThen…` kinds take effect before they do. */
export type FaultKind =
  | 'Fail'
  | 'Refuse'
  | 'Forbid'
  | 'Gone'
  | 'Hang'
  | 'ActThenFail'
  | 'ActThenHang';

export interface Fault {
  /** Method of either port, or `*` for all. */
  readonly operation: string;
  /** Id or name; any unless given. */
  readonly container?: string;
  readonly kind: FaultKind;
  /** How many calls it strikes; all from now on unless given. */
  readonly times?: number;
  readonly message?: string;
}

interface Call {
  readonly operation: string;
  readonly writes: boolean;
  /** Whether the fault's `container` means the container of this call. */
  matches(container: string): boolean;
}

/** Decides, call by call, what goes wrong on the way to the engine and back. */
export class Faults {
  readonly #clock: Clock;
  readonly #faults: { fault: Fault; left: number }[] = [];
  /** Every call waits this long first: the engine's round trip. */
  latencyMs = 0;
  #writesLeft = Number.POSITIVE_INFINITY;
  #lastWriteActs = false;
  #isCut = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  inject(fault: Fault): void {
    this.#faults.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY });
  }

  clear(): void {
    this.#faults.length = 0;
  }

  /**
   * Lets that many more writes through; the next one takes effect or not, and from there no call
   * gets an answer until `reconnect`: what a caller that dies at this point leaves behind.
   */
  cutOffAfter(writes: number, next: 'TakesEffect' | 'DoesNothing'): void {
    this.#writesLeft = writes;
    this.#lastWriteActs = next === 'TakesEffect';
  }

  get isCut(): boolean {
    return this.#isCut;
  }

  reconnect(): void {
    this.#writesLeft = Number.POSITIVE_INFINITY;
    this.#isCut = false;
  }

  async run<Value>(
    call: Call,
    act: () => Promise<Value> | Value,
    signal: AbortSignal,
  ): Promise<Value> {
    if (this.latencyMs > 0) await this.#clock.sleep(this.latencyMs, signal);
    if (signal.aborted) throw new RuntimeUnavailableError('the call was cancelled');
    if (this.#isCut) throw new RuntimeUnavailableError('the engine is away');
    if (call.writes && this.#writesLeft <= 0) return this.#lastWrite(act);
    if (call.writes) this.#writesLeft -= 1;

    const fault = this.#take(call);
    return fault === undefined ? answered(act(), signal) : this.#strike(fault, act, signal);
  }

  async #lastWrite<Value>(act: () => Promise<Value> | Value): Promise<Value> {
    this.#isCut = true;
    if (this.#lastWriteActs) await act();
    throw new RuntimeUnavailableError('the engine went away');
  }

  #take(call: Call): Fault | undefined {
    const entry = this.#faults.find(
      ({ fault, left }) =>
        left > 0 &&
        (fault.operation === '*' || fault.operation === call.operation) &&
        (fault.container === undefined || call.matches(fault.container)),
    );
    if (entry === undefined) return undefined;
    entry.left -= 1;
    return entry.fault;
  }

  async #strike<Value>(
    { kind, message }: Fault,
    act: () => Promise<Value> | Value,
    signal: AbortSignal,
  ): Promise<Value> {
    if (kind === 'Refuse') throw new OperationRefusedError(message ?? 'refused');
    if (kind === 'Forbid') throw new RuntimeForbiddenError(message ?? 'forbidden');
    if (kind === 'Gone') throw new ContainerGoneError(message ?? 'no such container');
    if (kind === 'ActThenFail' || kind === 'ActThenHang') await act();
    if (kind === 'Hang' || kind === 'ActThenHang') await aborted(signal);
    throw new RuntimeUnavailableError(message ?? 'no answer from the engine');
  }
}

/** The engine goes on with what it was told; the caller stops waiting when its signal fires. */
async function answered<Value>(work: Promise<Value> | Value, signal: AbortSignal): Promise<Value> {
  if (!(work instanceof Promise)) return work;
  const { promise: cancelled, resolve } = Promise.withResolvers<void>();
  const onAbort = () => resolve();
  const forget = () => signal.removeEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort);
  work.then(forget, forget);
  const gaveUp = cancelled.then((): never => {
    throw new RuntimeUnavailableError('the call was cancelled');
  });
  return Promise.race([work, gaveUp]);
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
