import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRedactor } from './redactor.ts';
import { secretFilesOf, secretsIn } from './secret-files.ts';

const NO_NAMES = new Map<string, string>();

describe('where files of secrets are', () => {
  for (const [name, mounts, env, paths] of [
    ['a mount where secrets are', ['/data', '/run/secrets/pg'], [], ['/run/secrets/pg']],
    [
      'the folder alone, not what is mounted within',
      ['/run/secrets/a', '/run/secrets'],
      [],
      ['/run/secrets'],
    ],
    ['the other name of the folder', ['/var/run/secrets/x'], [], ['/var/run/secrets/x']],
    [
      'a variable that names one, mounted or not',
      [],
      ['PG_FILE=/run/secrets/pg'],
      ['/run/secrets/pg'],
    ],
    [
      'a mounted file behind the name of a secret',
      ['/etc/pg'],
      ['PG_PASSWORD_FILE=/etc/pg'],
      ['/etc/pg'],
    ],
    ['a file in a mounted folder', ['/etc/pg'], ['PG_PASSWORD_FILE=/etc/pg/pw'], ['/etc/pg/pw']],
    [
      'no mounted file behind another name',
      ['/etc/app.yml'],
      ['CONFIG_FILE=/etc/app.yml'],
      undefined,
    ],
    ['no file of the image', ['/data'], ['PG_PASSWORD_FILE=/etc/pg'], undefined],
    ['no path that climbs', ['/run/secrets/../../etc'], ['A_FILE=/run/secrets/../x'], undefined],
    ['no relative path', ['run/secrets/a', ''], ['PG_PASSWORD_FILE=run/secrets/a'], undefined],
    ['no neighbour of the folder', ['/run/secretsauce', '/run'], [], undefined],
    ['nothing where nothing is mounted', [], ['A=1', 'odd', 'X_FILE'], undefined],
  ] as const) {
    it(name, () => {
      const files = secretFilesOf(mounts, env);

      assert.deepEqual(files?.paths, paths);
    });
  }

  it('no more of them than are read', () => {
    const mounts = Array.from({ length: 200 }, (_, index) => `/run/secrets/s${index}`);

    assert.equal(secretFilesOf(mounts, [])?.paths.length, 64);
  });
});

describe('what is secret in files', () => {
  const valuesIn = (path: string, text: string, names = NO_NAMES) =>
    secretsIn([{ path, text }], names).map(({ name, value }) => `${name}=${value}`);

  for (const [name, path, text, expected] of [
    ['the whole, trimmed', '/run/secrets/db_password.txt', 'hunter2x\n', ['db_password=hunter2x']],
    ['what a name does not promise', '/run/secrets/pg', 'hunter2x', ['pg_password=hunter2x']],
    ['a name for a token', '/run/secrets/api_token', 'aB3dE5fG7hJ9', ['api_token=aB3dE5fG7hJ9']],
    ['no word of every log', '/run/secrets/mode', 'production\n', []],
    ['nothing', '/run/secrets/empty', ' \n\n', []],
    [
      'the password of a URL beside the URL',
      '/run/secrets/dsn',
      'postgres://app:tr0ub4dor@db/shop',
      ['PASSWORD=tr0ub4dor'],
    ],
    [
      'variables under their names',
      '/run/secrets/env',
      '# all\nexport DB_PASSWORD="tr0ub4dor"\nLOG_LEVEL=verbose1\nMODE=production\n',
      ['DB_PASSWORD=tr0ub4dor'],
    ],
    ['one with an equals sign', '/run/secrets/pg', 'abc=defgh', ['pg_password=abc=defgh']],
    [
      'lines, but for short ones',
      '/run/secrets/two',
      'short\r\nfirst-line-9\r\nsecond-line-9\r\n',
      [
        'two_password=short\r\nfirst-line-9\r\nsecond-line-9',
        'two_password=first-line-9',
        'two_password=second-line-9',
      ],
    ],
    ['elsewhere what its name promises', '/etc/app/password', 'hunter2x', ['password=hunter2x']],
    ['elsewhere nothing under another name', '/etc/app/motd', 'hunter2x', []],
  ] as const) {
    it(name, () => {
      assert.deepEqual(valuesIn(path, text), expected);
    });
  }

  it('the name that a variable gives it', () => {
    const names = new Map([['/run/secrets/pg', 'PGPASSWORD']]);

    assert.deepEqual(valuesIn('/run/secrets/pg', 'hunter2x', names), ['PGPASSWORD=hunter2x']);
  });

  it('a private key in Base64, whose lines are known', () => {
    const body = [
      'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj',
      'AgEAAoIBAQC7VJTUt9Us8cKjMzEfYyjiWA4R4ypb',
    ];
    const pem = ['-----BEGIN PRIVATE KEY-----', ...body, '-----END PRIVATE KEY-----'].join('\n');
    const values = secretsIn([{ path: '/run/secrets/tls.key', text: pem }], NO_NAMES);

    const redacted = createRedactor({ values }).redact(
      `read ${body[1]} and ${Buffer.from(`${body[0]}`).toString('base64')}`,
    );

    assert.match(redacted, /^read \[redacted:[a-z-]+#\d\] and \[redacted:[a-z-]+#\d\]$/);
  });

  it('no more values than can be looked for, the whole files first', () => {
    const lines = Array.from({ length: 400 }, (_, index) => `line-${index}-9f3kQ`).join('\n');
    const files = ['a', 'b', 'c'].map((name) => ({
      path: `/run/secrets/${name}`,
      text: `${name}${lines}`,
    }));

    const values = secretsIn(files, NO_NAMES);

    assert.equal(values.length, 512);
    assert.deepEqual(
      values.slice(0, 3).map(({ value }) => value),
      files.map(({ text }) => text),
    );
  });
});
