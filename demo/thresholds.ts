import { z } from 'zod';

/** As the API serves the list of policies: only what is told here. */
const PolicyList = z.looseObject({
  items: z.array(
    z.looseObject({
      metadata: z.looseObject({ name: z.string() }),
      spec: z.looseObject({
        thresholds: z.array(
          z.looseObject({
            name: z.string(),
            equals: z.string().optional(),
            nonZero: z.boolean().optional(),
            exitCodes: z.array(z.int()).optional(),
            above: z.union([z.number(), z.string()]).optional(),
            for: z.string().optional(),
          }),
        ),
      }),
    }),
  ),
});
type Threshold = z.infer<typeof PolicyList>['items'][number]['spec']['thresholds'][number];

/** A `for` of nothing, in any unit. */
const NO_TIME = /^0\D/;

/** `policy/threshold` → what the policy calls wrong, in words. */
export type ThresholdWords = ReadonlyMap<string, string>;

/** @param json what `GET /api/v1/policies` answers */
export function thresholdWords(json: string): ThresholdWords {
  const { items } = PolicyList.parse(JSON.parse(json));
  return new Map(
    items.flatMap(({ metadata, spec }) =>
      spec.thresholds.map((one) => [`${metadata.name}/${one.name}`, wordsOf(one)] as const),
    ),
  );
}

function wordsOf({ equals, nonZero, exitCodes, above, for: duration }: Threshold): string {
  const condition = [
    equals === undefined ? '' : `equals ${equals}`,
    nonZero === true ? 'is not 0' : '',
    exitCodes === undefined ? '' : `is ${exitCodes.join(' or ')}`,
    above === undefined ? '' : `above ${above}`,
  ].filter((part) => part !== '');
  const held = duration === undefined || NO_TIME.test(duration) ? '' : ` for ${duration}`;
  return `${condition.join(', ') || 'happens'}${held}`;
}
