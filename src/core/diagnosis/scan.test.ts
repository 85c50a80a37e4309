import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compilePattern } from '#core/policy/pattern.ts';
import { ADVICE, TEXT_CAUSES } from './catalogue.ts';
import { clauseOf, listeningPorts, scan } from './scan.ts';

/** Cause → lines that speak of it, with what is named, and lines that look like it. */
const CASES: Readonly<
  Record<string, { readonly finds: readonly [string, string?][]; readonly not: readonly string[] }>
> = {
  ImageUnavailable: {
    finds: [
      ['pull access denied for acme/api, repository does not exist', 'acme/api'],
      ['manifest for acme/api:9 not found: manifest unknown', 'acme/api:9'],
      ['Error response from daemon: No such image: acme/api:9', 'acme/api:9'],
    ],
    not: ['Successfully pulled image "acme/api"', 'image acme/api: pulled'],
  },
  WrongArchitecture: {
    finds: [['exec /entrypoint.sh: exec format error', '/entrypoint.sh']],
    not: ['unknown date format error in field 3'],
  },
  CommandNotFound: {
    finds: [
      ['exec: "serv": executable file not found in $PATH: unknown', 'serv'],
      ['/bin/sh: 1: pyton: not found', 'pyton'],
      ['bash: line 3: nodde: command not found', 'nodde'],
      ['exec /app/start.sh: no such file or directory', '/app/start.sh'],
    ],
    not: ['GET /shop: not found', 'user 17: not found', 'order not found'],
  },
  MountInvalid: {
    finds: [
      [
        'invalid mount config for type "bind": bind source path does not exist: /srv/data',
        '/srv/data',
      ],
      ['error mounting "/a/x.conf" to rootfs: not a directory', '/a/x.conf'],
    ],
    not: ['mounted /srv/data', 'the path is not a directory listing'],
  },
  ConfigMissing: {
    finds: [
      ['Error: secret "db-password" not found', 'db-password'],
      ["couldn't find key API_URL in ConfigMap shop/web", 'API_URL'],
      ['env file /srv/shop/.env not found', '/srv/shop/.env'],
      ['secret not found: smtp', 'smtp'],
    ],
    not: ['config loaded', 'page not found: /secret', 'configuration is valid'],
  },
  NotPlaced: {
    finds: [
      ['no suitable node (insufficient resources on 1 node)'],
      ['0/3 nodes are available: 3 Insufficient memory.'],
    ],
    not: ['insufficient funds', '3 nodes joined'],
  },
  NetworkMissing: {
    finds: [['network 4f2a9c not found']],
    not: ['the neural network was not trained', 'network shop_default created'],
  },
  PortInUse: {
    finds: [
      ['listen tcp 0.0.0.0:8080: bind: address already in use', '8080'],
      ['Error: listen EADDRINUSE: address already in use :::3000', '3000'],
      ['Bind for 0.0.0.0:5432 failed: port is already allocated', '5432'],
    ],
    not: ['name already in use', 'listening on port 8080'],
  },
  DiskFull: {
    finds: [
      ['write /var/lib/data/x: no space left on device', '/var/lib/data/x'],
      ['OSError: [Errno 28] No space left on device'],
    ],
    not: ['disk is 20 % full', 'there is space left on device sda'],
  },
  ReadOnlyFilesystem: {
    finds: [["mkdir: can't create directory '/data/tmp': Read-only file system", '/data/tmp']],
    not: ['mounted read-only', 'opened in read-only mode'],
  },
  MissingEnv: {
    finds: [
      ['Error: environment variable STRIPE_KEY is not set', 'STRIPE_KEY'],
      ["KeyError: 'REDIS_HOST'", 'REDIS_HOST'],
      ['start.sh: line 4: API_URL: unbound variable', 'API_URL'],
      ['You must specify POSTGRES_PASSWORD to a non-empty value', 'POSTGRES_PASSWORD'],
      ['DATABASE_URL must be set', 'DATABASE_URL'],
      ['missing required env var SECRET_KEY_BASE', 'SECRET_KEY_BASE'],
      ['Environment variable REGION is undefined', 'REGION'],
    ],
    not: [
      'environment variable STRIPE_KEY is set',
      'environment: production',
      'the field name is required',
      "KeyError: 'user'",
      'session cookie not set',
    ],
  },
  ConfigInvalid: {
    finds: [
      ['/bin/sh: syntax error: unexpected "then"'],
      ['nginx: [emerg] unknown directive "servr" in /etc/nginx/nginx.conf:3'],
      ['yaml: line 7: mapping values are not allowed in this context'],
      ['failed to parse config file'],
      ['error: unknown flag: --prot'],
    ],
    not: [
      'config loaded from /etc/app.yaml',
      'ERROR: syntax error at or near "FORM" in SQL statement',
      'checking configuration',
    ],
  },
  ModuleMissing: {
    finds: [
      ["ModuleNotFoundError: No module named 'flask'", 'flask'],
      ["Error: Cannot find module 'express'", 'express'],
      ['error while loading shared libraries: libpq.so.5: cannot open', 'libpq.so.5'],
    ],
    not: ['loaded module flask', 'module auth enabled'],
  },
  CertificateExpired: {
    finds: [
      ['x509: certificate has expired or is not yet valid: current time is after'],
      ['SSL routines: certificate expired'],
      ['Error: CERT_HAS_EXPIRED'],
    ],
    not: [
      'certificate will expire in 30 days',
      'session expired for user 4',
      'certificate renewed, old one expired',
    ],
  },
  CertificateRefused: {
    finds: [
      ['x509: certificate signed by unknown authority'],
      ['SSL: CERTIFICATE_VERIFY_FAILED certificate verify failed: self signed certificate'],
    ],
    not: ['certificate verified', 'certificate verify failed: certificate has expired'],
  },
  CredentialsRefused: {
    finds: [
      ['FATAL: password authentication failed for user "app"'],
      ["Access denied for user 'app'@'10.0.0.3' (using password: YES)"],
      ['WRONGPASS invalid username-password pair or user is disabled.'],
    ],
    not: [
      'Authentication failed from 163.27.187.39: bad key',
      'user signed in',
      'authentication enabled',
      'unauthorized area of the map',
    ],
  },
  NameResolution: {
    finds: [
      ['Error: getaddrinfo ENOTFOUND postgres', 'postgres'],
      ['dial tcp: lookup cache.internal on 127.0.0.11:53: no such host', 'cache.internal'],
      ["wget: bad address 'api:8080'", 'api'],
      ['could not translate host name "db" to address: Name or service not known', 'db'],
    ],
    not: ['resolved db to 10.0.0.2', 'failed to resolve module ./x'],
  },
  PoolExhausted: {
    finds: [
      ['QueuePool limit of size 5 overflow 10 reached, connection timed out'],
      ['FATAL: sorry, too many clients already'],
      ['remaining connection slots are reserved for superusers'],
      ['HikariPool-1 - Connection is not available, pool request timed out after 30000ms'],
    ],
    not: ['pool started with 10 connections', 'thread pool exhausted', 'connection pool ready'],
  },
  FileDescriptorLimit: {
    finds: [['accept4: too many open files'], ['Error: EMFILE: too many open files, open']],
    not: ['opened 3 files', 'file descriptor 7 closed'],
  },
  ProcessLimit: {
    finds: [
      ["sh: can't fork: Resource temporarily unavailable"],
      ['OpenBLAS: pthread_create failed for thread 3'],
      ['java.lang.OutOfMemoryError: unable to create new native thread'],
    ],
    not: ['read: Resource temporarily unavailable', 'forked worker 3'],
  },
  HeapExhausted: {
    finds: [
      ['java.lang.OutOfMemoryError: Java heap space'],
      ['FATAL ERROR: Reached heap limit - JavaScript heap out of memory'],
      ['PHP Fatal error: Allowed memory size of 134217728 bytes exhausted'],
    ],
    not: ['java.lang.OutOfMemoryError: unable to create new native thread', 'memory: 40 MB'],
  },
  PermissionDenied: {
    finds: [
      ['open /data/db.lock: permission denied', '/data/db.lock'],
      ["PermissionError: [Errno 13] Permission denied: '/var/log/app.log'", '/var/log/app.log'],
    ],
    not: ['permission granted', 'ERROR: permission denied for table users'],
  },
  DatabasePermission: {
    finds: [['ERROR: permission denied for table users']],
    not: ['permission denied', 'granted SELECT on users'],
  },
  SchemaMismatch: {
    finds: [['ERROR: relation "users" does not exist'], ['no such table: users']],
    not: ['relation "users" created', "the page doesn't exist"],
  },
  FileNotFound: {
    finds: [
      ["FileNotFoundError: [Errno 2] No such file or directory: '/etc/app.yml'", '/etc/app.yml'],
      ['open /etc/app/config.json: no such file or directory', '/etc/app/config.json'],
    ],
    not: [
      'exec /start.sh: no such file or directory',
      'connect to unix:/run/x.sock failed: No such file or directory',
    ],
  },
  NetworkPartition: {
    finds: [['Mnesia: ** network partition detected **'], ['split-brain: two masters']],
    not: ['partition 3 of topic orders assigned', 'no network partitions'],
  },
  ConnectionRefused: {
    finds: [
      ['Error: connect ECONNREFUSED 10.0.0.7:5432', '10.0.0.7:5432'],
      ['dial tcp cache:6379: connect: connection refused', 'cache:6379'],
      ['connection to server at "db" (10.0.0.7), port 5432 failed: Connection refused', 'db:5432'],
    ],
    not: ['refused to follow the link', 'could not connect: timed out', 'connected to db:5432'],
  },
  ConnectionTimeout: {
    finds: [
      ['dial tcp 10.0.0.9:443: i/o timeout', '10.0.0.9:443'],
      ['Error: connect ETIMEDOUT 10.0.0.9:443', '10.0.0.9:443'],
    ],
    not: ['timeout=30', 'idle session timed out', 'connection pool timeout'],
  },
  DeadlockOrLock: {
    finds: [['ERROR: deadlock detected'], ['sqlite3.OperationalError: database is locked']],
    not: ['deadlock detection is on', 'door locked'],
  },
  DataCorrupt: {
    finds: [
      ['database files are incompatible with server'],
      ['PANIC: checksum mismatch in page 4'],
    ],
    not: ['no corruption found', 'checking data for errors'],
  },
  RateLimited: {
    finds: [['429 Too Many Requests from api.example.com'], ['rate limit exceeded']],
    not: ['rate limit set to 100', 'request rate 4/s'],
  },
};

