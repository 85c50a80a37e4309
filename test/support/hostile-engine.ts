import { MemoryEngine } from '#adapters/memory/memory-engine.ts';
import type { ObservedContainer } from '#core/workload/container.ts';

/** What one container says where Docker lets it, or its image, say something. */
export interface Tongue {
  /** Its health check prints this. */
  readonly health?: string;
  /** `State.Error` of its inspect. */
  readonly error?: string;
}

/** An engine on which containers say what they like, beside their logs. */
export class HostileEngine extends MemoryEngine {
  readonly #tongues = new Map<string, Tongue>();

  /** @param name of a container, as it was created */
  says(name: string, tongue: Tongue): void {
    this.#tongues.set(name, tongue);
  }

  override async inspect(ref: string, signal: AbortSignal): Promise<ObservedContainer | undefined> {
    const it = await super.inspect(ref, signal);
    const tongue = this.#tongues.get(it?.name ?? '');
    if (it === undefined || tongue === undefined) return it;
    const { error = it.error, health: output } = tongue;
    const { health } = it;
    if (output === undefined || health?.lastRun === undefined) return { ...it, error };
    return { ...it, error, health: { ...health, lastRun: { ...health.lastRun, output } } };
  }
}
