import { extract } from 'tar-stream';

export interface ArchivedFile {
  readonly name: string;
  readonly bytes: Buffer;
}

export interface TarFiles {
  readonly found: readonly ArchivedFile[];
  /** No file was left out: none was too large or one too many, and the archive did not break off. */
  readonly isWhole: boolean;
}

/**
 * The plain files of an archive that may be hostile, or cut off anywhere. Links, folders, pipes and
 * devices are passed over.
 */
export async function filesInTar(
  tar: Buffer,
  { filesMax, bytesMax }: { readonly filesMax: number; readonly bytesMax: number },
): Promise<TarFiles> {
  const found: ArchivedFile[] = [];
  let isWhole = true;
  const extraction = extract();
  try {
    extraction.end(tar);
    for await (const entry of extraction) {
      const { name, type, size } = entry.header;
      const isFile = type === 'file' || type === 'contiguous-file';
      const fits = size <= bytesMax && found.length < filesMax;
      if (isFile && fits) found.push({ name, bytes: await bytesOf(entry) });
      else entry.resume();
      if (isFile && !fits) isWhole = false;
    }
  } catch {
    return { found, isWhole: false };
  }
  return { found, isWhole };
}

async function bytesOf(entry: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of entry) {
    if (chunk instanceof Uint8Array) chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
