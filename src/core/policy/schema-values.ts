import { z } from 'zod';
import { DURATION_PATTERN, parseDuration } from '#lib/duration.ts';
import { parseQuantity } from '#lib/quantity.ts';
import { compileGlob } from './glob.ts';

export const API_VERSION = 'sre-sentinel.io/v1alpha1';

/** What has happened within it must be remembered, so no duration is without bound. */
export const DURATION_MS_MAX = 31 * 86_400_000;

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
  { error: ({ input }) => percentage(input) ?? 'must be a number, or a size such as 512m or 1Gi' },
);

function percentage(input: unknown): string | undefined {
  const number = /^\s*(?<number>\d+(?:\.\d+)?)\s*%\s*$/.exec(String(input))?.groups?.['number'];
  if (number === undefined) return undefined;
  const ratio = Number((Number(number) / 100).toPrecision(12));
  return `must be a number: for ${number}% of a limit write ${ratio}`;
}

export const Name = z
  .string()
  .max(63)
  .regex(
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
    'must be lower-case letters, digits and dashes, with a letter or digit at both ends',
  )
  // The one such word that every object of the language has already.
  .refine((name) => name !== 'constructor', 'must not be constructor');
const Glob = z
  .string()
  .min(1)
  .max(256)
  .superRefine((glob, ctx) => {
    const result = compileGlob(glob, false);
    if (!result.ok) ctx.addIssue({ code: 'custom', message: result.message });
  });
export const Globs = z.array(Glob).min(1).max(64);
