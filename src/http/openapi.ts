import { z } from 'zod';
import { Problem } from './problem.ts';
import { Readiness } from './readiness.ts';
import type { Route } from './route.ts';

type Json = Record<string, unknown>;

/** OpenAPI 3.1, from the schemas that the routes themselves check with. */
export function openApiDocument(routes: readonly Route[], version: string): Json {
  const schemas = new SchemaCollector();
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    paths[route.path] = {
      ...paths[route.path],
      [route.method.toLowerCase()]: operation(route, schemas),
    };
  }
  const probes = probeOperations(schemas);
  schemas.reference(Problem, 'output');
  return {
    openapi: '3.1.0',
    info: {
      title: 'SRE Sentinel',
      version,
      description:
        'Probes and /metrics need no token anywhere. Reading the rest needs none where the server ' +
        'listens on loopback; elsewhere, and for every order, a bearer token.',
    },
    security: [{ bearer: [] }],
    paths: { ...paths, ...probes },
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: schemas.found,
    },
  };
}

/** Turns schemas into JSON Schema; those with a name of their own stand among the components. */
class SchemaCollector {
  readonly found: Json = {};

  reference(schema: z.ZodType, io: 'input' | 'output'): Json {
    const {
      $schema: _dialect,
      $defs = {},
      ...rest
    } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json & { $defs?: Json };
    Object.assign(this.found, rewritten($defs));
    const { id, ...body } = rewritten(rest);
    if (typeof id !== 'string') return body;
    this.found[id] = body;
    return { $ref: `#/components/schemas/${id}` };
  }
}

function rewritten(value: Json): Json {
  const text = JSON.stringify(value).replaceAll('"#/$defs/', '"#/components/schemas/');
  return JSON.parse(text) as Json;
}

function probeOperations(schemas: SchemaCollector): Record<string, Json> {
  const content = json(schemas.reference(Readiness, 'output'));
  return {
    '/healthz': probe('health', 'Whether the process answers'),
    '/readyz': {
      get: {
        operationId: 'readiness',
        summary: 'Whether Sentinel does its work, with each check; 503 when it does not',
        security: [],
        responses: {
          200: { description: 'Ready', content },
          503: { description: 'Not ready', content },
        },
      },
    },
    '/metrics': probe('metrics', 'Metrics in the Prometheus text format'),
  };
}

function probe(operationId: string, summary: string): Json {
  const content = { 'text/plain': { schema: { type: 'string' } } };
  return {
    get: { operationId, summary, security: [], responses: { 200: { description: 'OK', content } } },
  };
}

function operation(route: Route, schemas: SchemaCollector): Json {
  const { id, summary, role, params, query, body, answer } = route;
  return {
    operationId: id,
    summary,
    description: `Role: ${role}.`,
    parameters: [
      ...parametersOf(params, 'path', schemas),
      ...parametersOf(query, 'query', schemas),
    ],
    ...(body === undefined
      ? {}
      : { requestBody: { required: true, content: json(schemas.reference(body, 'input')) } }),
    responses: {
      200: { description: 'OK', content: json(schemas.reference(answer, 'output')) },
      default: {
        description: 'What went wrong (RFC 9457)',
        content: {
          'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
        },
      },
    },
  };
}

function parametersOf(
  schema: z.ZodObject | undefined,
  where: 'path' | 'query',
  schemas: SchemaCollector,
): Json[] {
  return Object.entries(schema?.shape ?? {}).map(([name, member]) => {
    const { description, ...rest } = schemas.reference(member as z.ZodType, 'input');
    return {
      name,
      in: where,
      required: where === 'path',
      ...(description === undefined ? {} : { description }),
      schema: rest,
    };
  });
}

function json(schema: Json): Json {
  return { 'application/json': { schema } };
}
