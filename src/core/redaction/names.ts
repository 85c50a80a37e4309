import { VENDORS } from './vendors.ts';

/**
 * How much the name of a value says about it.
 * - `password`: whatever stands there is one, words included.
 * - `phrase`: the same for `client_secret` and `SECRET_KEY`, which people choose as they choose a
 *   password, where the value is one for certain: in quotes, or of a variable.
 * - `secret`, `token`: anything that does not read like words; `secret` alone is the name of one as
 *   often as the secret itself.
 * - `owned`: the key of something unknown, `acme_key`: something random, a hash included.
 * - `key`: something random, and no plain hash or UUID: keys also sort, cache and map.
 * - `vendor`: the name of a service whose credentials have no form of their own; something random.
 * - `cookie`, `authorization`: the headers, whose values have parts.
 */
export type Strength =
  | 'password'
  | 'phrase'
  | 'secret'
  | 'token'
  | 'owned'
  | 'key'
  | 'vendor'
  | 'cookie'
  | 'authorization';

export interface SecretName {
  readonly strength: Strength;
  /** What the placeholder calls it. */
  readonly kind: string;
}

/** What the scan looks for; a word that holds one is then judged as a whole. */
export const NAME_ANCHORS = [
  'pass',
  'pword',
  'secret',
  'token',
  'key',
  'cred',
  'auth',
  'cookie',
  'sig',
  'pw',
  'psk',
  'jwt',
  'otp',
  'webhook',
  'bundle_',
] as const;

const VENDOR_NAMES = new Set(VENDORS.map((vendor) => vendor.replaceAll(/[-_]/g, '')));

const words = (text: string) => new Set(text.split(' '));

const PASSWORDS = words(
  'password passwd passwort passphrase passcode pwd pword pw pass passw pswd psw contrasena ' +
    'passwords requirepass masterauth sshpass pgpassword mysqlpwd userpass dbpass dbpassword dbpw bindpw rootpw userpw adminpw',
);
const TOKENS = words('token credential credentials creds cred jwt pat');
/** What a key is the key to, when it is a secret. */
const KEY_OWNERS = words(
  'api access secret private priv auth authentication encryption encrypt encrypted signing sign ' +
    'signer master account shared storage license service session deploy deployment ssh hmac aes ' +
    'des rsa jwt jws jwk app application client consumer admin root webhook integration write ' +
    'ingest ingestion token crypto cipher subscription functions function product activation ' +
    'security user user1 art x subscription tenant instrumentation',
);
/** What a key is for, when it is a field, a place or a button. */
const KEY_OTHERS = words(
  'public pub publishable site primary foreign sort partition cache row hash unique group dedup dedupe idempotency ' +
    'routing translation i18n message registry hot arrow shortcut event map composite candidate ' +
    'natural surrogate range index lookup search object column field join lock queue topic shard ' +
    'sharding distribution bucket config dict json yaml context metric label state template sequence ' +
    'file object blob document doc record entity task job request response page trace span correlation ' +
    'tracking cursor host device asset image build commit style theme chart graph widget hkey reg ' +
    'registry folder path url image layer chunk part kv kid revision version id order sku menu step ' +
    'enum property prop attribute attr option param parameter variable env data item entry node parent ' +
    'child storage reverse prefix segment rate limit throttle redis memcache memcached etcd zookeeper gpg pgp',
);
/** What stands before a key without owning it: `this.key`, `my_key`. */
const KEY_BARE = words(
  'this self my the a new old last first current some any each default test value name get set by ' +
    'with for in raw temp tmp obj ctx local global base',
);
/** What a secret belongs to, when it is written where it is named: no name of one kept elsewhere. */
const SECRET_OWNERS = words(
  'client app application jwt jws session cookie shared webhook auth oauth oauth2 consumer api signing ' +
    'hmac django flask rails nextauth access master hash encryption token bot login identity secret',
);
/**
 * What a secret's name can end in that makes it the name of something about the secret. `key` is
 * not among them: it is a secret itself.
 */
