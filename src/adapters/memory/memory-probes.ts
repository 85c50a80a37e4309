import type { ObservedContainer } from '#core/workload/container.ts';
import type { FilesystemProbe, WritableAnswer } from '#ports/filesystem-probe.ts';
import type { HttpProbeTarget, ProbeOutcome, Prober, ProbeTarget } from '#ports/prober.ts';

/** Answers probes as it is told to; everything is well unless it is told otherwise. */
export class MemoryProber implements Prober {
  /** Every target that was asked, oldest first. */
  readonly asked: (ProbeTarget | HttpProbeTarget)[] = [];
  answer: (target: ProbeTarget | HttpProbeTarget) => ProbeOutcome = () => ({ kind: 'Success' });

  async http(target: HttpProbeTarget): Promise<ProbeOutcome> {
    return this.#ask(target);
  }

  async tcp(target: ProbeTarget): Promise<ProbeOutcome> {
    return this.#ask(target);
  }

  #ask(target: ProbeTarget): ProbeOutcome {
    this.asked.push(target);
    return this.answer(target);
  }
}

/** File systems that can be written until it is told otherwise. */
export class MemoryFilesystem implements FilesystemProbe {
  answer: (container: ObservedContainer, path: string) => WritableAnswer = () => ({
    kind: 'Writable',
  });

  async writable(container: ObservedContainer, path: string): Promise<WritableAnswer> {
    return this.answer(container, path);
  }
}
