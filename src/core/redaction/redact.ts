/** One kind of secret: what it looks like, and which part of it is the secret. */
interface Rule {
  readonly name: string;
  readonly pattern: RegExp;
  /** `$<before>` and the like stay; the rest becomes the mark. */
  readonly replacement?: string;
}

const mark = (name: string) => `[REDACTED:${name}]`;

/** Bounded repetitions only, and no two that can share a character: the time is linear in the line. */
const RULES: readonly Rule[] = [
  { name: 'aws-key-id', pattern: /\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}\b/g },
  { name: 'github-token', pattern: /\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_\w{22,255})/g },
  { name: 'gitlab-token', pattern: /\bgl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|soat)-[\w-]{20,255}/g },
  { name: 'slack-token', pattern: /\bxox[abeoprs]-[A-Za-z0-9-]{10,255}/g },
  {
    name: 'slack-webhook',
    pattern: /https:\/\/hooks\.slack\.com\/(?:services|workflows)\/[\w/-]{10,255}/g,
  },
  { name: 'stripe-key', pattern: /\b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,255}/g },
  { name: 'openai-key', pattern: /\bsk-(?:proj-|ant-|or-v1-|svcacct-)?[\w-]{20,255}/g },
  { name: 'cerebras-key', pattern: /\bcsk-[a-z0-9]{20,255}/g },
  { name: 'google-key', pattern: /\bAIza[\w-]{35}/g },
  { name: 'google-oauth', pattern: /\bya29\.[\w-]{20,512}/g },
  { name: 'npm-token', pattern: /\bnpm_[A-Za-z0-9]{36}\b/g },
  { name: 'pypi-token', pattern: /\bpypi-[\w-]{50,512}/g },
  { name: 'docker-token', pattern: /\bdckr_pat_[\w-]{20,255}/g },
  { name: 'sendgrid-key', pattern: /\bSG\.[\w-]{16,64}\.[\w-]{16,64}/g },
  { name: 'vault-token', pattern: /\bhv[bsr]\.[\w-]{20,255}/g },
  { name: 'jwt', pattern: /\beyJ[\w-]{8,4096}\.eyJ[\w-]{8,8192}\.[\w-]{0,4096}/g },
  {
    name: 'url-credentials',
    pattern:
      /(?<before>\b[a-z][a-z0-9+.-]{1,30}:\/\/[^\s:/?#@"']{0,256}:)[^\s/?#@"']{1,512}(?<after>@)/gi,
    replacement: `$<before>${mark('url-credentials')}$<after>`,
  },
  {
    name: 'authorization',
    pattern: /(?<before>\b(?:bearer|basic|token)\s{1,8})[A-Za-z0-9+/_.~-]{16,4096}={0,2}/gi,
    replacement: `$<before>${mark('authorization')}`,
  },
  {
    name: 'key-value',
    // KEY=value, key: value, "key": "value"; the value to its quote, else to a blank.
    pattern: keyed('passw(?:or)?d|passphrase|secret|credentials?', String.raw`\[REDACTED`),
    replacement: `$<before>${mark('key-value')}`,
  },
  {
    name: 'key-value',
    // Tokens are also counted, and keys also numbered: a bare number or word of YAML is no secret.
    pattern: keyed(
      'token|(?:api|access|private|auth|signing|encryption)[_-]?key',
      String.raw`\[REDACTED|(?:\d{1,12}(?:\.\d{1,12})?|true|false|null|none)(?![\w.-])`,
    ),
    replacement: `$<before>${mark('key-value')}`,
  },
  {
    name: 'flag',
    pattern:
      /(?<before>(?<!\S)--?[\w-]{0,32}(?:passw(?:or)?d|passphrase|secret|token|api-?key)[\w-]{0,32}\s{1,4})(?:"[^"]{1,4096}"|'[^']{1,4096}'|[^\s"'-][^\s"']{0,4096})/gi,
    replacement: `$<before>${mark('flag')}`,
  },
  {
    name: 'query-signature',
    pattern:
      /(?<before>[?&](?:sig|signature|x-amz-signature|x-amz-security-token|code)=)[^&\s"']{8,2048}/gi,
    replacement: `$<before>${mark('query-signature')}`,
  },
];

/** @param not what the value must not begin with */
function keyed(words: string, not: string): RegExp {
  const key = String.raw`[\w.-]{0,64}(?:${words})[\w.-]{0,32}["']?\s{0,4}[=:]\s{0,4}`;
  const value = String.raw`(?:"[^"]{1,4096}"|'[^']{1,4096}'|(?!${not})[^\s"',;&)}\]]{1,4096})`;
  return new RegExp(`(?<before>${key})${value}`, 'gi');
}

const PEM_BEGIN = /-----BEGIN (?<what>[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?)-----/;
const PEM_WHOLE =
  /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[\s\S]{0,16384}?-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;
const PEM_END = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/;

/**
 * Takes out what looks like a secret: known token formats, values of keys that are named like
 * secrets, credentials in URLs, private keys. Every place says which rule took something, so that a
 * reader sees that there was one. A value that looks like any other word is not found.
 */
export function redact(text: string): string {
  return applyRules(text.replaceAll(PEM_WHOLE, mark('private-key')));
}

/** For text that comes line by line, in which a private key spans lines. */
export interface LineRedactor {
  /** @returns `undefined` for a line that is nothing but a part of a secret */
  redact(line: string): string | undefined;
}

/** The longest private key, in lines: a BEGIN without its END must not swallow a log for ever. */
const PEM_LINES_MAX = 200;

export function createLineRedactor(): LineRedactor {
  let insideLines = 0;
  return {
    redact(line) {
      if (insideLines > 0) {
        insideLines += 1;
        const end = PEM_END.exec(line);
        if (end !== null) {
          insideLines = 0;
          const rest = line.slice(end.index + end[0].length);
          return rest === '' ? undefined : redact(rest);
        }
        if (insideLines <= PEM_LINES_MAX) return undefined;
        insideLines = 0;
      }
      const whole = redact(line);
      const begin = PEM_BEGIN.exec(whole);
      if (begin === null) return whole;
      insideLines = 1;
      return whole.slice(0, begin.index) + mark('private-key');
    },
  };
}

/**
 * An excerpt of a log: it may begin in the middle of a private key, whose END then has no BEGIN.
 *
 * @returns the lines in their places; `undefined` for those that are nothing but a part of a secret
 */
export function redactExcerpt(lines: readonly string[]): (string | undefined)[] {
  const begin = lines.findIndex((line) => PEM_BEGIN.test(line));
  const end = lines.findIndex((line) => PEM_END.test(line));
  const startsInside = end >= 0 && (begin < 0 || begin > end);
  const redactor = createLineRedactor();
  return lines.map((line, index) =>
    startsInside && index <= end ? undefined : redactor.redact(line),
  );
}

/** Whether redaction would take something out of a literal: such a literal belongs into a secret. */
export function looksSecret(text: string, key: string): boolean {
  return redact(text) !== text || redact(`${key}=${text}`) !== `${key}=${text}`;
}

function applyRules(text: string): string {
  return RULES.reduce(
    (rest, { name, pattern, replacement = mark(name) }) => rest.replaceAll(pattern, replacement),
    text,
  );
}