const ABOUT = words(
  'name names id ids identifier identifiers file files filename path paths dir directory folder ' +
    'url uri urls uris endpoint endpoints host hostname domain port length len size sizes min max ' +
    'count counts counter type types typ kind version versions expiry expires expired expire ' +
    'expiration expiresin ttl timeout age lifetime duration interval seconds minutes hours days ms ' +
    'policy policies field fields label labels hint hints placeholder regex regexp pattern format ' +
    'header headers param params parameter parameters prefix suffix enabled enable disabled ' +
    'required require requires attempts attempt tries retries limit limits quota error errors err ' +
    'message messages msg status state algorithm alg algo method methods mode usage used reset ' +
    'change changed updated update created at date time timestamp generator provider providers ' +
    'manager managers service services store storage location ref refs reference references arn ' +
    'encoding index idx row column columns table class scope scopes realm audience issuer subject ' +
    'rotation rotate strength strategy rule rules validator validation valid invalid verified ' +
    'check checks checksum digest fingerprint thumbprint hit hits miss space spaces press pressed ' +
    'down up code codes board word words pair pairs chain ring rings alias aliases map mapping set ' +
    'bits bytes bit manager vault vaults source sources factory handler service helper utils util ' +
    'charset chars characters alphabet input output prompt button form page view title text description desc help info link links ' +
    'template resolver interceptor filter middleware client server plugin module bucket cache env ' +
    'var variable selector frame frames value2 order option options config ring agreement exchange ' +
    'cert certificate spec flow grant request response event events hook context results result ' +
    'group groups tag tags owner user username users email mail login account subject principal ' +
    'sock socket encryption hashing hasher encoder requirement requirements complexity history ' +
    'screen dialog modal box checkbox icon image test tests mock fixture schema lib library ' +
    'support supported backend backends driver engine extension mechanism required source',
);
/** What a name can begin with that says the same. */
const NEGATIONS = words(
  'no non not is has had have use uses using with without enable disable require requires required ' +
    'reset forgot change show hide validate valid check verify missing invalid expired expire ' +
    'public pub publishable pubkey min max num number count total size length',
);
/** Tokens that grammars, models, pages and forms have. */
const TOKEN_OWNERS = words(
  'page continuation cancellation cancel next prev previous sync csrf xsrf eos bos pad unk mask sep ' +
    'stop special input output prompt completion total max min num lex parse syntax symbol end ' +
    'start begin skip separator delimiter cursor pagination resume resumption antiforgery ' +
    'requestverification authenticity public publishable cached word sub',
);
const SECRET_COMPOUND =
  /password|passwd|passphrase|passwort|secret|token|apikey|accesskey|privatekey|authkey|credential|masterkey|accountkey|secretkey|encryptionkey|signingkey|sharedkey|requirepass|userpass/;
const PASS_AT_END = /(?<!by|com|tres|sur|over|under|im|multi|single|two|first|second)pass$/;

