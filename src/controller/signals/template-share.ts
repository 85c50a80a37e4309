import type { LogMinerLimits } from '#core/detection/log-miner.ts';

/** Some 4 MB at the worst for one workload; most need a hundredth of it. */
const WORKLOAD_MAX: LogMinerLimits = { patternsMax: 2_048, tokensMax: 16_384 };
/** Of all workloads together: some 70 MB at the worst. */
const TOTAL_MAX: LogMinerLimits = { patternsMax: 32_768, tokensMax: 262_144 };

/** Divides what log templates may take among the workloads whose logs are judged. */
export class TemplateShare implements LogMinerLimits {
  #workloads = 0;

  get patternsMax(): number {
    return this.#shareOf('patternsMax');
  }

  get tokensMax(): number {
    return this.#shareOf('tokensMax');
  }

  /** One more workload is judged. @returns to be called once, when it no longer is */
  join(): () => void {
    this.#workloads += 1;
    return () => {
      this.#workloads -= 1;
    };
  }

  #shareOf(limit: keyof LogMinerLimits): number {
    const share = Math.floor(TOTAL_MAX[limit] / Math.max(1, this.#workloads));
    return Math.min(WORKLOAD_MAX[limit], share);
  }
}
