import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createRedactor } from './redactor.ts';

const SECRET = 'Zk3Qp9XxT2';
const VALUES = [{ name: 'APP_TOKEN', value: 'aB3-dE5+fG7/hJ9' }];

/** What secrets are made of and hide among, whole and in parts. */
const FRAGMENTS = [
  '\n',
  '\r\n',
  ' ',
  '"',
  "'",
  '\\',
  ',',
  ';',
  'password',
  'DB_PASSWORD=',
  'token: ',
  '"api_key": "',
  '--password ',
  'name: TOKEN\n  value: ',
  'client_secret:\n',
  'password: |\n  ',
  'curl -X POST \\\n',
  'the password to go on with:\n\n',
  ' -u app:',
  '%22:%22',
  '&quot;',
  SECRET,
  'hunter2',
  'ghp_',
  'bfd34z8q2h5kxesonn8fc1a5gufagvc5ed3z',
  'https://user:',
  '@host/',
  '#1@host/',
  'auth=("app", "',
  ': string = "',
  '?key=',
  ' is ',
  ' for app: ',
  'jdbc:oracle:thin:app/',
  '-----',
  '5f4dcc3b5aa765d61d8327deb882cf99',
  'Authorization: Bearer ',
  '-----BEGIN PRIVATE KEY-----',
  '-----END PRIVATE KEY-----',
  'MIIEvQIBADANBgkqhkiG9w0BAQ\n',
  'aB3-dE5+',
  'fG7/hJ9',
  'YUIzLWRFNStmRzcvaEo5',
  'an ordinary word ',
  '[redacted:password#7]',
  'é',
  '😀',
] as const;
const text = fc
  .array(fc.oneof(fc.constantFrom(...FRAGMENTS), fc.string({ maxLength: 6 })), { maxLength: 30 })
  .map((parts) => parts.join(''));

/** The text in pieces, cut at shares of its length. */
function cut(whole: string, shares: readonly number[]): string[] {
  const places = shares.map((share) => Math.floor(share * whole.length)).sort((a, b) => a - b);
  return [...places, whole.length].map((end, index) => whole.slice(places[index - 1] ?? 0, end));
}

function streamed(pieces: readonly string[], values = VALUES): string {
  const stream = createRedactor({ values }).stream();
  return pieces.map((piece) => stream.push(piece)).join('') + stream.end();
}

const numRuns = 200;

describe('a redactor', () => {
  it('finds the same, however the text is cut', () => {
    const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 8 });
    const isSame = fc.property(text, shares, (whole, places) => {
      assert.equal(streamed(cut(whole, places)), streamed([whole]));
    });

    fc.assert(isSame, { numRuns });
  });

  it('changes nothing in what it has redacted', () => {
    const isSettled = fc.property(text, (whole) => {
      const once = createRedactor({ values: VALUES }).redact(whole);

      assert.equal(createRedactor({ values: VALUES }).redact(once), once);
    });

    fc.assert(isSettled, { numRuns });
  });

  it('leaves every character that is in no secret, be it half of one', () => {
    for (const characters of ['\uFEFFé😀', 'x\uD800', 'ordinary ', '\u2028\u0000\u00A0']) {
      const whole = characters.repeat(400);

      assert.equal(
        streamed([whole, `\npassword=${SECRET}\n`]),
        `${whole}\npassword=[redacted:password#1]\n`,
      );
    }
  });

  it('tells where each secret stands, in order and apart', () => {
    const isExact = fc.property(text, (whole) => {
      const redactor = createRedactor({ values: VALUES });
      const secrets = redactor.find(whole);
      let rebuilt = '';
      let at = 0;
      for (const { start, end, placeholder } of secrets) {
        assert.ok(start >= at && end > start);
        rebuilt += whole.slice(at, start) + placeholder;
        at = end;
      }

      assert.equal(rebuilt + whole.slice(at), createRedactor({ values: VALUES }).redact(whole));
    });

    fc.assert(isExact, { numRuns });
  });
});
