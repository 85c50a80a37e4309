import type { Strength } from './names.ts';
import { secretName } from './names.ts';
import { isLogin, isRandom, isUuid, type Shape, shapeOf } from './shape.ts';

/** How a value stands after its name. */
export interface ValueContext {
  readonly quoted: boolean;
  /** Between name and value: `:` and `=` with no blank is how environments and queries are written. */
  readonly separator: 'equals' | 'colon' | 'space' | 'call' | 'element';
  /** No blank before the value. */
  readonly tight: boolean;
  /** The name is in capitals. */
  readonly capitals: boolean;
  /** What follows on the line reads on: a blank and a letter. */
  readonly readsOn: boolean;
  /** A statement ends after the value: `;`, `)` or `,`. */
  readonly endsStatement: boolean;
}

const JUDGED_MAX = 512;

/** Whether what stands behind a name of some strength is a secret, and not a reference to one. */
export function isSecretValue(value: string, strength: Strength, context: ValueContext): boolean {
  const text = withoutEscapes(value.length > JUDGED_MAX ? value.slice(0, JUDGED_MAX) : value);
  if (text.length < SHORTEST[strength]) return false;
  const shape = shapeOf(text);
  if (isNoValue(text, shape, context)) return false;
  if (isLocation(text, shape) || hasAlphabet(text, shape)) return false;
  if (isChosen(strength) ? isLine(text, shape) : isUnchosen(text, shape)) return false;
  return JUDGES[strength](text, shape, context);
}

/** `----`: no more than drawn. */
function isLine(text: string, { distinct, others }: Shape): boolean {
  return distinct <= 2 && text.length >= 4 && others === text.length;
}

/** What may be a password, but comes from no generator. */
function isUnchosen(text: string, { distinct, digits, others, length, entropy }: Shape): boolean {
  if (distinct <= 2 && text.length >= 4) return true;
  if (entropy < 3 && length > 8 && REPEATED.test(text)) return true;
  if (digits > 0) return others > 0 && ID.test(text);
  return length <= CHANGE_ME_MAX && CHANGE_ME.test(text);
}

/** Base64 in a URL has its signs escaped. */
function withoutEscapes(text: string): string {
  return text.includes('%') ? text.replaceAll(/%(?:2b|2f|3d)/gi, '/') : text;
}

/** Whether people choose what has such a name, so that it may be a word, or a bad one. */
function isChosen(strength: Strength): boolean {
  return strength === 'password' || strength === 'phrase';
}