const WORDS = /[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+/g;

/**
 * Judges the name of a value, as it stands in code, a file or a log: `DB_PASSWORD`, `apiKey`,
 * `spring.datasource.password`.
 *
 * @returns `undefined` for a name that promises no secret, `tokenExpiry` or `primaryKey` among them
 */
export function secretName(name: string): SecretName | undefined {
  return knownName(name).name;
}

export interface KnownName {
  readonly name: SecretName | undefined;
  /** No small letter is in it. */
  readonly capitals: boolean;
}

/** The same with what else its spelling tells; judged once for as long as it comes again and again. */
export function knownName(name: string): KnownName {
  const known = KNOWN.get(name);
  if (known !== undefined) return known;
  const judged = { name: judge(name), capitals: !/[a-z]/.test(name) };
  if (KNOWN.size >= KNOWN_MAX) KNOWN.clear();
  KNOWN.set(name, judged);
  return judged;
}

/** The same few names come again and again; this is memory, no state: the answer never changes. */
const KNOWN = new Map<string, KnownName>();
const KNOWN_MAX = 2_000;

function judge(name: string): SecretName | undefined {
  const parts = (name.match(WORDS) ?? []).map((part) => part.toLowerCase());
  // Numbers only tell several of a kind apart: `password2`, `token_123`.
  while (parts.length > 1 && /^\d+$/.test(parts.at(-1) ?? '')) parts.pop();
  for (let index = parts.length - 1; index >= 0; index -= 1) {
    const found = secretWord(parts, index);
    if (found === undefined) continue;
    const after = parts.slice(index + 1);
    if (after.some(isAbout)) return undefined;
    // A password can be guessed by its hash, but hardly what chance made.
    if (after.includes('hash') && found !== PASSWORD) return undefined;
    if (parts.slice(0, index).some((part) => NEGATIONS.has(part))) return undefined;
    return found;
  }
  return CREDENTIALS_OF.test(name) ? PASSWORD : vendorName(name, parts);
}

/**
 * Names of credentials that do not say so: those of Bundler for a host, `BUNDLE_GEMS__EXAMPLE__COM`,
 * and the token that SonarQube calls a login.
 */
const CREDENTIALS_OF = /^BUNDLE_[A-Z0-9_]+__[A-Z]{2,12}$|^sonar[._-]login$/i;

/** In the plural as well. */
function isAbout(part: string): boolean {
  return ABOUT.has(part) || (part.endsWith('s') && ABOUT.has(part.slice(0, -1)));
}

const PASSWORD: SecretName = { strength: 'password', kind: 'password' };
const SECRET: SecretName = { strength: 'secret', kind: 'secret' };
const OWNED_SECRET: SecretName = { strength: 'phrase', kind: 'secret' };
const TOKEN: SecretName = { strength: 'token', kind: 'token' };
const API_KEY: SecretName = { strength: 'token', kind: 'key' };
const SECRET_KEY: SecretName = { strength: 'phrase', kind: 'key' };
const OWNED_KEY: SecretName = { strength: 'owned', kind: 'key' };
const SOME_KEY: SecretName = { strength: 'key', kind: 'key' };
const VENDOR: SecretName = { strength: 'vendor', kind: 'key' };
const COOKIE: SecretName = { strength: 'cookie', kind: 'cookie' };
const AUTHORIZATION: SecretName = { strength: 'authorization', kind: 'authorization' };
const SIGNATURE: SecretName = { strength: 'vendor', kind: 'signature' };

const SINGLE_WORDS: ReadonlyMap<string, SecretName> = new Map([
  ['cookie', COOKIE],
  ['authorization', AUTHORIZATION],
  ['sig', SIGNATURE],
  ['signature', SIGNATURE],
  ['secret', SECRET],
  ['secrete', SECRET],
  ['salt', SECRET],
  ['psk', OWNED_SECRET],
  ['otp', OWNED_SECRET],
  ['totp', OWNED_SECRET],
  ['auth', OWNED_KEY],
]);

function secretWord(parts: readonly string[], index: number): SecretName | undefined {
  const part = parts[index] ?? '';
  const before = parts[index - 1] ?? '';
  if (PASSWORDS.has(part)) return PASSWORD;
  if (TOKENS.has(part)) return TOKEN_OWNERS.has(before) ? undefined : TOKEN;
  if (part === 'key') return keyOf(parts, index);
  if (part === 'secret' && SECRET_OWNERS.has(before)) return OWNED_SECRET;
  return SINGLE_WORDS.get(part) ?? compound(part);
}

function keyOf(parts: readonly string[], index: number): SecretName | undefined {
  const before = parts[index - 1] ?? '';
  if (KEY_OTHERS.has(before)) return undefined;
  if (before === 'secret') return SECRET_KEY;
  if (KEY_OWNERS.has(before) || SECRET_COMPOUND.test(before)) return API_KEY;
  if (VENDOR_NAMES.has(before)) return API_KEY;
  const isOwned = index === parts.length - 1 && /^[a-z]{2}/.test(before) && !KEY_BARE.has(before);
  return isOwned ? OWNED_KEY : SOME_KEY;
}

/** Words written together: `dbpassword`, `apikey`, `authtoken`. A plural is a list or a count. */
function compound(part: string): SecretName | undefined {
  const inside = SECRET_COMPOUND.exec(part)?.[0];
  if (inside === undefined) return PASS_AT_END.test(part) ? PASSWORD : undefined;
  if (part.length > inside.length + 16 || OTHER_COMPOUND.test(part)) return undefined;
  const rest = part.slice(part.indexOf(inside) + inside.length);
  if (rest === 's' || ABOUT.has(rest) || ABOUT.has(rest.replace(/^s/, ''))) return undefined;
  return inside.includes('pass') ? PASSWORD : compoundSecret(inside, part);
}

function compoundSecret(inside: string, part: string): SecretName {
  if (inside === 'secretkey') return SECRET_KEY;
  if (inside === 'secret' && SECRET_OWNERS.has(part.slice(0, -inside.length))) return OWNED_SECRET;
  return SINGLE_WORDS.get(inside) ?? (TOKENS.has(inside) ? TOKEN : API_KEY);
}

const OTHER_COMPOUND = /tokeni|secretar|secretion|publickey/;

function vendorName(name: string, parts: readonly string[]): SecretName | undefined {
  if (parts.some((part) => isAbout(part) || NEGATIONS.has(part))) return undefined;
  const joined = parts.join('');
  const last = parts.at(-1) ?? '';
  if (VENDOR_NAMES.has(joined) || parts.some((part) => VENDOR_NAMES.has(part))) return VENDOR;
  return /(?:apikey|secretkey)$/.test(name.toLowerCase()) && last !== '' ? API_KEY : undefined;
}
