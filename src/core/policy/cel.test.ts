import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type CelFacts, compileExpression, compileWhen } from './cel.ts';

const MINUTE_MS = 60_000;
const facts: CelFacts = {
  memory: { utilization: 0.8, workingSet: 900 },
  network: { rx: 10, tx: 0 },
  state: 'running',
  oomKilled: false,
  container: {
    memoryLimit: 1000,
    name: 'web-1',
    image: 'nginx:1',
    labels: { 'autoheal.stop.timeout': '20', tier: 'web' },
  },
  restarts: (windowMs) => (windowMs === 24 * 60 * MINUTE_MS ? 3 : undefined),
  logRate: () => 2.5,
  logMatches: (pattern, windowMs) => (pattern === 'FATAL' && windowMs === MINUTE_MS ? 4 : 0),
  logErrors: () => undefined,
};

describe('compileWhen', () => {
  for (const [text, expected] of [
    ['memory.utilization > 0.7 && restarts("24h") > 2', true],
    ['memory.utilization > 1', false],
    ['memory.workingSet >= 900', true],
    ['state == "running" && !oomKilled', true],
    ['log.matches("FATAL", "1m") > 3', true],
    ['log.rate("5m") > 2.4', true],
    ['container.labels.tier == "web"', true],
    ['container.labels["tier"].startsWith("w")', true],
    ['"constructor" in container.labels', false],
    ['has(container.cpuLimit) ? container.cpuLimit > 1.0 : false', false],
    ['container.labels.exists(name, name.contains("autoheal"))', true],
    // Whatever the absent fact is, the other side decides: that is no default.
    ['memory.utilization > 0.7 || health == "unhealthy"', true],
    ['health == "unhealthy" || memory.utilization > 0.7', true],
    ['health == "unhealthy" && memory.utilization > 0.9', false],
  ] as const) {
    it(`finds ${text} to be ${expected}`, () => {
      const when = compiled(compileWhen(text));

      assert.deepEqual(when.evaluate(facts), { ok: true, value: expected });
    });
  }

  for (const [text, reason] of [
    ['cpu.utilization > 0.5', 'cpu.utilization is absent'],
    ['health == "unhealthy"', 'health is absent'],
    ['exitCode != 0', 'exitCode is absent'],
    ['container.project == "shop"', 'container.project is absent'],
    ['container.labels["nope"] == "x"', 'container.labels["nope"] is absent'],
    ['container.labels.constructor == "x"', 'container.labels.constructor is absent'],
    ['restarts("1h") > 2', 'restarts("1h") is absent'],
    ['log.errors("5m") > 0', 'log.errors("5m") is absent'],
    ['memory.utilization > 0.7 && health == "unhealthy"', 'health is absent'],
    ['memory.workingSet / (container.memoryLimit - 1000) > 1', 'division by zero'],
    ['memory.workingSet % (container.memoryLimit - 1000) > 1', 'modulo by zero'],
    ['network.rx / network.tx > 2.0', 'not a finite number: a division by zero or an overflow'],
    [
      '[1.0].exists(x, x / network.tx > 2.0)',
      'not a finite number: a division by zero or an overflow',
    ],
    ['network.rx * 1e308 > 2.0', 'not a finite number: a division by zero or an overflow'],
    ['container.memoryLimit * 9223372036854775807 > 0', 'integer overflow: 9223372036854775807000'],
    ['int(network.rx * 1e300) > 0', 'integer overflow'],
    ['quantity("much") > 0', '"much" is not a size such as 512m or 1Gi'],
    ['int(container.labels["tier"]) > 0', 'int() type error: cannot convert to int'],
  ] as const) {
    it(`does not know ${text}`, () => {
      const when = compiled(compileWhen(text));

      assert.deepEqual(when.evaluate(facts), { ok: false, reason });
    });
  }

  it('counts a number that is not finite or not whole as absent', () => {
    const broken = { ...facts, memory: { utilization: Number.NaN, workingSet: 0.5 } };

    for (const text of ['memory.utilization < 1.0', 'memory.workingSet < 1']) {
      assert.equal(compiled(compileWhen(text)).evaluate(broken).ok, false);
    }
  });

  for (const [text, message] of [
    [
      'memory.utilisation > 0.7',
      'there is no memory.utilisation; did you mean memory.utilization? (column 1 of the expression)',
    ],
    ['true && foo > 1', 'Unknown variable: foo (column 9 of the expression)'],
    ['1 +', 'Unexpected token: EOF (column 4 of the expression)'],
    ['memory.utilization', 'must be a bool, but is a double (column 1 of the expression)'],
    ['health == 3', 'no such overload: string == int (column 1 of the expression)'],
    [
      'true &&\n  restart("1h") > 1',
      'there is no function restart; did you mean restarts? (line 2, column 3 of the expression)',
    ],
    [
      'restarts("1 hour") > 1',
      'the window "1 hour" must be a duration such as 90s, 10m or 1h30m (column 1 of the expression)',
    ],
    ['restarts(state) > 1', 'the window must be a string literal (column 1 of the expression)'],
    [
      'log.matches(state, "1m") > 1',
      'the pattern of log.matches must be a string literal (column 1 of the expression)',
    ],
    [
      'log.matches("a(", "1m") > 1',
      'not a pattern in RE2 syntax: missing closing ) (column 1 of the expression)',
    ],
    [
      'restarts("744h1ms") > 1',
      'the window "744h1ms" must be at most 31d (column 1 of the expression)',
    ],
    [
      'log.rate("0s") > 1.0',
      'the window "0s" must be a duration such as 90s, 10m or 1h30m (column 1 of the expression)',
    ],
    [
      '[log].exists(l, l.rate("1m") > 1.0)',
      'log is not a value by itself (column 2 of the expression)',
    ],
    [
      '[container].exists(c, c.name == "x")',
      'container is not a value by itself (column 2 of the expression)',
    ],
    [
      '"aaaa".matches("(a+)+$")',
      'matches belongs to log; a string has contains, startsWith and endsWith (column 1 of the expression)',
    ],
    [
      'container.labels.all(a, container.labels.exists(b, a == b))',
      'exists cannot stand inside all (column 25 of the expression)',
    ],
    ['dyn(memory.utilization)', 'there is no function dyn (column 1 of the expression)'],
    ['cel.bind(x, 1, x > 0)', 'there is no function bind (column 1 of the expression)'],
  ] as const) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      const result = compileWhen(text);

      assert.equal(result.ok ? 'compiled' : result.message, message);
    });
  }

  it('bounds the size of an expression', () => {
    const long = Array.from({ length: 600 }, () => 'true').join(' && ');
    const nested = '[1].map(a, [1].map(b, [1].map(c, [1].map(d, [1].map(e, e))))) == []';

    assert.equal(compileWhen(long).ok, false);
    assert.equal(compileWhen(nested).ok, false);
  });

  for (const [what, seed, reason] of [
    ['text', '["ab"]', 'a text of more than 100000 characters'],
    ['list', '[["ab"]]', 'a list of more than 10000 items'],
  ] as const) {
    it(`bounds a ${what} that is made of copies of itself`, () => {
      const copies = Array.from({ length: 60 }, () => 'a').join(' + ');

      const grown = `${seed}${`.map(a, ${copies})`.repeat(3)}.size() == 1`;

      assert.deepEqual(compiled(compileWhen(grown)).evaluate(facts), { ok: false, reason });
    });
  }

  it('tells what it reads', () => {
    const { reads } = compiled(
      compileWhen(
        'memory.utilization > 0.9 && restarts("1h") + restarts("10m") > 2 && state == "running"' +
          ' || log.matches("FATAL", "1m") > 1 || log.errors("5m") > 1',
      ),
    );

    assert.deepEqual(reads, {
      logDerived: true,
      stats: true,
      logPatterns: [{ pattern: 'FATAL', windowMs: MINUTE_MS }],
      logWindowsMs: [MINUTE_MS, 5 * MINUTE_MS],
      restartWindowsMs: [10 * MINUTE_MS, 60 * MINUTE_MS],
      comparisons: [{ fact: 'state', text: 'running' }],
      names: new Set(['memory', 'state']),
    });
  });

  it('is derived from logs only when it reads them', () => {
    assert.equal(compiled(compileWhen('restarts("1h") > 1')).reads.logDerived, false);
    assert.equal(compiled(compileWhen('log.rate("1h") > 1.0')).reads.logDerived, true);
  });
});

