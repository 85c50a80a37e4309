import {
  ALNUM,
  BASE64,
  DASH,
  DOT,
  EQUALS,
  runEnd,
  runStart,
  SLUG,
  setsAt,
  TILDE,
} from './characters.ts';
import type { Found } from './found.ts';
import { isLogin, isRandom, shapeOf } from './shape.ts';
import { isReference, isSecretValue, type ValueContext } from './value.ts';

const AUTHORITY_MAX = 1024;
const PLAIN: ValueContext = {
  quoted: false,
  separator: 'equals',
  tight: true,
  capitals: true,
  readsOn: false,
  endsStatement: false,
};

/**
 * The password of `scheme://user:password@host`, or a user that is a token.
 *
 * @param slashes where `://` begins
 */
export function urlCredentials(text: string, slashes: number): Found | undefined {
  const scheme = runStart(text, slashes, ALNUM | DASH | DOT | BASE64, 32);
  if (scheme === slashes) return undefined;
  const from = slashes + 3;
  const limit = Math.min(text.length, from + AUTHORITY_MAX);
  let end = from;
  while (end < limit && !endsAuthority(text.charAt(end))) end += 1;
  end = overSigns(text, from, end);
  const authority = text.slice(from, end);
  // A password may have an `@` in it, a host may not.
  const at = from + authority.lastIndexOf('@');
  if (at < from) return undefined;
  const colon = from + authority.indexOf(':');
  if (colon < from || colon > at) return userToken(text, from, at);
  if (colon + 1 === at || isReference(text.slice(colon + 1, at))) return undefined;
  // A user that looks like chance is half of the credentials.
  const user = shapeOf(text.slice(from, colon));
  const start = isRandom(user) || (user.hex && user.length >= 8) ? from : colon + 1;
  return { start, end: at, kind: 'url-password' };
}

const SIGNS_AND_HOST = /^[#?][^\s/"'<>`\\@]{0,64}@(?=[\w.[-])/;

/**
 * A `#` or `?` must be escaped in a password, but people forget it: what stands before it is no
 * port then, and an `@` follows.
 */
function overSigns(text: string, from: number, end: number): number {
  const authority = text.slice(from, end);
  const colon = authority.indexOf(':');
  if (colon < 0 || authority.includes('@') || /^\d*$/.test(authority.slice(colon + 1))) return end;
  return end + (SIGNS_AND_HOST.exec(text.slice(end, end + 80))?.[0].length ?? 0);
}

function endsAuthority(character: string): boolean {
  return character <= ' ' || '/?#"\'<>`\\'.includes(character);
}

function userToken(text: string, from: number, at: number): Found | undefined {
  const shape = shapeOf(text.slice(from, at));
  return shape.length >= 20 && shape.others <= 2 && isRandom(shape)
    ? { start: from, end: at, kind: 'url-token' }
    : undefined;
}

/** What stands behind `Bearer ` and `Basic `, wherever they stand. */
export function bearerToken(text: string, from: number): Found | undefined {
  const end = runEnd(text, from, SLUG | DOT | BASE64 | TILDE | EQUALS, 8_192);
  const shape = shapeOf(text.slice(from, end));
  return shape.length >= 16 && isRandom(shape) ? { start: from, end, kind: 'token' } : undefined;
}

export function basicCredentials(text: string, from: number): Found | undefined {
  const end = runEnd(text, from, ALNUM | BASE64 | EQUALS, 1_024);
  return isLogin(text.slice(from, end)) ? { start: from, end, kind: 'authorization' } : undefined;
}

/** Base64 of JSON, a part or more: JSON Web Tokens and what resembles them. */
export function jsonWebToken(text: string, from: number): Found | undefined {
  const end = runEnd(text, from, SLUG | DOT | EQUALS | BASE64, 16_384);
  const token = text.slice(from, end);
  const parts = token.split('.');
  const [head = '', body = ''] = parts;
  const isToken =
    parts.length >= 2 &&
    head.length >= 12 &&
    body.length >= 8 &&
    shapeOf(body.slice(0, 64)).distinct >= 6;
  if (!isToken || !holdsObject(head)) return undefined;
  // A sentence may end behind it.
  return { start: from, end: token.endsWith('.') && parts.length > 3 ? end - 1 : end, kind: 'jwt' };
}

/** Whether what begins with `{` in Base64 also ends like an object: all that signs one does it whole. */
function holdsObject(base64: string): boolean {
  try {
    const text = atob(base64.replaceAll('-', '+').replaceAll('_', '/'));
    return text.trimEnd().endsWith('}');
  } catch {
    return false;
  }
}

/** A private key or a token in Base64 once more, as Kubernetes and environments hold them. */
export function encodedTwice(text: string, from: number, kind: string): Found | undefined {
  const end = runEnd(text, from, ALNUM | BASE64 | EQUALS | SLUG, 32_768);
  if (end - from < 40) return undefined;
  if (kind !== 'private-key') return { start: from, end, kind };
  try {
    const head = atob(text.slice(from, from + 64));
    return head.includes('PRIVATE KEY') ? { start: from, end, kind } : undefined;
  } catch {
    return undefined;
  }
}

interface Command {
  readonly word: string;
  /** Finds the secret as group `secret` in what follows the word on its line. */
  readonly argument: RegExp;
}

/** `thin:scott/…@db`, as JDBC and SQL*Plus name a user of Oracle. */
const ORACLE_LOGIN = String.raw`[\w$#]{1,64}\/(?<plain>[^\s"'@\/]{1,64})(?=@)`;

const VALUE = String.raw`(?:"(?<quoted>[^"\n]{1,256})"|'(?<single>[^'\n]{1,256})'|(?<plain>[^\s"']{1,256}))`;
const option = (flags: string, gap: string) =>
  new RegExp(String.raw`[\s"'](?:${flags})${gap}${VALUE}`);

/** `SetBasicAuth("admin", "…")`, `auth=("admin", "…")`. */
function loginCall(word: string): Command {
  return {
    word,
    argument: /^\s{0,4}["'][^"'\n]{0,80}["']\s{0,4},\s{0,4}["'](?<plain>[^"'\n]{3,256})(?=["'])/,
  };
}

