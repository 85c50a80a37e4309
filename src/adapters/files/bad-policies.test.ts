import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compilePolicySet } from '#core/policy/compile.ts';
import { formatProblem } from '#core/policy/problems.ts';
import { BUILTIN_TOOLS, builtinTool } from '#core/remediation/tools.ts';
import { runs } from '../../../test/support/fuzz.ts';
import { parseYamlFile } from './yaml-documents.ts';

const GOOD = `apiVersion: sre-sentinel.io/v1alpha1
kind: SentinelPolicy
metadata: { name: web }
spec:
  selector:
    projects: [shop]
  startPeriod: 30s
  thresholds:
    - name: unhealthy
      signal: health
      severity: critical
    - { name: busy, when: 'cpu.utilization > 0.9', severity: warning }
  remediation:
    mode: Shadow
    allowed:
      - name: restart
        tool: docker/restart_container
        on: [unhealthy]
        arguments:
          timeoutSeconds: 10
    windows:
      deny: ["0 9 * * 1-5 / 8h Europe/Berlin"]
`;

const context = {
  tool: builtinTool,
  builtinTools: Object.values(BUILTIN_TOOLS).map(({ name }) => name),
};

/** What a person reads who validates a file with this text. */
function told(bytes: string | Uint8Array): string[] {
  const { documents, problems } = parseYamlFile('p.yaml', Buffer.from(bytes));
  const set = compilePolicySet(
    documents.map((document) => ({ ...document, commit: '' })),
    context,
  );
  return [...problems, ...set.problems].map(formatProblem);
}

