import { z } from 'zod';
import { DURATION_PATTERN, parseDuration } from '#lib/duration.ts';
import { parseQuantity } from '#lib/quantity.ts';

export const API_VERSION = 'sre-sentinel.io/v1alpha1';

/** What has happened within it must be remembered, so no duration is without bound. */
const DURATION_MS_MAX = 31 * 86_400_000;

/** A duration in YAML is a string with units; in code it is milliseconds. */
export const Duration = z
  .string()
  .regex(DURATION_PATTERN, 'must be a duration such as 90s, 10m or 1h30m')
  .transform((text) => parseDuration(text) ?? Number.NaN)
  .refine((ms) => ms <= DURATION_MS_MAX, 'must be at most 31d');
export const PositiveDuration = Duration.refine((ms) => ms > 0, 'must be longer than zero');

/** A number in the signal's unit; for bytes, a Docker size string as well. */
export const Bound = z.union(
  [
    z.number(),
    z
      .string()
      .refine((text) => parseQuantity(text) !== undefined)
      .transform((text) => parseQuantity(text) ?? Number.NaN),
  ],
  'must be a number, or a size such as 512m or 1Gi',
);

export const Name = z
  .string()
  .max(63)
  .regex(
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
    'must be lower-case letters, digits and dashes, with a letter or digit at both ends',
  );
/** Each star multiplies the ways in which a name can be matched. */
const STARS_MAX = 8;
const Glob = z
  .string()
  .min(1)
  .max(256)
  .refine((glob) => glob.split('*').length <= STARS_MAX + 1, `has more than ${STARS_MAX} stars`);
export const Globs = z.array(Glob).min(1).max(64);
