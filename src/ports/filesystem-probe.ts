import type { ObservedContainer } from '#core/workload/container.ts';

export type WritableAnswer =
  | { readonly kind: 'Writable' }
  | {
      readonly kind: 'NotWritable';
      readonly reason: 'ReadOnlyMount' | 'NoSpace' | 'NoInodes';
    }
  /** This time it cannot be told. */
  | { readonly kind: 'Unknown'; readonly reason: 'NoSuchDirectory' | 'TimedOut' | 'NotReadable' }
  /** It cannot be told from here at all. */
  | { readonly kind: 'Unsupported'; readonly reason: 'HostProcNotVisible' };

/** Looks at the file systems of running containers, from outside, and writes nothing. */
export interface FilesystemProbe {
  /**
   * Whether data can be written below a directory: its mount is not read-only, and its file system
   * has space and inodes left. Whether the container's user may write there is not looked at.
   *
   * @param path absolute, as the container sees it
   */
  writable(
    container: ObservedContainer,
    path: string,
    signal: AbortSignal,
  ): Promise<WritableAnswer>;
}
