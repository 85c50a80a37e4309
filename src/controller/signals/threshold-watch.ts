import type { JudgeInput } from '#core/health/judge-input.ts';
import { judge, type ThresholdMemory, type Verdict } from '#core/health/threshold.ts';
import type { CompiledThreshold } from '#core/policy/compile.ts';

/**
 * Notices when what was collected changes what a threshold says, so that a workload is reconciled
 * then and not for every sample. It judges as the reconcile does, with a memory of its own.
 */
export class ThresholdWatch {
  readonly #memories = new Map<string, ThresholdMemory>();
  readonly #kinds = new Map<string, Verdict['kind']>();

  /** @returns whether a verdict is of another kind than when it was last looked at */
  look(thresholds: readonly CompiledThreshold[], input: JudgeInput): boolean {
    let changed = false;
    for (const threshold of thresholds) {
      const { name } = threshold;
      const { verdict, memory } = judge(threshold, input, this.#memories.get(name));
      this.#memories.set(name, memory);
      changed ||= (this.#kinds.get(name) ?? 'Unknown') !== verdict.kind;
      this.#kinds.set(name, verdict.kind);
    }
    return changed;
  }

  /** Whether all of these were clear at the last look: fewer lines cannot change that. */
  areClear(thresholds: readonly CompiledThreshold[]): boolean {
    return thresholds.every(({ name }) => this.#kinds.get(name) === 'Clear');
  }

  /** The policy has changed: names may stand for something else. */
  reset(): void {
    this.#memories.clear();
    this.#kinds.clear();
  }
}
