import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { ConfigError } from '#core/errors.ts';
import { type AccessRules, authenticate, checkBrowser } from './access.ts';
import { approvalRoutes } from './approval-routes.ts';
import { auditRoutes } from './audit-routes.ts';
import { ConditionMemory, viewOf } from './condition-memory.ts';
import { incidentRoutes } from './incident-routes.ts';
import { openApiDocument } from './openapi.ts';
import type { HttpServerOptions } from './options.ts';
import { pauseRoutes } from './pause-routes.ts';
import { policyRoutes } from './policy-routes.ts';
import { HttpProblem, problemOf } from './problem.ts';
import { readinessOf } from './readiness.ts';
import { remediationRoutes } from './remediation-routes.ts';
import type { Route } from './route.ts';
import { workloadRoutes } from './workload-routes.ts';

export interface HttpServer extends AsyncDisposable {
  /** `http://127.0.0.1:8000`, with the port that was taken. */
  readonly url: string;
}

const BODY_BYTES_MAX = 64 * 1024;
/** How often conditions of policies are looked at, so that they say when they changed. */
const CONDITIONS_EVERY_MS = 5_000;

/**
 * Serves probes, metrics and the API until it is disposed of.
 *
 * @throws {ConfigError} the address cannot be listened on
 */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const memory = new ConditionMemory();
  const app = createApp(options, memory);
  try {
    await app.listen({ host: options.host, port: options.port });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const remedy = 'choose another API_HOST or API_PORT';
    throw new ConfigError(
      `cannot listen on ${options.host}:${options.port}: ${reason}; ${remedy}`,
      {
        cause,
      },
    );
  }
  const timer = setInterval(() => refresh(options, memory), CONDITIONS_EVERY_MS);
  timer.unref();
  const address = app.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  const url = `http://${reachableHost(options.host)}:${port}`;
  options.log.info({ url }, 'serving the API');
  return {
    url,
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await app.close();
    },
  };
}

/** Where this machine itself reaches a server bound to an address. */
function reachableHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

function refresh({ sources, log }: HttpServerOptions, memory: ConditionMemory): void {
  try {
    memory.refresh(sources.policies().policies, viewOf(sources));
  } catch (error) {
    log.warn({ err: error }, 'the conditions of policies could not be looked at');
  }
}

/** The application without a socket: what tests ask in process. */
export function createApp(
  options: HttpServerOptions,
  memory = new ConditionMemory(),
): FastifyInstance {
  const { sources, commands, version, auth, host, log } = options;
  const rules: AccessRules = { host, tokens: auth.tokens, allowedHosts: auth.allowedHosts ?? [] };
  const routes: readonly Route[] = [
    ...workloadRoutes(sources),
    ...incidentRoutes(sources),
    ...approvalRoutes(commands),
    ...policyRoutes(sources, memory),
    ...remediationRoutes(sources),
    ...auditRoutes(sources),
    ...pauseRoutes(commands),
  ];
  const app = fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: 30_000,
    connectionTimeout: 60_000,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 1_000 },
    // An address with a broken escape gets no further than the router.
    frameworkErrors(error, _request, reply) {
      const { status, detail } = describeError(error);
      sendProblem(reply as FastifyReply, status, detail);
    },
  });

  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-content-type-options', 'nosniff');
    reply.header('cache-control', 'no-store');
    checkBrowser(request.headers, rules);
  });
  app.setErrorHandler((error, _request, reply) => {
    const { status, detail } = describeError(error);
    if (status >= 500) log.error({ err: error }, 'a request failed');
    sendProblem(reply, status, detail);
  });
  app.setNotFoundHandler((request, reply) => {
    sendProblem(reply, 404, `there is nothing at ${request.method} ${pathOf(request)}`);
  });
  addProbes(app, options);
  app.get('/openapi.json', () => openApiDocument(routes, version));
  for (const route of routes) addRoute(app, route, rules);
  return app;
}

function addProbes(app: FastifyInstance, { sources }: HttpServerOptions): void {
  const { registry } = sources;
  app.get('/healthz', (_request, reply) => reply.type('text/plain').send('ok\n'));
  app.get('/readyz', (_request, reply) => {
    const readiness = readinessOf(sources);
    return reply.status(readiness.ready ? 200 : 503).send(readiness);
  });
  app.get('/metrics', async (_request, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  );
  app.get('/', (_request, reply) =>
    reply
      .type('text/plain')
      .send(
        'SRE Sentinel. The API is described at /openapi.json; try /readyz and /api/v1/incidents.\n',
      ),
  );
}

function addRoute(app: FastifyInstance, route: Route, rules: AccessRules): void {
  const wildcard = route.params !== undefined && route.path.endsWith('/{key}');
  const url = wildcard
    ? route.path.replace('{key}', '*')
    : route.path.replaceAll(/\{(\w+)\}/g, ':$1');
  app.route({
    method: route.method,
    url,
    handler: async (request) => {
      const caller = authenticate(request.headers, route.role, rules);
      const params = wildcard ? { key: keyOf(request) } : request.params;
      return route.handle({ params, query: request.query, body: request.body, caller });
    },
  });
}

/** A key holds slashes, and percent signs of its own: encoded once more, or as it is. */
function keyOf(request: FastifyRequest): string {
  return (request.params as { '*': string })['*'];
}

function pathOf({ url }: FastifyRequest): string {
  return url.split('?', 1)[0] ?? '';
}

function sendProblem(reply: FastifyReply, status: number, detail: string): void {
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="sre-sentinel"');
  reply.status(status).type('application/problem+json').send(problemOf(status, detail));
}

function describeError(error: unknown): { readonly status: number; readonly detail: string } {
  if (error instanceof HttpProblem) return { status: error.status, detail: error.message };
  // The framework's own refusals: a body that is no JSON, or too large.
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (status >= 400 && status < 500 && error instanceof Error) {
    return { status, detail: error.message };
  }
  return { status: 500, detail: 'the request could not be answered; the log says why' };
}