/** `order_1001`, `shop:user-42`: words and a number, which only a password would be. */
const ID = /^[A-Za-z]{2,}(?:[-_.:/][A-Za-z]{2,})*[-_.:#/]\d{1,6}$/;
/** `00000000TUVWXYZ`: filled up. */
const REPEATED = /(.)\1{7}/;
const CHANGE_ME_MAX = 12;
const CHANGE_ME = /^change[-_]?(?:me|this|it)$/i;

function isNoValue(text: string, shape: Shape, context: ValueContext): boolean {
  if (isPlaceholder(text, shape)) return true;
  if (text.length <= WORD_MAX) {
    const word = text.toLowerCase();
    if (NOTHING.has(word) || (!isVariable(context) && OF_SENTENCE.has(word))) return true;
  }
  return !context.quoted && isCode(text, shape, context);
}

/** The longest of the words that are no value. */
const WORD_MAX = 16;

const SHORTEST: Readonly<Record<Strength, number>> = {
  password: 3,
  phrase: 6,
  secret: 6,
  token: 6,
  owned: 14,
  key: 14,
  vendor: 14,
  cookie: 8,
  authorization: 6,
};

type Judge = (text: string, shape: Shape, context: ValueContext) => boolean;

const JUDGES: Readonly<Record<Strength, Judge>> = {
  password: (text, shape, context) => {
    if (isProse(text, context)) return false;
    if (shape.digits === shape.length) return shape.length >= 4;
    if (shape.others === shape.length) return shape.length >= 6 && shape.distinct >= 4;
    if (isVariable(context)) return !isFieldName(text, shape) || text === text.toLowerCase();
    if (isFieldName(text, shape)) return false;
    if (isPlainWord(shape) && context.separator === 'colon' && !context.quoted) {
      return !context.readsOn;
    }
    return true;
  },
  phrase: (text, shape, context) => {
    if (isProse(text, context)) return false;
    if (shape.digits === shape.length) return shape.length >= 6;
    if (isRandom(shape) || hasManySymbols(shape)) return true;
    if (isFieldName(text, shape) || LOCATED.test(text)) return false;
    return isAssigned(context) || (isOneWord(text, shape) && !context.readsOn);
  },
  secret: (text, shape, context) => {
    if (isProse(text, context)) return false;
    if (shape.digits === shape.length) return shape.length >= 12;
    if (isRandom(shape) || hasManySymbols(shape)) return true;
    if (isFieldName(text, shape)) return false;
    if (!isOneWord(text, shape))
      return context.quoted && /^[a-z0-9]{3,}(?: [a-z0-9]+)+$/.test(text);
    return isAssigned(context) || isMixed(shape, context);
  },
  token: (text, shape, context) => {
    if (isProse(text, context)) return false;
    if (shape.digits === shape.length) return shape.length >= 15;
    if (hasManySymbols(shape)) return true;
    if (shape.length < 8) return isAssigned(context) && isShortToken(text, shape);
    if (isRandom(shape) || isHash(shape)) return true;
    if (isFieldName(text, shape) || !isOneWord(text, shape)) return false;
    return isVariable(context) || (isAssigned(context) && isMixed(shape, context));
  },
  owned: (text, shape) =>
    isLogin(text) || (isRandom(shape) && !isUuid(text) && looksGenerated(shape)),
  key: (text, shape) =>
    isLogin(text) ||
    (isRandom(shape) &&
      !shape.hex &&
      !isUuid(text) &&
      shape.wordiness < 0.4 &&
      shape.entropy > 3.2 &&
      looksGenerated(shape)),
  vendor: (text, shape, context) =>
    !isProse(text, context) && isRandom(shape) && looksGenerated(shape),
  cookie: (_text, shape) => isRandom(shape) && (shape.digits > 1 || looksGenerated(shape)),
  authorization: (_text, shape) => shape.length >= 12 || isRandom(shape),
};

/** A variable of an environment: there are nothing but values, however they read. */
function isVariable({ separator, capitals }: ValueContext): boolean {
  return capitals && (separator === 'equals' || separator === 'colon');
}

function isTight({ separator, tight, quoted }: ValueContext): boolean {
  return separator === 'equals' && tight && !quoted;
}

/** Letters and digits, as generators mix them; words with a number behind have more of a vowel. */
function looksGenerated({
  digits,
  lower,
  upper,
  others,
  symbols,
  entropy,
  length,
  wordiness,
}: Shape) {
  if (entropy <= 3 || symbols > 0 || digits === length) return false;
  return digits > 1 || (lower > 2 && upper > 2 && others === 0 && wordiness < 0.3);
}

function isHash({ hex, digits }: Shape): boolean {
  return hex && digits > 1;
}

/** `abc123`, `x7k2p9`; a word with one or two digits behind is rather a name. */
function isShortToken(text: string, { digits, length, others }: Shape): boolean {
  return digits > 1 && length - digits > 1 && others === 0 && !/^[A-Za-z]{2,}\d{1,2}$/.test(text);
}

/** A word with digits or signs in it: something chosen to be no word. */
function isMixed({ digits, symbols, length }: Shape, { readsOn }: ValueContext): boolean {
  return (digits > 0 || symbols > 0) && digits < length && !readsOn;
}

/** Words with dots, slashes or colons between them: where something is. */
const LOCATED = /^[A-Za-z]+(?:[./:]+[A-Za-z]+)+$/;

/** A value for certain, and no word of a sentence. */
function isAssigned(context: ValueContext): boolean {
  return isVariable(context) || isTight(context) || context.quoted;
}

/** Names, paths and sentences have few, and hardly two of a kind that is not in all of them. */
function hasManySymbols({ symbols, length }: Shape): boolean {
  return symbols >= 3 && length >= 8;
}

function isPlainWord({ lower, upper, length }: Shape): boolean {
  return lower + upper === length;
}

/** Something that a person may have chosen, and that names nothing. */
function isOneWord(text: string, { length }: Shape): boolean {
  return length >= 8 && !/[\s./:_-]/.test(text) && !/^[A-Z][a-z]+(?:[A-Z][a-z]+)+$/.test(text);
}

/** `userPassword`, `API_KEY`, `client-secret`: the name of a field where a value is expected. */
function isFieldName(path: string, { digits }: Shape): boolean {
  if (digits > 0 && !path.includes('[')) return false;
  const text = path.includes('[') ? path.replaceAll(/\[\d{0,6}\]/g, '') : path;
  return (
    /^(?:[A-Za-z]+(?:[_.-][A-Za-z]+)+|[A-Za-z]?[a-z]+(?:[A-Z][a-z]+)+|[Pp]assword|passwd|pwd|[Tt]oken)$/.test(
      text,
    ) && secretName(text) !== undefined
  );
}

const REFERENCES = new RegExp(
  [
    // References: shells, templates, formats.
    String.raw`^\$\{?[A-Za-z_][\w.:-]*\}?$`,
    String.raw`^\$[({]`,
    String.raw`[$#@%]\{[\w.:'"\[\] -]{0,64}\}`,
    String.raw`\{\{[^{}]{0,64}\}\}`,
    String.raw`\$\([^()]{0,64}\)`,
    String.raw`^\{[\w.:-]{0,64}\}$`,
    String.raw`<%|%>`,
    String.raw`^%\(?[A-Za-z_]\w*\)?[%sd]?$`,
    String.raw`^<[^<>]{0,80}>?$`,
    String.raw`^\[[^\[\]]{0,80}\]$`,
    String.raw`^\([^()]{0,80}\)$`,
    String.raw`^:[a-z_]+$`,
    String.raw`^(?:ENC|enc|vault|bao|secret|secretref|arn|ref(?:\+[a-z]{2,20})?|env|file|op|ssm|awsssm|k8s|sops|keyvault|kv|param)[:(\[]`,
    String.raw`^@Microsoft\.KeyVault\(`,
    String.raw`^projects/[^/]{1,80}/secrets/`,
  ].join('|'),
);
const MASKS = /^[^A-Za-z0-9]{0,3}[xX*.•#?-]{3,}|[xX*]{5}|\.{3}|…|^__\w+__$/;
/** Parts of what stands in manuals in the place of a secret. */
const EXAMPLES =
  /(?:^|[^a-z])(?:your|placeholder|dummy|sample|insert|replace|replaceme|todo|fake|redacted|filtered|masked|omitted|hidden|censored|example|lorem|somefakekey|afakekey)(?:[^a-z]|$)/i;
/** The letters of the shortest of their words. */
const EXAMPLE_MIN = 4;
const EXAMPLES_TOGETHER =
  /^(?:your(?:secret|api|password|token|key|access)+(?:here)?|(?:some|any|the|my)?value|(?:.{2,40}[-_ ])?(?:goes[-_ ])?here|(?:not|un)[-_]?set|(?:enter|put|fill|set|add|use|paste|provide)[-_].{2,40})$/i;

/** What says that there is no value, or what type it has. */
const NOTHING = new Set(
  (
    'null none nil true false undefined empty unset yes no on off default enabled disabled string str ' +
    'number int integer bool boolean object any text bytes byte char varchar hidden masked redacted ' +
    'removed omitted required optional n/a nan void self bearer basic digest oauth2 secretstr ' +
    'optional[str] str? string? string; sha1 sha256 md5'
  ).split(' '),
);
/** What a sentence goes on with after the name of a secret. */
const OF_SENTENCE = new Set(
  (
    'unknown invalid missing wrong incorrect expired not is was has are be been being by for from the ' +
    'this that and or of to in with when while must should can cannot failed failure error ok value ' +
    'values apikey jwt http https rsa here new old ambiguous same authentication accepted rejected ' +
    'expires refresh access user authentication: reset changed updated created deleted found granted'
  ).split(' '),
);

/** A reference or a mask. */
export function isReference(text: string): boolean {
  return MASKS.test(text) || REFERENCES.test(text);
}

/** A reference, a mask or an example: what stands where a secret is not written down. */
function isPlaceholder(text: string, shape: Shape): boolean {
  const { symbols, wordiness, longestWord, others, length } = shape;
  if (isMask(text, shape) || (symbols > 0 && REFERENCES.test(text))) return true;
  if (longestWord >= EXAMPLE_MIN && EXAMPLES.test(text)) return true;
  const mayBeSaid = others > 0 ? wordiness >= 0.3 : wordiness === 1;
  return mayBeSaid && wordiness * length >= EXAMPLE_MIN && EXAMPLES_TOGETHER.test(text);
}

/** What is counted tells of most values that they are none, without another look at them. */
function isMask(text: string, { masks, symbols, others }: Shape): boolean {
  const mayBeMask = masks >= MASK_MIN || symbols > 0 || (others > 3 && text.startsWith('__'));
  return mayBeMask && MASKS.test(text);
}

const MASK_MIN = 3;

/** The beginning of the alphabet is in no secret. */
function hasAlphabet(text: string, { lower, upper }: Shape): boolean {
  return (
    (lower >= ALPHABET.length && text.includes(ALPHABET)) ||
    (upper >= ALPHABET.length && text.includes(ALPHABET.toUpperCase()))
  );
}

const ALPHABET = 'abcdefghijklmnop';

const CODE = new RegExp(
  [
    // Look-ups, members, conversions.
    String.raw`^[A-Za-z_$][\w$.]{0,80}\[`,
    String.raw`^[A-Za-z_$][\w$]*(?:->|::)\w`,
    String.raw`^[!&*@][A-Za-z_]\w*$`,
    String.raw`^(?:this|self|process|os|env|config|request|req|args|var|local|data|module|settings|props|options|params|ctx|event)\.`,
    String.raw`^(?:=|\{|\[|\(|\|)`,
    // A flag.
    String.raw`^--[a-z][\w-]*$`,
  ].join('|'),
);
const CALL = /^([\w.$:>!&*-]{1,80})\(/;

/** A password may have a bracket, but what stands before it does not read like a name then. */
function isCall(text: string): boolean {
  const called = CALL.exec(text)?.[1];
  return called !== undefined && (ALGORITHM.test(called) || !isRandom(shapeOf(called)));
}

const MEMBER = /^[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)+$/;
const VARIABLE = /^[a-z]+(?:[A-Z][a-z]+)+$/;
const IDENTIFIER = /^[A-Za-z_$][A-Za-z_$]*$/;

/** Code that yields the value when it runs, rather than the value. */
function isCode(text: string, shape: Shape, context: ValueContext): boolean {
  if (shape.others > 0 && isExpression(text, shape)) return true;
  if (context.capitals) return false;
  if (context.endsStatement && IDENTIFIER.test(text)) return true;
  const isStatement = context.separator === 'equals' && !context.tight;
  return isStatement && shape.wordiness >= 0.8 && VARIABLE.test(text);
}

function isExpression(text: string, { wordiness }: Shape): boolean {
  return CODE.test(text) || isCall(text) || (wordiness >= 0.5 && MEMBER.test(text));
}

/** What encrypts, signs or hashes, and how text is written: `aes-256-gcm`, `RS256`, `argon2id`. */
const ALGORITHM =
  /^(?:aes|sha|hmac|rsa|ecdsa|ecdh|ed|hs|rs|es|ps|md|argon|pbkdf|oauth|utf|base|curve|chacha|tls|ssl|x|http|secp|prime|v\dalpha|v\dbeta|des|ede|id)[-_]?(?:with)?\d{1,5}(?:v\d)?(?:[-_]?(?:gcm|cbc|ctr|cfb|ecb|hmac|sha\d{1,3}|poly1305|rsa|kw|id|d|i|k1|r1|v1|v2))*$/i;
const HOST_AND_PORT = /^[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)*:\d{2,5}$/;

const FILE_NAME =
  /^[^\s=]{1,200}\.(?:pem|key|crt|cer|p12|pfx|jks|json|ya?ml|toml|txt|env|conf|cfg|ini|xml|properties|jsx?|tsx?|mjs|py|go|java|rb|php|cs|cpp|h|png|svg|html?|css|so|jar|log|sock|gpg|asc|keytab|db)$/i;
const PATH = /^(?:\.{0,2}|~|[A-Za-z]:|\$\w+|file:|@)?[/\\][\w.@~+-]*(?:[/\\]|$)/;
/** `/root/…`, `uploads/…/…`: nearly none of what is Base64 begins like that. */
const FOLDER =
  /^(?:(?:\.{0,2}|~|[A-Za-z]:)[/\\]\.?[a-z]{3,20}[/\\]|[a-z]{4,20}\/(?:[\w.-]{1,40}\/){0,8}[\w.-]{1,80}$)/;
const URL_OR_HOST =
  /^(?:[a-z][a-z0-9+.-]{1,20}:\/\/|(?:[a-z0-9-]{1,63}\.){2,6}(?:com|net|org|io|local|internal|svc|dev|co)(?:[:/]|$)|localhost\b|\d{1,3}(?:\.\d{1,3}){3}(?::\d|$))/i;
const VERSION_OR_TIME =
  /^(?:(?:[A-Za-z][A-Za-z.-]{0,60}[-_:@])?v?\d{1,4}(?:\.\d{1,5}){1,3}(?:[-+][\w.]{0,40})?|\d{4}-\d\d-\d\d(?:[T ][\d:.,Z+-]*)?|\d\d:\d\d(?::\d\d)?(?:\.\d+)?|\d{1,9}(?:ms|s|m|h|d|kb|mb|gb|b|%)|#[0-9a-f]{6})$/i;

/** Where something is, or when, or which version: not the thing itself. */
function isLocation(text: string, shape: Shape): boolean {
  // Letters and digits alone are none of these, if there are many.
  if (shape.others === 0 && shape.length > 12) return false;
  const hasSlash = text.includes('/') || text.includes('\\');
  if (isFileOrHost(text, hasSlash)) return true;
  if (shape.digits > 0 && isNumbered(text)) return true;
  return hasSlash && isPath(text, shape);
}

function isFileOrHost(text: string, hasSlash: boolean): boolean {
  const hasDot = text.includes('.');
  if (hasDot && FILE_NAME.test(text)) return true;
  return (hasSlash || hasDot || /^localhost/i.test(text)) && URL_OR_HOST.test(text);
}

function isPath(text: string, { wordiness, length }: Shape): boolean {
  // Base64 has slashes too, but its parts do not read like words.
  return FOLDER.test(text) || (PATH.test(text) && (wordiness >= 0.5 || length < 16));
}

/** A version, a time, an algorithm, a host with its port. */
function isNumbered(text: string): boolean {
  if (VERSION_OR_TIME.test(text) || ALGORITHM.test(text)) return true;
  return text.includes(':') && HOST_AND_PORT.test(text);
}

const SENTENCE_WORDS = new Set(
  (
    'your please enter must is are the invalid required not cannot you password passwords token ' +
    'secret key incorrect wrong forgot reset new confirm to for of was has be or by from this that ' +
    'will if when no an on'
  ).split(' '),
);

/** A label or a message for people: words, one of which a passphrase does not have. */
function isProse(text: string, { quoted }: ValueContext): boolean {
  if (!quoted || !text.includes(' ')) return false;
  const parts = text.split(/\s+/);
  if (!parts.every((part) => /^[("'<]?[A-Za-z'’-]+[.,:;!?)"'>]*$/.test(part) || part === '')) {
    return parts.length > 4;
  }
  return (
    parts.length > 8 ||
    parts.some((part) => SENTENCE_WORDS.has(part.toLowerCase().replace(/\W+$/, '')))
  );
}
