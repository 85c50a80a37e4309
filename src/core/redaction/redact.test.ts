import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { looksSecret, redact, redactExcerpt } from './redact.ts';

const WORD = 'Zk3Qp9';
const LONG = 'Zk3Qp9XxT2yV8wLmN4bC6dF7';
const HEX = '5f4dcc3b5aa765d61d8327deb882cf99';
const JWT_HEAD = Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url');
const BASE64 = Buffer.from(`app:${WORD}`).toString('base64');

/** An object in a string in a string in a string. */
function triple(value: object): string {
  return JSON.stringify({ a: JSON.stringify({ b: JSON.stringify(value) }) });
}

describe('redact', () => {
  for (const [name, text, secret] of [
    ['a password in a variable', `DB_PASSWORD=${WORD} next`, WORD],
    ['a password that is a word', 'POSTGRES_PASSWORD=postgres', '=postgres'],
    ['a password with punctuation', 'DB_PASS=P@ss,w0rd!#1', 'P@ss,w0rd!#1'],
    ['a numeric password', 'password: 48151623', '48151623'],
    ['a quoted value in JSON', `{"api_key": "${LONG}"}`, LONG],
    ['JSON within a string', String.raw`"{\"client_secret\":\"${LONG}\"}"`, LONG],
    ['a YAML value', `client_secret: ${LONG}`, LONG],
    ['a passphrase of words', 'password: "correct horse battery"', 'correct horse battery'],
    ['a name and a value of a list', `- name: DB_PASSWORD\n  value: ${WORD}`, WORD],
    ['a name and a value in JSON', `{"name":"DB_PASSWORD","value":"${WORD}"}`, WORD],
    ['a value on the next line', `<token>\n  ${LONG}\n</token>`, LONG],
    ['an element', `<password>${WORD}</password>`, WORD],
    ['an attribute', `<property name="password" value="${WORD}"/>`, WORD],
    ['an argument', `setProperty("API_TOKEN", "${LONG}")`, LONG],
    ['a declaration', `var apiToken string = "${LONG}"`, LONG],
    ['a comparison', `if ("${WORD}" == password) {`, WORD],
    ['a word of a sentence', `invalid token ${LONG} of app`, LONG],
    ['a flag', `mysql --password ${WORD} -u root`, WORD],
    ['a flag with an equals sign', `mysql --password=${WORD}`, WORD],
    ['a flag of one letter', `mysqldump -u root -p${WORD} shop`, WORD],
    ['a login of curl', `curl -u app:${WORD} http://host`, WORD],
    ['a declaration with a type', `private token: string = '${LONG}';`, LONG],
    ['an instruction of a Dockerfile', `ENV API_TOKEN ${LONG}`, LONG],
    ['a default in code', `process.env.DB_PASSWORD || '${WORD}'`, WORD],
    ['a constant for a name', `put(Context.SECURITY_CREDENTIALS, "${WORD}q")`, WORD],
    ['a login in code', `auth=("app", "${WORD}")`, WORD],
    ['a connection in code', `mysqli("db", "app", "${WORD}", "shop")`, WORD],
    ['a sentence that tells a password', `the root password is ${WORD}x4`, WORD],
    ['a secret of words', 'SESSION_SECRET=keyboard-cat', '=keyboard-cat'],
    ['a short token', `token: "${WORD}"`, WORD],
    ['the key of something unknown', `acme_key=${HEX}`, HEX],
    ['a key that a page is asked with', `GET /map?key=${HEX}&zoom=3`, HEX],
    ['Base64 of a password in LDIF', `userPassword:: ${BASE64}`, BASE64],
    ['a password with a bracket', 'DB_PASS: xk7Q2m(pw9z', 'xk7Q2m(pw9z'],
    ['a password of one character', 'password=1111', '=1111'],
    ['a password with a # in a URL', `postgres://app:${WORD}#1@db/shop`, WORD],
    ['a login of Oracle', `jdbc:oracle:thin:app/${WORD}@//db:1521/x`, WORD],
    ['a block of YAML', `password: |\n  ${WORD} of two words\nuser: app`, WORD],
    ['a folded block of YAML', `api_token: >-\n    ${LONG}\n`, LONG],
    ['a value with a tag', `db_password: !!str ${WORD}`, WORD],
    ['JSON three times over', triple({ password: WORD }), WORD],
    ['JSON in a parameter', encodeURIComponent(JSON.stringify({ token: LONG })), LONG],
    ['JSON in HTML', `{&quot;password&quot;:&quot;${WORD}&quot;}`, WORD],
    ['an option of Rust', `Config { token: Some("${LONG}") }`, LONG],
    ['a dump of PHP', `["password"]=> string(6) "${WORD}"`, WORD],
    ['a variable of Apache', `SetEnv DB_PASSWORD ${WORD}`, WORD],
    ['a password that was generated', `password is generated for root@localhost: ${WORD}x4`, WORD],
    [
      'a password that is set off from what tells of it',
      `Use the following password to proceed to installation:\n\n${HEX}\n\nThis`,
      HEX,
    ],
    ['a login of curl on the next line', `curl -sS \\\n  -u app:${WORD} http://host`, WORD],
    ['a login of curl in quotes of its own', `curl --user app:'${WORD}' http://host`, WORD],
    ['a token that is a login of curl', `curl -u ${LONG}: http://host`, LONG],
    ['a login of etcd', `etcdctl --user root:${WORD} get /`, WORD],
    ['what Redis is asked', `0.1 [0 10.0.0.1:1] "AUTH" "default" "${WORD}"`, WORD],
    ['a password set in MySQL', `SET PASSWORD FOR 'app'@'%' = '${WORD}'`, WORD],
    ['the login of SonarQube', `SONAR_LOGIN=${HEX}`, HEX],
    ['credentials of Bundler', 'BUNDLE_GEMS__EXAMPLE__COM=cafebabe:deadbeef', 'deadbeef'],
    ['an app token of Facebook', `using 1477036645700765|${LONG}abc now`, LONG],
    ['the secret of AWS alone', `exported wJ3lrXUt9FEMI/8K7MDENG/bPxRfiCYzQ2k5LmNo now`, 'FEMI'],
    ['SQL', `CREATE USER app IDENTIFIED BY '${WORD}'`, WORD],
    ['credentials in a URL', `redis://user:${WORD}@cache:6379/0`, WORD],
    ['a password alone in a URL', `redis://:${WORD}@cache:6379/0`, WORD],
    ['a token alone in a URL', `https://${LONG}@git.example/x.git`, LONG],
    ['a connection string', `Server=db;User Id=sa;Password=${WORD};Encrypt=true`, WORD],
    ['a parameter', `GET /file?access_token=${LONG}&x=1`, LONG],
    ['an encoded parameter', `token%3D${LONG}%26x`, LONG],
    ['a signed URL', `GET /file?x=1&sig=${LONG}&y=2`, LONG],
    ['a bearer token', `Authorization: Bearer ${LONG}`, LONG],
    ['a login in a header', `"Authorization": "Basic ${BASE64}"`, BASE64],
    ['a login of a registry', `{"auths":{"r.io":{"auth":"${BASE64}"}}}`, BASE64],
    ['a header beside another', `Authorization: Bearer x, X-Api-Key: ${LONG}`, LONG],
    ['a cookie', `Cookie: theme=dark; sid=${LONG}; lang=en`, LONG],
    ['a JSON Web Token', `got ${JWT_HEAD}.eyJzdWIiOi${WORD}.${WORD}abc`, WORD],
    ['a private key on one line', `"-----BEGIN PRIVATE KEY-----\\n${LONG}${LONG}\\n"`, LONG],
    ['a token in the midst of text', `pushed with ghp_${WORD.repeat(6)} to main`, WORD],
    ['chance without a name', `connected as ${LONG}${LONG}`, LONG],
  ] as const) {
    it(`takes out ${name}`, () => {
      const redacted = redact(text);

      assert.match(redacted, /\[redacted:[a-z-]+#1\]/);
      assert.ok(!redacted.includes(secret), redacted);
    });
  }

  for (const text of [
    'GET /index.html 200 in 12ms',
    'tokens_used: 312, max_tokens=4096, tokenizer: bert-base-uncased',
    'secretary of state',
    'http://example.com:8080/path?page=2 and https://unpkg.com/react@17/index.js',
    'container 893e79250d8b73364f82d039f485af3fadd4d905e689cee925faf531f97c0c54 started',
    'image sha256:9f2a5dbb3a2e0c4f6e5d3c2b1a09f8e7d6c5b4a3928170605f4e3d2c1b0a9f8e',
    '"integrity": "sha512-Zk3Qp9XxT2yV8wLmN4bC6dF7Zk3Qp9XxT2yV8wLmN4bC6dF7Zk3Qp9XxT2yV8wLmN4bC6dF7=="',
    'traceparent=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    'request f47ac10b-58cc-4372-a567-0e02b2c3d479 at 2026-11-24T12:00:00.000Z',
    'user@example.com signed in',
    'Failed password for invalid user admin from 10.0.0.1 port 22 ssh2',
    'Invalid token: signature has expired',
    'PASSWORD_MIN_LENGTH=12 TOKEN_EXPIRY=3600 AUTH_MODE=oauth2 KEYCLOAK_REALM=shop',
    'DB_PASSWORD_FILE=/run/secrets/db SECRET_NAME=prod/db API_KEY_HEADER=X-Api-Key',
    'DB_PASSWORD=${DB_PASSWORD} API_KEY=<your-key> TOKEN=xxxxxxxx SECRET=',
    'password: {{ vault_password }}, "password": "********"',
    'primaryKey: orderId, cache_key=product_42_v3, "sortKey": "createdAt"',
    'String password = request.getParameter("password");',
    'token = os.environ["TOKEN"]; self.password = password',
    '"password": "Enter your password"',
    'https://${USER}:${PASSWORD}@host/',
    '-----BEGIN PRIVATE KEY----- is missing in the file',
    'each row is identified by its key; you can pass `{ id: 1 }` to it',
    'PASSWORD_HASHERS=argon2,bcrypt ENCRYPTION_KEY=aes-256-gcm API_KEY=changeme',
    'password = newPassword, and $token = hash_hmac($data)',
    'GET http://host:8080#top@2 and sort_key=' + HEX,
    'PASSWORD: projects/12/secrets/db/versions/latest',
    'API_KEY=order_1001 TOKEN=broker-1.kafka:9092',
    'curl -u <user>:<password> http://host and curl -u your_user:your_password http://host',
    'xoxb-my-bot-token and xoxb-Slack_BOT_TOKEN and GR1348941123123123123123123',
    `token_hash=${HEX} issuerKeyHash=${LONG} authenticity_token=${LONG}`,
    'oktaKey = 00000000000000000000000000000000000TUVWXYZ',
    `data: ENC[AES256_GCM,data:W3PiZ6lD6bpfAdI=,iv:${LONG}${LONG},tag:${LONG}${LONG},type:str]`,
    '-----BEGIN PRIVATE KEY----------END PRIVATE KEY-----',
    'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ.eyJzdWIiOi',
    'password: |\npassword: >-\n  ${DB_PASSWORD}',
  ]) {
    it(`leaves ${JSON.stringify(text)} as it is`, () => {
      assert.equal(redact(text), text);
    });
  }

  it('keeps what stands around a secret', () => {
    assert.equal(
      redact(`connect postgres://app:${WORD}@db/shop?sslmode=require failed`),
      'connect postgres://app:[redacted:url-password#1]@db/shop?sslmode=require failed',
    );
  });

  it('gives the same secret the same number, and another one another', () => {
    assert.equal(
      redact(`password=${WORD} pwd="${WORD}" passwd=hunter2`),
      'password=[redacted:password#1] pwd="[redacted:password#1]" passwd=[redacted:password#2]',
    );
  });

  it('gives no number again that the text has already', () => {
    assert.equal(
      redact(`[redacted:token#4] password=${WORD}`),
      '[redacted:token#4] password=[redacted:password#5]',
    );
  });

  it('knows a literal that belongs into a secret by its key or by its form', () => {
    assert.equal(looksSecret(WORD, 'DB_PASSWORD'), true);
    assert.equal(looksSecret(`ghp_${WORD.repeat(6)}`, 'command'), true);
    assert.equal(looksSecret('512m', 'memory'), false);
  });
});

describe('an excerpt', () => {
  const KEY = [
    '-----BEGIN RSA PRIVATE KEY-----',
    'Proc-Type: 4,ENCRYPTED',
    '',
    LONG,
    '-----END RSA PRIVATE KEY-----',
  ];

  it('has one line for a private key, and what is around it', () => {
    const redacted = redactExcerpt(['before', `key: ${KEY[0]}`, ...KEY.slice(1), 'after']);

    assert.deepEqual(
      redacted.filter((line) => line !== undefined),
      ['before', 'key: [redacted:private-key#1]', 'after'],
    );
  });

  it('keeps what follows the end of a private key on its line, redacted', () => {
    const redacted = redactExcerpt([
      ...KEY.slice(0, -1),
      `-----END RSA PRIVATE KEY----- password=${WORD} and more`,
    ]);

    assert.equal(redacted.at(-1), ' password=[redacted:password#2] and more');
  });

  it('does not swallow a log after the beginning of a key that never ends', () => {
    const log = Array.from({ length: 300 }, () => 'a line of a log');

    const redacted = redactExcerpt(['-----BEGIN PRIVATE KEY-----', LONG, ...log]);

    assert.deepEqual(redacted, ['[redacted:private-key#1]', undefined, ...log]);
  });

  it('leaves out the rest of a private key that began before it, and that alone', () => {
    const redacted = redactExcerpt([LONG, ...KEY.slice(3), 'after']);
    const logged = redactExcerpt(['a line of a log', LONG, `${KEY[4]} after`]);

    assert.deepEqual(redacted, [undefined, undefined, undefined, 'after']);
    assert.deepEqual(logged, ['a line of a log', undefined, ' after']);
  });
});
