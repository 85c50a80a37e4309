import { z } from 'zod';
import { Problem } from './problem.ts';
import { Readiness } from './readiness.ts';
import type { Route } from './route.ts';

type Json = Record<string, unknown>;

/** OpenAPI 3.1, from the schemas that the routes themselves check with. */
export function openApiDocument(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'SRE Sentinel',
      version,
      description:
        'Reading needs no token on loopback; elsewhere, and for every order, a bearer token.',
    },
    security: [{ bearer: [] }],
    paths: { ...paths, ...PROBES },
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: { Problem: schemaOf(Problem, 'output') },
    },
  };
}

const PROBES: Record<string, Json> = {
  '/healthz': probe('health', 'Whether the process answers', { 'text/plain': {} }),
  '/readyz': {
    get: {
      operationId: 'readiness',
      summary: 'Whether Sentinel does its work, with each check; 503 when it does not',
      security: [],
      responses: {
        200: { description: 'Ready', content: json(schemaOf(Readiness, 'output')) },
        503: { description: 'Not ready', content: json(schemaOf(Readiness, 'output')) },
      },
    },
  },
  '/metrics': probe('metrics', 'Metrics in the Prometheus text format', { 'text/plain': {} }),
};

function probe(operationId: string, summary: string, content: Json): Json {
  return {
    get: { operationId, summary, security: [], responses: { 200: { description: 'OK', content } } },
  };
}

function operation({ id, summary, role, params, query, body, answer }: Route): Json {
  return {
    operationId: id,
    summary,
    description: `Role: ${role}.`,
    parameters: [...parametersOf(params, 'path'), ...parametersOf(query, 'query')],
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: json(schemaOf(body, 'input')) } }),
    responses: {
      200: { description: 'OK', content: json(schemaOf(answer, 'output')) },
      default: {
        description: 'What went wrong (RFC 9457)',
        content: {
          'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
        },
      },
    },
  };
}

function parametersOf(schema: z.ZodObject | undefined, where: 'path' | 'query'): Json[] {
  return Object.entries(schema?.shape ?? {}).map(([name, member]) => {
    const { description, ...rest } = schemaOf(member as z.ZodType, 'input');
    const isRequired = where === 'path' || !(member as z.ZodType).safeParse(undefined).success;
    return {
      name,
      in: where,
      required: isRequired,
      ...(description === undefined ? {} : { description }),
      schema: rest,
    };
  });
}

function json(schema: Json): Json {
  return { 'application/json': { schema } };
}

/** Inlined: a reader of one operation sees all of it, and no reference can dangle. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, {
    io,
    reused: 'inline',
    unrepresentable: 'any',
  }) as Json;
  return rest;
}
