import { z } from 'zod';
import type { Caller } from './access.ts';
import type { CommandResult } from './options.ts';
import { HttpProblem } from './problem.ts';
import { type Route, route } from './route.ts';

const Recorded = z
  .object({ seq: z.int().describe('The journal record that holds the order.') })
  .meta({ id: 'Recorded' });

const STATUS = { NotFound: 404, Conflict: 409, Unavailable: 503 } as const;

interface OrderDefinition<Params extends z.ZodObject, Body extends z.ZodObject> {
  readonly path: string;
  readonly id: string;
  readonly summary: string;
  readonly params?: Params;
  readonly body: Body;
  order(request: {
    readonly params: z.infer<Params>;
    readonly body: z.infer<Body>;
    readonly caller: Caller;
  }): Promise<CommandResult>;
}

/** A route by which an operator orders something: answered when the order is on record. */
export function orderRoute<
  Body extends z.ZodObject,
  Params extends z.ZodObject = z.ZodObject<Record<never, never>>,
>(definition: OrderDefinition<Params, Body>): Route {
  return route<Params, z.ZodObject<Record<never, never>>, Body>({
    method: 'POST',
    path: definition.path,
    id: definition.id,
    summary: definition.summary,
    ...(definition.params === undefined ? {} : { params: definition.params }),
    body: definition.body,
    role: 'operator',
    answer: Recorded,
    async handle(request) {
      const result = await definition.order(request);
      if (!result.ok) throw new HttpProblem(STATUS[result.why], result.message);
      return { seq: result.seq };
    },
  });
}