describe('compileExpression', () => {
  for (const [text, type, value] of [
    ['least(container.memoryLimit * 3 / 2, quantity("1Gi"))', 'int', 1500],
    ['greatest(1.5, memory.utilization)', 'double', 1.5],
    ['"x-" + container.name', 'string', 'x-web-1'],
    ['int(container.labels["autoheal.stop.timeout"])', 'int', 20],
    ['"absent" in container.labels ? int(container.labels["absent"]) : 10', 'int', 10],
    ['["a", container.name]', 'list<string>', ['a', 'web-1']],
    ['state == "running"', 'bool', true],
  ] as const) {
    it(`gives ${text}`, () => {
      const expression = compiled(compileExpression(text));

      assert.equal(expression.type, type);
      assert.deepEqual(expression.evaluate(facts), { ok: true, value });
    });
  }

  it('refuses a limit that is absent instead of inventing one', () => {
    const unlimited = { ...facts, container: { name: 'x', image: 'y', labels: {} } };
    const expression = compiled(compileExpression('container.memoryLimit * 2'));

    assert.deepEqual(expression.evaluate(unlimited), {
      ok: false,
      reason: 'container.memoryLimit is absent',
    });
  });

  it('refuses an int that a number cannot hold', () => {
    const expression = compiled(compileExpression('container.memoryLimit * 1000000000000000'));

    assert.deepEqual(expression.evaluate(facts), {
      ok: false,
      reason: '1000000000000000000 is too great to be passed on exactly',
    });
  });

  it('refuses a type that an argument cannot hold', () => {
    const result = compileExpression('container.labels');

    assert.equal(
      result.ok ? '' : result.message,
      'an argument cannot be a map<string, string> (column 1 of the expression)',
    );
  });
});

function compiled<T>(result: { ok: true; expression: T } | { ok: false; message: string }): T {
  if (!result.ok) assert.fail(result.message);
  return result.expression;
}
