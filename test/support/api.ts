import type { FastifyInstance, InjectOptions } from 'fastify';
import { Registry } from 'prom-client';
import { createOperatorCommands } from '#http/commands.ts';
import type { HttpServerOptions } from '#http/options.ts';
import { createApp } from '#http/server.ts';
import { tokenOf } from '#http/tokens.ts';
import { createLogger } from '#telemetry/logger.ts';
import type { MemoryOperator } from './operator.ts';

export const OPERATOR_TOKEN = 'operator-token-of-the-tests';
export const VIEWER_TOKEN = 'viewer-token-of-the-tests';

/** What the API of an operator in memory is made from; a test changes what it is about. */
export function apiOptions(
  operator: MemoryOperator,
  more: Partial<HttpServerOptions> = {},
): HttpServerOptions {
  const { journal, controller, policies } = operator;
  const world = () => controller.worlds().build();
  return {
    host: '127.0.0.1',
    port: 0,
    auth: {
      tokens: [
        tokenOf('operator', 'ann', OPERATOR_TOKEN),
        tokenOf('viewer', 'board', VIEWER_TOKEN),
      ],
    },
    sources: {
      state: () => journal.state(),
      world,
      journal,
      policies: () => policies.current(),
      registry: new Registry(),
      readiness: () => ({
        synced: controller.isSynced(),
        sinceLastReconcileMs: controller.sinceLastReconcileMs(),
        dockerUp: true,
      }),
    },
    commands: createOperatorCommands({
      append: (drafts, how) => journal.append(drafts, how),
      world,
      enqueue: (key) => controller.enqueue(key),
    }),
    version: 'test',
    log: createLogger('silent'),
    ...more,
  };
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- a test names the fields it looks at
  readonly body: any;
}

/** Asks the application in process, the operator's clock going on meanwhile. */
export async function ask(
  operator: MemoryOperator,
  request: InjectOptions | string,
  app: FastifyInstance = createApp(apiOptions(operator)),
): Promise<ApiAnswer> {
  const wanted = typeof request === 'string' ? { url: request } : request;
  const headers = { host: '127.0.0.1:8000', ...wanted.headers };
  const answer = await operator.clock.run(app.inject({ ...wanted, headers }));
  const isJson = String(answer.headers['content-type']).includes('json');
  return {
    status: answer.statusCode,
    headers: answer.headers,
    text: answer.payload,
    body: isJson ? JSON.parse(answer.payload) : undefined,
  };
}

/** An order of somebody who may give one. */
export function order(url: string, payload: object, token = OPERATOR_TOKEN): InjectOptions {
  return { method: 'POST', url, payload, headers: { authorization: `Bearer ${token}` } };
}
