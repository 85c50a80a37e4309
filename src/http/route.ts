import { z } from 'zod';
import type { Caller } from './access.ts';
import { HttpProblem } from './problem.ts';
import type { Role } from './tokens.ts';

/** One operation of the API: what it takes, what it answers, who may call it. */
export interface Route {
  readonly method: 'GET' | 'POST';
  /** As OpenAPI writes it: `/api/v1/incidents/{name}`. A last `{key}` also takes slashes. */
  readonly path: string;
  readonly id: string;
  readonly summary: string;
  readonly role: Role;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodObject;
  readonly answer: z.ZodType;
  /** @throws {HttpProblem} */
  handle(request: RawRequest): Promise<unknown>;
}

export interface RawRequest {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
  readonly caller: Caller;
}

interface Definition<
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodObject,
> extends Omit<Route, 'params' | 'query' | 'body' | 'handle'> {
  readonly params?: Params;
  readonly query?: Query;
  readonly body?: Body;
  handle(request: {
    readonly params: z.infer<Params>;
    readonly query: z.infer<Query>;
    readonly body: z.infer<Body>;
    readonly caller: Caller;
  }): unknown;
}

const Nothing = z.strictObject({});
type Nothing = typeof Nothing;

/** Makes a route whose handler gets what its schemas let through. */
export function route<
  Params extends z.ZodObject = Nothing,
  Query extends z.ZodObject = Nothing,
  Body extends z.ZodObject = Nothing,
>(definition: Definition<Params, Query, Body>): Route {
  return {
    ...definition,
    async handle({ params, query, body, caller }) {
      return definition.handle({
        params: parse(definition.params ?? Nothing, params ?? {}, 'path') as z.infer<Params>,
        query: parse(definition.query ?? Nothing, query ?? {}, 'query') as z.infer<Query>,
        body: parse(definition.body ?? Nothing, body ?? {}, 'body') as z.infer<Body>,
        caller,
      });
    },
  };
}

function parse(schema: z.ZodType, value: unknown, where: string): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue?.path.join('.') ?? '';
  const place = path === '' ? where : `${where}: ${path}`;
  throw new HttpProblem(400, `${place}: ${issue?.message ?? 'is not valid'}`);
}
