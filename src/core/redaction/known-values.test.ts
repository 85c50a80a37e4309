import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isWorthHiding } from './known-values.ts';
import { createRedactor } from './redactor.ts';

const VALUE = 'tr0ub4dor & "3"/\\é+';
const values = [{ name: 'DB_PASSWORD', value: VALUE }];
const MARK = '[redacted:password#1]';

const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('a value that is known', () => {
  for (const [name, written] of [
    ['as it is', VALUE],
    ['in JSON', JSON.stringify(VALUE).slice(1, -1)],
    ['percent-encoded', encodeURIComponent(VALUE)],
    [
      'percent-encoded in small letters',
      encodeURIComponent(VALUE).replaceAll(/%../g, (code) => code.toLowerCase()),
    ],
    ['as a form sends it', encodeURIComponent(VALUE).replaceAll('%20', '+')],
    ['in JSON as PHP writes it', JSON.stringify(VALUE).slice(1, -1).replaceAll('/', '\\/')],
    [
      'in JSON as Go writes it',
      JSON.stringify(VALUE).slice(1, -1).replaceAll('&', String.raw`\u0026`),
    ],
    [
      'in JSON as Python writes it',
      JSON.stringify(VALUE).slice(1, -1).replaceAll('é', String.raw`\u00e9`),
    ],
    ['in JSON in JSON', JSON.stringify(JSON.stringify(VALUE).slice(1, -1)).slice(1, -1)],
    ['in a string of Python', VALUE.replaceAll('\\', '\\\\')],
    ['in HTML', VALUE.replaceAll('&', '&amp;').replaceAll('"', '&quot;')],
    ['percent-encoded twice', encodeURIComponent(encodeURIComponent(VALUE))],
    ['in hex', Buffer.from(VALUE).toString('hex')],
    ['in Base64', base64(VALUE).replaceAll('=', '')],
    ['in Base64 for URLs', Buffer.from(VALUE).toString('base64url')],
    ['over two lines', `${VALUE.slice(0, 7)}\n${VALUE.slice(7)}`],
    ['over two lines of Windows', `${VALUE.slice(0, 2)}\r\n${VALUE.slice(2)}`],
  ] as const) {
    it(`is found ${name}`, () => {
      const redacted = createRedactor({ values }).redact(`said <${written}> and more`);

      assert.equal(redacted, `said <${MARK}> and more`);
    });
  }

  it('is found in Base64 behind other text, whatever its alignment', () => {
    for (const user of ['a', 'ab', 'abc']) {
      const redacted = createRedactor({ values }).redact(base64(`${user}:${VALUE}`));

      // What is left are the user and a few bits of the value at its borders.
      assert.ok(redacted.replace(/\[redacted:[a-z]+#1\]/, '').length <= 12, redacted);
    }
  });

  it('is found with its own line breaks, and with those that are written as escapes', () => {
    const lines = 'first line\nand its second';
    const texts = [lines, JSON.stringify(lines), encodeURIComponent(lines), base64(lines)];

    const redacted = texts.map((text) =>
      createRedactor({ values: [{ name: 'APP_PASSWORD', value: lines }] }).redact(`<${text}>`),
    );

    for (const text of redacted) assert.match(text, /^<"?\[redacted:[a-z]+#1\]"?=*>$/);
  });

  it('is found wherever a stream is cut, byte for byte', () => {
    const text = `one\n${VALUE.slice(0, 5)}\n${VALUE.slice(5)} two\n${VALUE}\n`;
    const stream = createRedactor({ values }).stream();

    const redacted =
      Array.from(text, (character) => stream.push(character)).join('') + stream.end();

    assert.equal(redacted, `one\n${MARK} two\n${MARK}\n`);
  });

  it('does not hold back a line that holds nothing of it', () => {
    const stream = createRedactor({ values }).stream();

    assert.equal(stream.push('an ordinary line\n'), 'an ordinary line\n');
  });

  it('has its name in the placeholder, and the number that it has behind its name', () => {
    const redacted = createRedactor({ values: [{ name: 'API_TOKEN', value: 'aB3dE5fG7hJ9' }] });

    assert.equal(
      redacted.redact('sent aB3dE5fG7hJ9; token=aB3dE5fG7hJ9'),
      'sent [redacted:token#1]; token=[redacted:token#1]',
    );
  });

  it('is found among many', () => {
    const name = fc.constant('APP_PASSWORD');
    const password = fc.string({ minLength: 8, maxLength: 24 }).map((text) => `${text.trim()}#9Zx`);
    const isFound = fc.property(
      fc.array(fc.record({ name, value: password }), { minLength: 1, maxLength: 20 }),
      fc.nat(),
      (many, which) => {
        const { value = '' } = many[which % many.length] ?? {};
        fc.pre(isWorthHiding({ name: 'APP_PASSWORD', value }));
        const redacted = createRedactor({ values: many }).redact(`<< ${value} >>`);

        assert.ok(!redacted.includes(value), redacted);
      },
    );

    fc.assert(isFound, { numRuns: 100 });
  });
});

describe('a value that is common', () => {
  for (const [name, value] of [
    ['NODE_ENV', 'production'],
    ['DEBUG', 'true'],
    ['PORT', '8080'],
    ['HOME', '/home/app/data'],
    ['DB_HOST', 'database.internal'],
    ['IMAGE', 'registry.example.com/shop/web:1.4.2'],
    ['NGINX_VERSION', '1.25.4'],
    ['GPG_KEY', 'A035C8C19219BA821ECEA86B64E628F8D684696D'],
    ['SHA256', 'dfe9fd5c28dc98b5ac17979a953ea550cec37ae1b47a5116007395bfacff2ab9'],
    ['TITLE', 'The Friendly Shop'],
    ['POSTGRES_PASSWORD', 'postgres'],
    ['PASSWORD', 'abc'],
    ['DB_PASSWORD_FILE', '/run/secrets/db'],
    ['APP_SECRET', '${APP_SECRET}'],
  ] as const) {
    it(`stays: ${name}=${value}`, () => {
      const text = `started with ${value}`;

      assert.equal(createRedactor({ values: [{ name, value }] }).redact(text), text);
    });
  }

  for (const value of ['Xk29dpQ1', 's3cr3tv4lue', 'acme_9fX2kP4mQ', 'Tr0ub4dor', 'blue-42!fish']) {
    it(`is hidden under a name that promises nothing: ${value}`, () => {
      assert.equal(isWorthHiding({ name: 'CUSTOM_THING', value }), true);
    });
  }

  for (const value of [
    'production',
    'us-east-1',
    'shop-frontend-02',
    'node20lts',
    '17.0.2+8~deb12u1',
    'C.UTF-8',
    'db.internal:5432',
    'ops@example.com',
    'https://example.com/x9y8z7w6',
    '/var/lib/app1b2c3d4',
    '2026-11-24T12:00:00Z',
    'A035C8C19219BA821ECEA86B64E628F8D684696D',
    '7f9c4d5b-6a1e-4c3d-9e8f-0a1b2c3d4e5f',
    'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    '-Xms512m -Xmx512m',
    'a1,b2,c3,d4,e5',
  ]) {
    it(`is no secret under a name that promises nothing: ${value}`, () => {
      assert.equal(isWorthHiding({ name: 'CUSTOM_THING', value }), false);
    });
  }

  it('is hidden all the same when chance made it, whatever its name', () => {
    assert.equal(isWorthHiding({ name: 'LICENSE', value: 'Zk3Qp9XxT2yV8wLm' }), true);
  });
});
