export interface EvidenceRef {
  /** Of the bytes, hex: the name they are kept under. */
  readonly sha256: string;
  readonly size: number;
}

/**
 * Keeps what a diagnosis rests on (redacted log excerpts, inspect output), by content. It is bounded
 * and may forget: the journal holds hash and size, so what is gone is known to have been there.
 */
export interface EvidenceStore {
  /**
   * Keeps the bytes; the same bytes are kept once.
   *
   * @throws {EvidenceUnavailableError} they could not be kept
   */
  put(bytes: Uint8Array): Promise<EvidenceRef>;
  /** @returns `undefined` when it was removed since, or is no longer what its hash says */
  get(sha256: string): Promise<Uint8Array | undefined>;
}

const DIGEST = /^sha256:(?<sha256>[0-9a-f]{64})$/;

/**
 * The text that a piece of evidence stands for, redacted when it was kept.
 *
 * @param blob as the incident's evidence has it
 * @returns `undefined` when the store no longer has it
 */
export async function readEvidence(
  store: Pick<EvidenceStore, 'get'>,
  blob: { readonly digest: string },
): Promise<string | undefined> {
  const sha256 = DIGEST.exec(blob.digest)?.groups?.['sha256'];
  const bytes = sha256 === undefined ? undefined : await store.get(sha256);
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}
