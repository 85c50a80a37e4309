/**
 * A directory of append-only segments. The journal keeps the rules (chain, rotation, repair); this
 * port keeps the bytes. Names sort in the order of writing.
 *
 * All methods throw {@link JournalUnavailableError} with the system's words when the disk says no.
 */
export interface JournalStorage {
  /** Segment names, oldest first. */
  list(): Promise<readonly string[]>;
  /** The whole segment, in chunks cut anywhere. Fails when there is none of that name. */
  read(name: string): AsyncIterable<Uint8Array>;
  /**
   * Appends (or, without bytes, only syncs), creating the segment where it is missing, and (with `sync`) returns only when the bytes
   * and the segment's name outlive a power cut. A call that throws may have written a part.
   */
  append(name: string, bytes: Uint8Array, options: { readonly sync: boolean }): Promise<void>;
  /** Cuts the segment to `size` bytes, at most what it has, and makes that durable. */
  truncate(name: string, size: number): Promise<void>;
  remove(name: string): Promise<void>;
}
