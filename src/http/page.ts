import { z } from 'zod';
import { HttpProblem } from './problem.ts';

const LIMIT_MAX = 500;

/** Query parameters of every list. */
export const PageQuery = {
  limit: z.coerce.number().int().min(1).max(LIMIT_MAX).default(100).describe('Most items.'),
  cursor: z
    .string()
    .max(1_000)
    .optional()
    .describe('`metadata.nextCursor` of the page before: where this one begins.'),
};

export const PageMetadata = z.object({
  total: z.int().describe('Items that match, on all pages.'),
  nextCursor: z.string().optional().describe('Absent on the last page.'),
});

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly metadata: z.infer<typeof PageMetadata>;
}

/**
 * One page of a list that is in order already. The cursor names the last item that was given, so a
 * page neither repeats nor skips what was there when the first page was read.
 *
 * @param isAfter whether an item comes after the one that a key names
 */
export function pageOf<Item>(
  items: readonly Item[],
  query: { readonly limit: number; readonly cursor?: string | undefined },
  order: {
    readonly keyOf: (item: Item) => string;
    readonly isAfter: (item: Item, key: string) => boolean;
  },
): Page<Item> {
  const { limit, cursor } = query;
  const from = cursor === undefined ? undefined : decodeCursor(cursor);
  const rest = from === undefined ? items : items.filter((item) => order.isAfter(item, from));
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  const hasMore = rest.length > page.length && last !== undefined;
  return {
    items: page,
    metadata: {
      total: items.length,
      ...(hasMore ? { nextCursor: encodeCursor(order.keyOf(last)) } : {}),
    },
  };
}

export function encodeCursor(key: string): string {
  return Buffer.from(key).toString('base64url');
}

/** @throws {HttpProblem} 400 */
export function decodeCursor(cursor: string): string {
  const key = Buffer.from(cursor, 'base64url').toString();
  if (encodeCursor(key) !== cursor) {
    throw new HttpProblem(400, 'query: cursor: is none that this server gave');
  }
  return key;
}