describe('what is wrong with a policy, and where', () => {
  it('is nothing, to begin with', () => {
    assert.deepEqual(told(GOOD), []);
  });

  for (const [was, is, expected] of [
    [
      'startPeriod:',
      'startPerod:',
      'p.yaml:7:3: error: spec.startPerod: unknown field startPerod; did you mean startPeriod?',
    ],
    ['30s', '30', 'p.yaml:7:16: error: spec.startPeriod: must be a string, not 30'],
    [
      '30s',
      'soon',
      'p.yaml:7:16: error: spec.startPeriod: must be a duration such as 90s, 10m or 1h30m',
    ],
    [
      '    projects: [shop]',
      '    {}',
      'p.yaml:6:5: error: spec.selector: must name at least one field: an empty selector would govern every container',
    ],
    [
      '[shop]',
      'shop',
      'p.yaml:6:15: error: spec.selector.projects: must be a list, not the string "shop"',
    ],
    ['[shop]', '[]', 'p.yaml:6:15: error: spec.selector.projects: must have at least 1 item'],
    [
      'signal: health',
      'signal: heath',
      `p.yaml:10:15: error: spec.thresholds[0].signal: must be one of ${SIGNALS()}; did you mean health?`,
    ],
    [
      '      severity: critical\n',
      '',
      'p.yaml:9:7: error: spec.thresholds[0].severity: is required: warning or critical',
    ],
    [
      'cpu.utilization > 0.9',
      'cpu.utilisation > 0.9',
      'p.yaml:12:27: error: spec.thresholds[1].when: there is no cpu.utilisation; did you mean cpu.utilization? (column 1 of the expression)',
    ],
    [
      'cpu.utilization > 0.9',
      'cpu.utilization',
      'p.yaml:12:27: error: spec.thresholds[1].when: must be a bool, but is a double (column 1 of the expression)',
    ],
    [
      'mode: Shadow',
      'mode: shadow',
      'p.yaml:14:11: error: spec.remediation.mode: must be one of Shadow, Approve, Auto, Off; did you mean Shadow?',
    ],
    [
      'restart_container',
      'restart_containers',
      'p.yaml:17:15: error: spec.remediation.allowed[0].tool: there is no built-in tool docker/restart_containers; did you mean docker/restart_container?',
    ],
    [
      'on: [unhealthy]',
      'on: [busy, unhealty]',
      'p.yaml:18:20: error: spec.remediation.allowed[0].on[1]: no threshold is called unhealty; did you mean unhealthy?',
    ],
    [
      'timeoutSeconds: 10',
      'timeoutSeconds: 10s',
      'p.yaml:20:27: error: spec.remediation.allowed[0].arguments.timeoutSeconds: is of type string, where the tool takes integer',
    ],
    [
      'timeoutSeconds: 10',
      'timeoutSecond: 10',
      'p.yaml:20:11: error: spec.remediation.allowed[0].arguments.timeoutSecond: the tool takes no argument timeoutSecond; did you mean timeoutSeconds?',
    ],
    [
      'timeoutSeconds: 10',
      'timeoutSeconds: { $expr: "1.5" }',
      'p.yaml:20:36: error: spec.remediation.allowed[0].arguments.timeoutSeconds.$expr: the expression is of type double, where the tool takes integer',
    ],
    [
      'timeoutSeconds: 10',
      'timeoutSeconds: { $epr: "1" }',
      'p.yaml:20:29: error: spec.remediation.allowed[0].arguments.timeoutSeconds.$epr: there is no marker $epr; did you mean $expr?',
    ],
    [
      'Europe/Berlin',
      'Europe/Berlinn',
      'p.yaml:22:14: error: spec.remediation.windows.deny[0]: there is no time zone Europe/Berlinn',
    ],
    [
      'metadata: { name: web }',
      'metadata: { name: Web }',
      'p.yaml:3:19: error: metadata.name: must be lower-case letters, digits and dashes, with a letter or digit at both ends',
    ],
    [
      'metadata: { name: web }',
      'metadata: { name: web, name: api }',
      'p.yaml:3:24: error: the key name stands here twice',
    ],
    [
      'kind: SentinelPolicy',
      'kind: SentinelPolice',
      'p.yaml:2:7: error: kind: must be SentinelPolicy (sre-sentinel.io/v1alpha1); did you mean SentinelPolicy?',
    ],
    [
      '  remediation:',
      '  status: {}\n  remediation:',
      'p.yaml:13:3: error: spec.status: unknown field status',
    ],
  ] as const) {
    it(`${was} → ${is === '' ? '(nothing)' : is}`, () => {
      const bad = GOOD.replace(was, is);
      assert.notEqual(bad, GOOD);

      assert.deepEqual(told(bad), [expected]);
    });
  }

  it('is told of every document of a file', () => {
    const second = GOOD.replace('name: web', 'name: api').replace('30s', 'x');
    const file = [GOOD.replace('30s', 'y'), second].join('---\n');

    assert.deepEqual(
      told(file).map((line) => line.split(' error')[0]),
      ['p.yaml:7:16:', 'p.yaml:30:16:'],
    );
  });

  it('never is an exception, whatever becomes of the file', () => {
    const bytes = Buffer.from(GOOD);
    const damage = fc.array(
      fc.tuple(
        fc.nat(bytes.length - 1),
        fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('{}[]:,-&*!|>\n "\''))),
      ),
      { minLength: 1, maxLength: 8 },
    );
    const isTold = fc.property(damage, fc.nat(bytes.length), (places, length) => {
      const damaged = Uint8Array.from(bytes.subarray(0, length));
      for (const [at, byte] of places) if (at < length) damaged[at] = byte;
      return told(damaged).every((line) => /^p\.yaml:\d+:\d+: error: ./.test(line));
    });

    fc.assert(isTold, runs(1_500));
  });
});

function SIGNALS(): string {
  return (
    'health, state, namespace.lost, absent, disk.writable, probe.http, probe.tcp, cpu.utilization, cpu.throttled, ' +
    'memory.utilization, memory.workingSet, pids.utilization, network.rx, network.tx, blkio.read, ' +
    'blkio.write, memory.trend, pids.trend, exit, oomKilled, restarts, log.rate, log.matches, ' +
    'log.errors, log.anomaly'
  );
}
