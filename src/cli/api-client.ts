import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { DEFAULTS } from '#core/defaults.ts';
import { type CliContext, CliError, type ExitCode } from './context.ts';
import { dataDirectory, READ_DATA_ELSE } from './data-option.ts';

export interface ApiOptions {
  readonly server?: string;
  readonly token?: string;
  readonly data?: string;
}

/** The options of every command that asks a running Sentinel. */
export function withApiOptions(command: Command): Command {
  return command
    .option('--server <url>', 'where Sentinel serves its API (API_HOST and API_PORT)')
    .option('--token <token>', 'bearer token (SENTINEL_TOKEN or its _FILE, else DATA/api-token)')
    .option('--data <dir>', `the data directory that holds the token (${READ_DATA_ELSE})`);
}

export interface ApiClient {
  readonly url: string;
  get(path: string, query?: Query): Promise<Json>;
  post(path: string, body: object): Promise<Json>;
  /** All items of a list, page by page. */
  list(path: string, query?: Query): Promise<readonly Json[]>;
}

export type Json = { readonly [key: string]: unknown };
export type Query = Readonly<Record<string, string | undefined>>;

const TIMEOUT_MS = 15_000;
/** More pages than any list has: what the state keeps is bounded. */
const PAGES_MAX = 200;

export async function openApi(context: CliContext, options: ApiOptions): Promise<ApiClient> {
  const url = serverUrl(context, options);
  const token = await tokenFor(context, options);
  const headers = token === undefined ? {} : { authorization: `Bearer ${token.text}` };

  async function ask(path: string, init: RequestInit): Promise<Response> {
    const signal = AbortSignal.any([context.signal, AbortSignal.timeout(TIMEOUT_MS)]);
    return fetch(new URL(path, url), { ...init, signal }).catch((error: unknown) => {
      if (context.signal.aborted) throw new CliError(0, 'interrupted');
      throw unreachable(url, error);
    });
  }

  async function send(path: string, init: RequestInit): Promise<Json> {
    const response = await ask(path, init);
    const body = (await response.json().catch(() => undefined)) as Json | undefined;
    if (!response.ok) throw refused(url, response.status, body, token !== undefined);
    if (body === undefined) throw new CliError(3, `${url} answers, but it is no Sentinel`);
    return body;
  }

  /** A token that was found, not given, may be left over; reading on this machine needs none. */
  async function get(path: string, query: Query = {}): Promise<Json> {
    const whole = withQuery(path, query);
    try {
      return await send(whole, { headers });
    } catch (error) {
      if (token?.isGiven !== false || !isUnauthorized(error)) throw error;
      return send(whole, {}).catch((again: unknown) => {
        throw isUnauthorized(again) ? error : again;
      });
    }
  }

  return {
    url,
    get,
    post: (path, body) =>
      send(path, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    async list(path, query = {}) {
      const items: Json[] = [];
      let cursor: string | undefined;
      for (let pages = 0; pages < PAGES_MAX; pages += 1) {
        const page = await get(path, { limit: '500', ...query, cursor });
        items.push(...(page['items'] as Json[]));
        cursor = (page['metadata'] as { nextCursor?: string }).nextCursor;
        if (cursor === undefined) break;
      }
      return items;
    },
  };
}

function serverUrl({ env }: CliContext, { server }: ApiOptions): string {
  const host = env['API_HOST'] || DEFAULTS.apiHost;
  const anywhere = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  const local = anywhere.includes(':') ? `[${anywhere}]` : anywhere;
  const given = server ?? `http://${local}:${env['API_PORT'] || DEFAULTS.apiPort}`;
  const url = given.includes('://') ? given : `http://${given}`;
  if (URL.canParse(url) && /^https?:/.test(url)) return url.replace(/\/+$/, '');
  throw new CliError(2, `--server ${given}: is no http or https URL`);
}

/**
 * The token in the data directory is that of the Sentinel on this machine: it is not sent to a server
 * that was named, unless the directory was named too.
 */
async function tokenFor(
  context: CliContext,
  { token, data, server }: ApiOptions,
): Promise<Token | undefined> {
  const given = token ?? (await tokenOfEnvironment(context));
  if (given !== undefined && given !== '') return { text: given, isGiven: true };
  if (data === undefined && server !== undefined) return undefined;
  // Absent, or not ours to read: reading on loopback needs none.
  const file = join(dataDirectory(context, data), 'api-token');
  const text = (await readFile(file, 'utf8').catch(() => '')).trim();
  return text === '' ? undefined : { text, isGiven: false };
}

interface Token {
  readonly text: string;
  /** Said by the user, not found in a data directory. */
  readonly isGiven: boolean;
}

async function tokenOfEnvironment({ env }: CliContext): Promise<string | undefined> {
  const [value, path] = [env['SENTINEL_TOKEN'] ?? '', env['SENTINEL_TOKEN_FILE'] ?? ''];
  if (path === '') return value;
  if (value !== '') {
    throw new CliError(2, 'SENTINEL_TOKEN and SENTINEL_TOKEN_FILE are both set; set one of them');
  }
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new CliError(2, `SENTINEL_TOKEN_FILE: ${path} cannot be read`, undefined, cause);
  });
  return text.trim();
}

function withQuery(path: string, query: Query): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  const text = new URLSearchParams(given as [string, string][]).toString();
  return text === '' ? path : `${path}?${text}`;
}

function unreachable(url: string, error: unknown): CliError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const why =
    code === 'ECONNREFUSED'
      ? 'nothing listens there'
      : error instanceof Error && error.name === 'TimeoutError'
        ? `no answer within ${TIMEOUT_MS / 1_000} s`
        : cause instanceof Error
          ? cause.message
          : String(cause);
  const remedy =
    'Is Sentinel running (sentinel run)? Name another address with --server; sentinel audit and ' +
    'explain also read a journal with --data.';
  return new CliError(3, `cannot reach Sentinel at ${url}: ${why}`, remedy, error);
}

const CODES: Readonly<Record<number, ExitCode>> = { 400: 2, 404: 1, 409: 1, 422: 2 };

class UnauthorizedError extends CliError {}

function isUnauthorized(error: unknown): boolean {
  return error instanceof UnauthorizedError;
}

function refused(url: string, status: number, body: Json | undefined, hasToken: boolean): CliError {
  const detail = typeof body?.['detail'] === 'string' ? body['detail'] : `HTTP ${status}`;
  const code = CODES[status] ?? 3;
  if (status === 401) {
    const remedy = hasToken
      ? 'The token is another Sentinel’s, or old. Give one of its own (of DATA/api-token there, or of its API_TOKENS_FILE) with --token or SENTINEL_TOKEN.'
      : 'Give one with --token or SENTINEL_TOKEN, or name the data directory with --data.';
    return new UnauthorizedError(3, `${url}: ${detail}`, remedy);
  }
  return new CliError(code, status === 404 || status === 409 ? detail : `${url}: ${detail}`);
}
