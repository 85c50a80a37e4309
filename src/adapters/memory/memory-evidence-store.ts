import { createHash } from 'node:crypto';
import { EvidenceUnavailableError } from '#core/errors.ts';
import type { EvidenceStore } from '#ports/evidence-store.ts';

/** How a put goes wrong: the disk is full, or it gives no answer at all. */
export type EvidenceFault = 'full' | 'hang';

export interface MemoryEvidenceStore extends EvidenceStore {
  setFault(fault: EvidenceFault | undefined): void;
  /** Everything that is kept, as text, oldest first. */
  texts(): string[];
  /** Forgets one, as a bounded store may. */
  forget(sha256: string): void;
}

/** An unbounded store in memory, for tests and simulation. */
export function createMemoryEvidenceStore(): MemoryEvidenceStore {
  const kept = new Map<string, Uint8Array>();
  let fault: EvidenceFault | undefined;

  return {
    async put(bytes) {
      if (fault === 'hang') return new Promise<never>(() => undefined);
      if (fault === 'full') {
        throw new EvidenceUnavailableError('evidence cannot be kept: no space left on device');
      }
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      kept.set(sha256, Uint8Array.from(bytes));
      return { sha256, size: bytes.length };
    },
    async get(sha256) {
      return kept.get(sha256);
    },

    setFault: (next) => {
      fault = next;
    },
    texts: () => [...kept.values()].map((bytes) => Buffer.from(bytes).toString()),
    forget: (sha256) => {
      kept.delete(sha256);
    },
  };
}
