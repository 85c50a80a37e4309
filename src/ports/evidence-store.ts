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
