import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { findToken, openApiTokens, parseTokens } from './tokens.ts';

const ONE = 'a-token-of-many-letters';
const TWO = 'another-token-of-letters';

describe('parseTokens', () => {
  it('reads role, token and name, and skips comments and empty lines', () => {
    const tokens = parseTokens(`# who\n\noperator ${ONE} ann\n  viewer\t${TWO}\r\n`, 'tokens');

    assert.deepEqual(
      tokens.map(({ role, name }) => `${role} ${name}`),
      ['operator ann', 'viewer viewer'],
    );
    assert.equal(findToken(tokens, ONE)?.name, 'ann');
    assert.equal(findToken(tokens, TWO)?.role, 'viewer');
    assert.equal(findToken(tokens, ''), undefined);
  });

  for (const [name, text, message] of [
    ['an unknown role', `admin ${ONE}`, /^tokens:1: must be: viewer or operator/],
    ['a short token', 'viewer short', /^tokens:1: a token must have at least 20/],
    ['a token that stands twice', `viewer ${ONE}\noperator ${ONE}`, /^tokens:2: .* twice/],
    ['a name of two words', `viewer ${ONE} ann lee`, /^tokens:1: the name/],
    ['a name that could forge a record', `viewer ${ONE} ann\u0007`, /^tokens:1: the name/],
    ['no token at all', '# nothing\n', /^tokens: holds no token/],
  ] as const) {
    it(`refuses ${name}`, () => {
      assert.throws(() => parseTokens(text, 'tokens'), { name: 'ConfigError', message });
    });
  }

  it('tells no token in its messages', () => {
    assert.throws(
      () => parseTokens(`viewer ${ONE}\noperator ${ONE}`, 'tokens'),
      (error) => error instanceof Error && !error.message.includes(ONE),
    );
  });
});

describe('openApiTokens', () => {
  let directory = '';
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'tokens-'));
  });
  after(async () => rm(directory, { recursive: true, force: true }));

  it('makes one operator token, for its owner’s eyes, and keeps it', async () => {
    const first = await openApiTokens({ dataDirectory: directory });
    const path = join(directory, 'api-token');
    const token = (await readFile(path, 'utf8')).trim();

    const second = await openApiTokens({ dataDirectory: directory });

    assert.deepEqual(second, first);
    assert.equal(findToken(second, token)?.role, 'operator');
    assert.equal((await stat(path)).mode & 0o777, 0o600);
  });

  it('takes the tokens of a file instead', async () => {
    const file = join(directory, 'tokens');
    await writeFile(file, `viewer ${ONE}\n`);

    const tokens = await openApiTokens({ file, dataDirectory: directory });

    assert.deepEqual(
      tokens.map(({ role }) => role),
      ['viewer'],
    );
  });

  it('says which file cannot be read', async () => {
    await assert.rejects(openApiTokens({ file: '/nowhere', dataDirectory: directory }), {
      name: 'ConfigError',
      message: /\/nowhere cannot be read/,
    });
  });
});