function causesIn(...lines: string[]): string[] {
  return scan(lines).map(({ of }) => of.cause);
}

describe('the catalogue', () => {
  it('has cases here for every cause, and advice for it or none needed', () => {
    const causes = TEXT_CAUSES.map(({ cause }) => cause);

    assert.deepEqual(Object.keys(CASES).sort(), [...causes].sort());
    for (const text of Object.values(ADVICE)) assert.match(text, /^[A-Z].*\.$/);
  });

  it('holds patterns whose time is linear, and needles in lower case', () => {
    for (const { patterns = [], unless, needles } of TEXT_CAUSES) {
      for (const source of [...patterns, ...(unless === undefined ? [] : [unless])]) {
        assert.ok(compilePattern(source).ok, source);
      }
      for (const needle of needles) assert.equal(needle, needle.toLowerCase());
    }
  });

  for (const [cause, { finds, not }] of Object.entries(CASES)) {
    for (const [line, detail] of finds) {
      it(`finds ${cause} in: ${line}`, () => {
        const found = scan(['starting', line]).find(({ of }) => of.cause === cause);

        assert.ok(found, `found ${causesIn(line).join(', ') || 'nothing'}`);
        if (detail !== undefined) assert.equal(found.detail, detail);
      });
    }
    for (const line of not) {
      it(`does not take for ${cause}: ${line}`, () => {
        assert.ok(!causesIn(line).includes(cause));
      });
    }
  }
});