/** `mysqli("localhost", "root", "…")`: host, user, password. */
const connectCall =
  /^\s{0,4}(?:["'][^"'\n]{0,200}["']|[\w.$]{1,80})\s{0,4},\s{0,4}["'][^"'\n]{0,80}["']\s{0,4},\s{0,4}["'](?<plain>[^"'\n]{3,256})(?=["'])/;

/** The password may be in quotes of its own: `-u app:'…'`. */
const curlLogin =
  /[\s"'](?:-u|--user|--proxy-user|-U)[\s=]{0,4}(?:"(?<quoted>[^"\n]{1,256})"|'(?<single>[^'\n]{1,256})'|(?<plain>[^\s"']{1,256}(?:(?<=:)(?:'[^'\n]{1,256}'|"[^"\n]{1,256}"))?))/;

/** Programs and calls that take a password by a flag which means something else elsewhere. */
export const COMMANDS: readonly Command[] = [
  { word: 'mysql', argument: option('-p', '') },
  { word: 'mariadb', argument: option('-p', '') },
  { word: 'sshpass', argument: option('-p', String.raw`\s{0,4}`) },
  { word: 'mongo', argument: option('-p', String.raw`\s{0,4}`) },
  { word: 'curl', argument: curlLogin },
  { word: 'redis-cli', argument: option('-a|--pass', String.raw`[\s=]{1,4}`) },
  { word: 'docker login', argument: option('-p', String.raw`[\s=]{1,4}`) },
  { word: 'podman login', argument: option('-p', String.raw`[\s=]{1,4}`) },
  { word: 'etcdctl', argument: curlLogin },
  { word: 'cqlsh', argument: option('-p', String.raw`[\s=]{1,4}`) },
  { word: 'ipmitool', argument: option('-P', String.raw`\s{1,4}`) },
  { word: 'snmp', argument: option('-A|-X', String.raw`\s{1,4}`) },
  { word: 'mc alias set', argument: /^(?:\s{1,4}\S{1,200}){3}\s{1,4}(?<plain>[^\s"']{3,256})/ },
  // At a prompt, and as Redis tells what it is asked.
  { word: '> auth ', argument: /^(?:default\s{1,4})?(?<plain>[^\s"']{3,256})/ },
  { word: '"auth" ', argument: /^(?:"[^"\n]{1,64}" )?"(?<quoted>[^"\n]{1,256})"\s{0,4}$/ },
  { word: 'net user', argument: /^\s{1,4}[\w.$-]{1,64}\s{1,4}(?<plain>[^\s"'/]{3,256})/ },
  {
    word: 'set password for',
    argument: /^\s{1,4}\S{1,100}\s{0,4}=\s{0,4}'(?<single>[^'\n]{1,256})'/,
  },
  { word: 'ldapsearch', argument: option('-w', String.raw`\s{1,4}`) },
  {
    word: 'htpasswd',
    argument: /\s-\w{0,6}b\w{0,6}\s{1,4}\S{1,200}\s{1,4}\S{1,64}\s{1,4}(?<plain>[^\s"']{1,256})/,
  },
  { word: 'sqlcmd', argument: option('-P', String.raw`\s{0,4}`) },
  { word: 'sqlplus', argument: new RegExp(String.raw`\s${ORACLE_LOGIN}`) },
  { word: 'jdbc:oracle:thin:', argument: new RegExp(`^${ORACLE_LOGIN}`) },
  { word: 'jdbc:oracle:oci:', argument: new RegExp(`^${ORACLE_LOGIN}`) },
  { word: 'smbclient', argument: /\s(?:-U|--user)[\s=]{0,4}[^\s%]{1,64}%(?<plain>[^\s"']{1,256})/ },
  { word: 'lftp', argument: /\s-u\s{0,4}[^\s,]{1,64},(?<plain>[^\s"']{1,256})/ },
  { word: 'net use', argument: /\s\/user:\S{1,64}\s{1,4}(?<plain>[^\s"'/]{1,256})/i },
  { word: 'openssl', argument: option('-k|-K|-passin pass:|-passout pass:', String.raw`\s{0,4}`) },
  {
    word: 'rabbitmqctl',
    argument: option('add_user|change_password', String.raw`\s{1,4}\S{1,64}\s{1,4}`),
  },
  { word: 'securestring', argument: option('(?:-String )?', '') },
  { word: 'az login', argument: option('-p', String.raw`[\s=]{1,4}`) },
  // Things are identified by something in sentences too: a word alone is none.
  {
    word: 'identified by',
    argument:
      /^\s{1,4}(?:password\s{1,4})?(?:"(?<quoted>[^"\n]{1,256})"|'(?<single>[^'\n]{1,256})'|(?<plain>(?=[^\s"';,]{0,64}[\d!@#$%^&*])[^\s"';,]{1,256}))/i,
  },
  {
    word: 'identified with',
    argument: option(String.raw`\w{1,40} (?:by|as)`, String.raw`\s{1,4}`),
  },
  ...['.login(', 'auth(', 'auth=(', 'auth = (', 'creds = (', '.basic('].map(loginCall),
  ...['credential(', 'credentials(', 'authentication('].map(loginCall),
  ...['mysqli(', '_connect(', 'getconnection('].map((word) => ({ word, argument: connectCall })),
  ...['jwt.sign(', 'jwt.verify(', 'jwt.encode(', 'jwt.decode('].map((word) => ({
    word,
    argument: /^[^,"'\n]{1,120},\s{0,4}["'](?<plain>[^"'\n]{6,256})(?=["'])/,
  })),
  { word: 'requirepass', argument: option('', '') },
  { word: ' pass:', argument: /^(?<plain>[^\s"']{1,256})/ },
];
/** How far behind a word its argument is searched for; and one that must follow at once. */
const COMMAND_MAX = 1_000;
const CALL_MAX = 400;

/** What a command has for an argument, and how far it goes. */
export interface CommandLook {
  readonly found: Found | undefined;
  /** The beginnings of the lines that it goes on in, behind a backslash at the end of a line. */
  readonly lines: readonly number[];
}

export function commandArgument(text: string, from: number, command: Command): CommandLook {
  const { argument } = command;
  const isAnchored = argument.source.startsWith('^');
  const ahead = text.slice(from, from + (isAnchored ? CALL_MAX : COMMAND_MAX));
  const { lines, end } = logicalLine(ahead);
  const line = ahead.slice(0, end);
  const joined =
    lines.length === 0 ? line : line.replaceAll(CONTINUED, (it) => ' '.repeat(it.length));
  return {
    found: argumentIn(joined, from, argument),
    lines: lines.map((index) => from + index),
  };
}

const CONTINUED = /\\\r?\n/g;

/** Where a line ends that may go on behind backslashes, and where it goes on. */
function logicalLine(text: string): { lines: readonly number[]; end: number } {
  const lines: number[] = [];
  let end = text.indexOf('\n');
  while (end >= 0 && /\\\r?$/.test(text.slice(Math.max(0, end - 2), end))) {
    lines.push(end + 1);
    end = text.indexOf('\n', end + 1);
  }
  return { lines, end: end < 0 ? text.length : end };
}

function argumentIn(line: string, offset: number, argument: RegExp): Found | undefined {
  const match = argument.exec(line);
  if (match === null) return undefined;
  const { quoted, single, plain } = match.groups ?? {};
  const secret = quoted ?? single ?? plain ?? '';
  const end = offset + match.index + match[0].length - Number(plain === undefined);
  const password = argument === curlLogin ? passwordOfLogin(secret) : secret;
  return isSecretValue(password, 'password', PLAIN)
    ? { start: end - secret.length, end, kind: 'password' }
    : undefined;
}

/**
 * Empty for a user alone, of whom curl asks the password, and for an example. A token is given as a
 * user without a password.
 */
function passwordOfLogin(login: string): string {
  const colon = login.indexOf(':');
  if (colon < 0 || isExampleLogin(login)) return '';
  if (colon < login.length - 1) return login.slice(colon + 1).replaceAll(/^["']|["']$/g, '');
  const user = login.slice(0, colon);
  return user.length >= 8 && isRandom(shapeOf(user)) ? user : '';
}

/** `username:password`, `<user>:<pass>`, as manuals have it. */
function isExampleLogin(login: string): boolean {
  return /^<?(?:(?:my|your)[-_]?)?(?:user(?:name)?|test|name|login|xxx)?>?:<?(?:(?:my|your)[-_]?)?(?:pass(?:word)?|test|token|yyy|pw)?>?$/i.test(
    login,
  );
}

/** `123456:AA…`, `…8Q~…`, `…-us12`, `….atlasv1.…`: formats whose mark is not at their beginning. */
export const MARKS: readonly {
  readonly mark: string;
  /** Matched against the text from 64 characters before the mark. */
  readonly before: RegExp;
  readonly after: RegExp;
  readonly kind: string;
}[] = [
  {
    mark: ':AA',
    before: /(?<![A-Za-z0-9])(?:bot)?\d{8,10}$/,
    after: /^:AA[\w-]{32,34}(?![\w-])/,
    kind: 'telegram-token',
  },
  {
    mark: 'Q~',
    before: /(?<![\w~.-])[\w~.-]{3}\d$/,
    after: /^Q~[\w~.-]{31,34}(?![\w~-])/,
    kind: 'azure-secret',
  },
  {
    mark: '-us',
    before: /(?<![0-9a-f])[0-9a-f]{32}$/,
    after: /^-us\d{1,2}(?!\d)/,
    kind: 'mailchimp-key',
  },
  {
    mark: '|',
    before: /(?<![A-Za-z0-9])\d{15,16}$/,
    after: /^\|[\w-]{27,40}(?![\w-])/,
    kind: 'facebook-token',
  },
  {
    mark: '.atlasv1.',
    before: /(?<![A-Za-z0-9])[A-Za-z0-9]{14}$/,
    after: /^\.atlasv1\.[\w=-]{60,}/,
    kind: 'terraform-token',
  },
  {
    mark: ':APA91b',
    before: /(?<![A-Za-z0-9])[\w-]{8,32}$/,
    after: /^:APA91b[\w-]{100,300}/,
    kind: 'firebase-key',
  },
];

const MASK = /[xX*]{8}/;

export function markedAt(
  text: string,
  at: number,
  { before, after, kind }: (typeof MARKS)[number],
): Found | undefined {
  // Nearly all that is no token has no letter or digit there.
  if ((setsAt(text, at - 1) & SLUG) === 0) return undefined;
  const ahead = before.exec(text.slice(Math.max(0, at - 64), at));
  if (ahead === null) return undefined;
  const behind = after.exec(text.slice(at, at + 400));
  if (behind === null) return undefined;
  const start = at - ahead[0].length;
  const end = at + behind[0].length;
  const token = text.slice(start, end);
  return shapeOf(token).distinct < 8 || MASK.test(token) ? undefined : { start, end, kind };
}
