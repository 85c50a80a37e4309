import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';

/** What an image supplies to its containers; the rest of its configuration is not read. */
export const ImageConfig = z.looseObject({
  Env: z.array(z.string()).nullish(),
  Cmd: z.array(z.string()).nullish(),
  Entrypoint: z.array(z.string()).nullish(),
  Labels: z.record(z.string(), z.string()).nullish(),
  ExposedPorts: z.record(z.string(), z.unknown()).nullish(),
  Volumes: z.record(z.string(), z.unknown()).nullish(),
});
export type ImageConfig = z.infer<typeof ImageConfig>;

type Config = Readonly<Record<string, unknown>>;

/** Taken from the image when the container's own value is the very same. */
const WHOLE_FIELDS = ['User', 'WorkingDir', 'StopSignal', 'Shell', 'OnBuild', 'Healthcheck'];
/** Merged with the image's entry by entry. */
const MERGED_FIELDS = ['Labels', 'ExposedPorts', 'Volumes'];

/**
 * What the container says by itself. Docker's inspect no longer tells it from what the image says,
 * so what equals the image's is taken for the image's; with the same image it makes no difference,
 * and everything stays.
 */
export function overridesOf(config: Config, image: ImageConfig, changesImage: boolean): Config {
  const own = { ...config };
  if (!changesImage) {
    // Absent would mean the image's: emptied by the user, it has to be emptied again.
    if (!own['Entrypoint'] && image.Entrypoint?.length) own['Entrypoint'] = [];
    return own;
  }

  for (const field of WHOLE_FIELDS) {
    if (isDeepStrictEqual(own[field], image[field])) delete own[field];
  }
  for (const field of MERGED_FIELDS) own[field] = withoutEqual(own[field], image[field]);
  own['Env'] = ((own['Env'] ?? []) as string[]).filter((entry) => !image.Env?.includes(entry));
  dropCommand(own, image);
  return own;
}

/** A command belongs to its entrypoint: with an entrypoint of one's own, the image's is not used. */
function dropCommand(own: Record<string, unknown>, image: ImageConfig): void {
  if (!isDeepStrictEqual(own['Entrypoint'] ?? null, image.Entrypoint ?? null)) {
    own['Entrypoint'] ??= [];
    return;
  }
  delete own['Entrypoint'];
  if (isDeepStrictEqual(own['Cmd'] ?? null, image.Cmd ?? null)) delete own['Cmd'];
}

function withoutEqual(own: unknown, image: unknown): unknown {
  if (!isRecord(own) || !isRecord(image)) return own;
  const entries = Object.entries(own);
  return Object.fromEntries(
    entries.filter(([key, value]) => !(key in image && isDeepStrictEqual(value, image[key]))),
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