describe('a scan', () => {
  it('leaves out what others asked for, whatever they put into it', () => {
    const lines = [
      '10.0.0.1 - - [24/Nov/2026] "GET /?q=no space left on device HTTP/1.1" 404 12',
      'INFO:     1.2.3.4:5 - "GET /connection%20refused connection refused HTTP/1.1" 200 OK',
      'level=debug msg="connection refused by cache:6379"',
      '2026-11-24 DEBUG - address already in use',
      'reconnected after connection refused',
    ];

    assert.deepEqual(causesIn(...lines), []);
  });

  it('counts lines, and says how many came after the newest', () => {
    const [found] = scan(['EMFILE', 'well', 'EMFILE', 'well', 'well']);

    assert.equal(found?.count, 2);
    assert.equal(found?.linesSince, 2);
  });

  it('reads no more than the newest lines', () => {
    const flood = Array.from({ length: 400 }, () => 'well');

    assert.deepEqual(causesIn('too many open files', ...flood), []);
  });

  it('never throws, and names nothing with white space in it, whatever the text', () => {
    const needles = TEXT_CAUSES.flatMap(({ needles: all }) => all);
    const piece = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(...needles, 'exec: "', '" ', ' /', 'port ', "'", '{}', '$&', '\u202e'),
    );
    const line = fc.array(piece, { maxLength: 12 }).map((parts) => parts.join(' '));

    fc.assert(
      fc.property(fc.array(line, { maxLength: 20 }), (lines) => {
        for (const mention of scan(lines)) {
          assert.match(mention.detail ?? 'x', /^[\w./:@$+[\]-]{1,250}$/);
          assert.ok(clauseOf(mention).length < 400);
        }
      }),
    );
  });

  it('finds the ports that a log says it listens on', () => {
    const lines = [
      'Uvicorn running on http://0.0.0.0:8000 (Press CTRL+C to quit)',
      'server listening on port 3000',
      'connected to 10.0.0.3:5432',
    ];

    assert.deepEqual(listeningPorts(lines), [8000, 3000]);
  });
});
