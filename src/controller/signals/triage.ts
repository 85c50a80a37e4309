import { ModelTalk } from '#controller/model-talk.ts';
import { triageOf, triageQuestion } from '#core/advice/triage.ts';
import type { LogAnomaly } from '#core/detection/log-anomaly.ts';
import type { Triage } from '#core/incident/incident.ts';
import type { CompiledPolicy } from '#core/policy/compile.ts';
import type { Redactor } from '#core/redaction/redactor.ts';
import type { WorkloadKey } from '#core/workload/key.ts';
import type { TriagedWindow } from '#core/workload/view.ts';
import { createLimiter } from '#lib/limiter.ts';
import type { Clock } from '#ports/clock.ts';
import type { ModelClient } from '#ports/model-client.ts';

export interface TriageDeskOptions {
  readonly clock: Clock;
  readonly models: Pick<ModelClient, 'complete'>;
  /** HMAC that nobody who writes into a log can know. */
  readonly mac: (text: string) => string;
}

/** A window of a log in which a local detector found something. */
export interface SuspiciousWindow {
  readonly key: WorkloadKey;
  readonly policy: CompiledPolicy;
  readonly redactor: Redactor | undefined;
  /** Raw. */
  readonly unusual: readonly LogAnomaly[];
  readonly durationMs: number;
  /** Controller milliseconds of its end. */
  readonly endedAtMs: number;
}

/** Of one workload: what is unusual for minutes is asked about once, and then once more. */
const REST_MS = 5 * 60_000;
const WITHIN_MS = 30_000;
const AT_ONCE = 2;
const WAITING_MAX = 16;

/** Asks a fast model about windows that the local detector finds suspicious, and about no others. */
export class TriageDesk {
  readonly #options: TriageDeskOptions;
  readonly #places = createLimiter(AT_ONCE);
  readonly #restsUntilMs = new Map<WorkloadKey, number>();
  #waiting = 0;

  constructor(options: TriageDeskOptions) {
    this.#options = options;
  }

  /**
   * @returns `undefined` where nobody is asked: the policy names no route, it was asked a moment ago,
   *   or too much waits already
   */
  async judge(window: SuspiciousWindow, signal: AbortSignal): Promise<TriagedWindow | undefined> {
    const { clock } = this.#options;
    const { key, policy } = window;
    if (policy.spec.modelRouting.triage.length === 0 || window.unusual.length === 0)
      return undefined;
    const restsUntilMs = this.#restsUntilMs.get(key) ?? -Infinity;
    if (clock.bootMs() < restsUntilMs || this.#waiting >= WAITING_MAX) return undefined;
    this.#forget();
    this.#restsUntilMs.set(key, clock.bootMs() + REST_MS);
    this.#waiting += 1;
    try {
      return await this.#places.run(() => this.#ask(window, signal));
    } finally {
      this.#waiting -= 1;
    }
  }

  async #ask(window: SuspiciousWindow, signal: AbortSignal): Promise<TriagedWindow> {
    const { clock, models, mac } = this.#options;
    const { policy, key, unusual, durationMs, redactor, endedAtMs } = window;
    const talk = new ModelTalk({ clock, models, policy, withinMs: WITHIN_MS, signal });
    const mark = mac(`fence ${key} ${clock.bootMs()}`).slice(0, 12);
    const question = triageQuestion({ unusual, windowMs: durationMs, redactor, mark });
    const { value, use } = await talk.ask('triage', question);
    const triage = value === undefined ? undefined : triageOf(value, redactor);
    const isTrouble = triage !== undefined && isSure(triage, policy);
    return { atMs: endedAtMs, use, isTrouble, ...(triage === undefined ? {} : { triage }) };
  }

  #forget(): void {
    const nowMs = this.#options.clock.bootMs();
    for (const [key, untilMs] of this.#restsUntilMs) {
      if (untilMs <= nowMs) this.#restsUntilMs.delete(key);
    }
  }
}

function isSure({ isAnomaly, type, confidence }: Triage, { spec }: CompiledPolicy): boolean {
  return isAnomaly && type !== 'none' && confidence >= spec.modelRouting.minConfidence;
}
