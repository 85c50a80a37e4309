import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isErrorLine } from './severity.ts';

const ERRORS = [
  '2026-11-24T05:51:19Z ERROR could not connect',
  '[2026-11-24 05:51:19] [ERROR] boom',
  '2026/11/24 05:51:19 [error] 31#31: *1 open() failed',
  'ERROR:root:division by zero',
  'level=error msg="no such host"',
  'time="2026-11-24T05:51:19Z" level=fatal msg=bye',
  '{"level":"error","msg":"x"}',
  '{"time":1,"level":50,"msg":"x"}',
  '{"@timestamp":"x","log.level": "ERROR"}',
  '{"severity":"CRITICAL","message":"x"}',
  'E0102 15:04:05.678901       1 main.go:5] lost the lease',
  'Traceback (most recent call last):',
  'ValueError: invalid literal',
  'java.lang.IllegalStateException: closed',
  'Exception in thread "main" java.lang.Error',
  'Uncaught TypeError: x is not a function',
  'panic: runtime error: index out of range',
  "thread 'main' panicked at src/main.rs:2:5",
  '\u001b[31mERROR\u001b[0m it broke',
  'FATAL: the database system is shutting down',
];
const NO_ERRORS = [
  '',
  'GET /error HTTP/1.1 200',
  '127.0.0.1 - - "GET /ERRORS.html HTTP/1.1" 500 12',
  'INFO finished with 0 ERROR lines',
  'level=info msg="level=error was seen"',
  '{"level":"info","msg":"ERROR in a message","error":null}',
  '{"level":30,"msg":"FATAL"}',
  'W0102 15:04:05.678901 1 main.go:5] ERROR soon',
  'WARN: TimeoutError: retrying',
  'no errors found',
  'the user typed ValueError: into the form',
  'listening on stderr',
  '{"level":3,"msg":"syslog numbers go down"}',
];

describe('severity of a log line', () => {
  for (const line of ERRORS) {
    it(`is an error: ${JSON.stringify(line)}`, () => {
      const verdict = isErrorLine(line);

      assert.equal(verdict, true);
    });
  }

  for (const line of NO_ERRORS) {
    it(`is none: ${JSON.stringify(line)}`, () => {
      const verdict = isErrorLine(line);

      assert.equal(verdict, false);
    });
  }

  it('reads no more of a hostile line than its beginning', () => {
    const hostile = [
      `{"level"${' '.repeat(5e6)}`,
      `${'a.'.repeat(2e6)}Exceptio`,
      '"level":'.repeat(1e6),
    ];

    const verdicts = hostile.map(isErrorLine);

    assert.deepEqual(verdicts, [false, false, false]);
  });
});
