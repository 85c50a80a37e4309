import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError } from '#core/errors.ts';

export type Role = 'viewer' | 'operator';

export interface ApiToken {
  readonly role: Role;
  /** Who it was given to; stands as `operator:NAME` in the journal. */
  readonly name: string;
  /** SHA-256 of the token: the token itself is not kept. */
  readonly digest: Buffer;
}

const TOKEN_LENGTH_MIN = 20;

/**
 * The tokens that the API accepts: those of a file, else one operator token, made once and kept in
 * the data directory (0600), where the command line finds it.
 *
 * @throws {ConfigError} the file cannot be read, or a line of it is wrong
 */
export async function openApiTokens(options: {
  readonly file?: string;
  readonly dataDirectory: string;
}): Promise<ApiToken[]> {
  if (options.file !== undefined) return parseTokens(await readTokens(options.file), options.file);
  const token = await readOrCreateToken(join(options.dataDirectory, API_TOKEN_FILE));
  return [tokenOf('operator', 'local', token)];
}

/** In the data directory. */
export const API_TOKEN_FILE = 'api-token';

/**
 * One token a line: `ROLE TOKEN [NAME]`, blanks between; empty lines and lines that begin with `#`
 * are skipped.
 */
export function parseTokens(text: string, file: string): ApiToken[] {
  const tokens: ApiToken[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const words = line.trim().split(/\s+/);
    if (words[0] === '' || words[0]?.startsWith('#') === true) continue;
    const token = parseToken(words);
    if (typeof token === 'string') throw new ConfigError(`${file}:${index + 1}: ${token}`);
    if (tokens.some(({ digest }) => digest.equals(token.digest))) {
      throw new ConfigError(`${file}:${index + 1}: the token stands here twice`);
    }
    tokens.push(token);
  }
  if (tokens.length === 0) throw new ConfigError(`${file}: holds no token`);
  return tokens;
}

/** @returns what is wrong with the line, in words */
function parseToken([role = '', token = '', name = role, ...rest]: readonly string[]):
  | ApiToken
  | string {
  if (role !== 'viewer' && role !== 'operator') {
    return 'must be: viewer or operator, the token, and perhaps a name for it';
  }
  if (token.length < TOKEN_LENGTH_MIN) {
    return `a token must have at least ${TOKEN_LENGTH_MIN} characters`;
  }
  if (rest.length > 0 || !/^[\w.@-]{1,64}$/.test(name)) {
    return 'the name after the token must be one word of letters, digits and . _ @ -';
  }
  return tokenOf(role, name, token);
}

/** Compares with every token in constant time: neither the length nor the place of one is told. */
export function findToken(tokens: readonly ApiToken[], presented: string): ApiToken | undefined {
  const digest = digestOf(presented);
  return tokens.reduce<ApiToken | undefined>(
    (found, token) => (timingSafeEqual(token.digest, digest) ? token : found),
    undefined,
  );
}

export function tokenOf(role: Role, name: string, token: string): ApiToken {
  return { role, name, digest: digestOf(token) };
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

async function readTokens(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new ConfigError(`the API tokens in ${file} cannot be read`, { cause });
  }
}

async function readOrCreateToken(path: string): Promise<string> {
  try {
    await using file = await open(path, 'wx', 0o600);
    const token = randomBytes(24).toString('base64url');
    await file.writeFile(`${token}\n`);
    return token;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) {
      throw new ConfigError(`the API token ${path} cannot be written`, { cause: error });
    }
  }
  const token = (await readTokens(path)).trim();
  if (token.length >= TOKEN_LENGTH_MIN) return token;
  throw new ConfigError(`${path} holds no usable token: remove it, and a new one is made`);
}
