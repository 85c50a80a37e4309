import type { IncomingHttpHeaders } from 'node:http';
import { HttpProblem } from './problem.ts';
import { type ApiToken, findToken, type Role } from './tokens.ts';

export interface AccessRules {
  /** The address that the server is bound to. */
  readonly host: string;
  readonly tokens: readonly ApiToken[];
  readonly allowedHosts: readonly string[];
}

export interface Caller {
  /** As it stands in the journal. */
  readonly actor: string;
  readonly role: Role;
}

/** A reader on this machine needs no token where nobody else can reach the server. */
const LOCAL_READER: Caller = { actor: 'viewer:local', role: 'viewer' };

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/**
 * Refuses what a web page could make a browser send: a request under a foreign name (DNS rebinding)
 * where reading needs no token, and one from another origin anywhere.
 */
export function checkBrowser(headers: IncomingHttpHeaders, rules: AccessRules): void {
  const { host = '', origin } = headers;
  const isNamed = isAllowedHost(host, rules);
  if (!isNamed) {
    throw new HttpProblem(421, `this server does not answer to the name ${JSON.stringify(host)}`);
  }
  if (origin === undefined) return;
  const isSame = origin === `http://${host}` || origin === `https://${host}`;
  if (!isSame) throw new HttpProblem(403, 'requests from other origins are not answered');
}

function isAllowedHost(header: string, { host, allowedHosts }: AccessRules): boolean {
  const url = `http://${header}`;
  const name = URL.canParse(url) ? new URL(url).hostname.replace(/^\[|\]$/g, '') : '';
  if (isLoopback(name) || allowedHosts.includes(header) || allowedHosts.includes(name)) return true;
  // Reachable from elsewhere under names that are not known here; there everything needs a token,
  // which a page under a foreign name does not have.
  return !isLoopback(host) && allowedHosts.length === 0;
}

/** @throws {HttpProblem} 401 or 403 */
export function authenticate(
  headers: IncomingHttpHeaders,
  wanted: Role,
  rules: AccessRules,
): Caller {
  const { authorization } = headers;
  if (authorization === undefined) {
    if (wanted === 'viewer' && isLoopback(rules.host)) return LOCAL_READER;
    throw new HttpProblem(401, 'a bearer token is needed');
  }
  const presented = /^Bearer +(?<token>\S+)$/i.exec(authorization)?.groups?.['token'];
  const token = presented === undefined ? undefined : findToken(rules.tokens, presented);
  if (token === undefined) throw new HttpProblem(401, 'the bearer token is not known');
  if (wanted === 'operator' && token.role !== 'operator') {
    throw new HttpProblem(403, `the token of ${token.name} may only read`);
  }
  return { actor: `${token.role}:${token.name}`, role: token.role };
}
