import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLineRedactor, looksSecret, redact } from './redact.ts';

const WORD = 'Zk3Qp9';

describe('redact', () => {
  for (const [name, text] of [
    ['a password in a variable', `DB_PASSWORD=${WORD} next`],
    ['a quoted value in JSON', `{"api_key": "${WORD} ${WORD}"}`],
    ['a YAML value', `client_secret: ${WORD}`],
    ['a flag', `mysql --password ${WORD} -u root`],
    ['a flag with an equals sign', `mysql --password=${WORD}`],
    ['credentials in a URL', `redis://user:${WORD}@cache:6379/0`],
    ['a password alone in a URL', `redis://:${WORD}@cache:6379/0`],
    ['a bearer token', `Authorization: Bearer ${WORD.repeat(4)}`],
    ['a JSON Web Token', `eyJhbGciOi${WORD}.eyJzdWIiOi${WORD}.${WORD}abcdef`],
    ['a signed URL', `GET /file?x=1&sig=${WORD}${WORD}&y=2`],
    ['a GitHub token', `ghp_${WORD.repeat(6)}`],
    ['an OpenAI key', `sk-proj-${WORD.repeat(6)}`],
    ['a numeric password', 'password: 48151623'],
  ] as const) {
    it(`takes out ${name}`, () => {
      const redacted = redact(text);

      assert.match(redacted, /\[REDACTED:[a-z-]+\]/);
      assert.doesNotMatch(redacted, /Zk3Qp9|48151623/);
    });
  }

  for (const text of [
    'GET /index.html 200 in 12ms',
    'tokens_used: 312',
    'secretary of state',
    'http://example.com:8080/path?page=2',
    'container 893e79250d8b73364f82d039f485af3fadd4d905e689cee925faf531f97c0c54 started',
    'user@example.com signed in',
  ]) {
    it(`leaves ${JSON.stringify(text)} as it is`, () => {
      assert.equal(redact(text), text);
    });
  }

  it('keeps what stands around a secret', () => {
    assert.equal(
      redact(`connect postgres://app:${WORD}@db/shop?sslmode=require failed`),
      'connect postgres://app:[REDACTED:url-credentials]@db/shop?sslmode=require failed',
    );
  });

  it('takes out a private key that spans lines, and goes on after it', () => {
    const redactor = createLineRedactor();
    const lines = [
      'before',
      '-----BEGIN RSA PRIVATE KEY-----',
      WORD,
      '-----END RSA PRIVATE KEY-----',
      'after',
    ];

    const redacted = lines
      .map((line) => redactor.redact(line))
      .filter((line) => line !== undefined);

    assert.deepEqual(redacted, ['before', '[REDACTED:private-key]', 'after']);
  });

  it('keeps what follows the end of a private key on its line, redacted', () => {
    const redactor = createLineRedactor();
    redactor.redact('-----BEGIN PRIVATE KEY-----');

    const rest = redactor.redact(`-----END PRIVATE KEY----- password=${WORD} and more`);

    assert.equal(rest, ' password=[REDACTED:key-value] and more');
  });

  it('does not swallow a log after the beginning of a key that never ends', () => {
    const redactor = createLineRedactor();
    redactor.redact('-----BEGIN PRIVATE KEY-----');

    const lines = Array.from({ length: 300 }, () => redactor.redact('a line'));

    assert.ok(lines.filter((line) => line === 'a line').length > 50);
  });

  it('knows a literal that belongs into a secret by its key or by its form', () => {
    assert.equal(looksSecret(WORD, 'DB_PASSWORD'), true);
    assert.equal(looksSecret(`ghp_${WORD.repeat(6)}`, 'command'), true);
    assert.equal(looksSecret('512m', 'memory'), false);
  });
});
