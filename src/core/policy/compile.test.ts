import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { BUILTIN_TOOLS, builtinTool, type ToolDescription } from '#core/remediation/tools.ts';
import type { JsonObject } from '#lib/json.ts';
import { runs } from '../../../test/support/fuzz.ts';
import { type CompileContext, compilePolicySet, type PolicyDocument } from './compile.ts';
import { providerNames } from './providers.ts';

const context: CompileContext = {
  tool: (name) => (name === 'acme/fail_over' ? FAIL_OVER : builtinTool(name)),
  builtinTools: Object.values(BUILTIN_TOOLS).map(({ name }) => name),
  enabledTools: ['docker/exec_command'],
  servers: ['gateway'],
  notifiers: ['ops'],
  providers: providerNames({ team: {} }),
};

const restart = builtinTool('docker/restart_container') ?? assert.fail();
/** A tool of somebody else's server, that wants a name and a whole number. */
const FAIL_OVER: ToolDescription = {
  ...restart,
  name: 'acme/fail_over',
  builtin: false,
  inputSchema: {
    type: 'object',
    properties: { container_name: { type: 'string' }, weight: { type: 'integer' } },
  },
  validate: (args, dynamic = []) =>
    dynamic.includes('container_name') || Object.hasOwn(Object(args), 'container_name')
      ? []
      : ['container_name: is required'],
};

function document(value: unknown, file = 'p.yaml'): PolicyDocument {
  return { file, value, commit: 'main@sha1:abc', positionOf: () => ({ line: 7, column: 3 }) };
}

function aPolicy(spec: Record<string, unknown> = {}, name = 'web'): unknown {
  return {
    apiVersion: 'sre-sentinel.io/v1alpha1',
    kind: 'SentinelPolicy',
    metadata: { name },
    spec: {
      selector: { projects: ['shop'] },
      thresholds: [
        { name: 'unhealthy', signal: 'health', equals: 'unhealthy', severity: 'critical' },
        {
          name: 'fatal',
          signal: 'log.matches',
          pattern: 'FATAL',
          above: 5,
          window: '1m',
          severity: 'warning',
        },
      ],
      ...spec,
    },
  };
}

function withAction(action: Record<string, unknown>, remediation: Record<string, unknown> = {}) {
  return aPolicy({
    remediation: {
      mode: 'Auto',
      allowed: [{ name: 'act', tool: 'docker/restart_container', ...action }],
      ...remediation,
    },
  });
}

function complaints(value: unknown): string[] {
  return compilePolicySet([document(value)], context).problems.map(
    ({ path, message }) => `${path}: ${message}`,
  );
}

function warnings(value: unknown): string[] {
  const set = compilePolicySet([document(value)], context);
  assert.deepEqual(set.problems, []);
  return set.warnings.map(({ path, message }) => `${path}: ${message}`);
}

function onlyPolicy(value: unknown) {
  const { policies, problems } = compilePolicySet([document(value)], context);
  assert.deepEqual(problems, []);
  return policies[0] ?? assert.fail('no policy');
}

describe('compilePolicySet', () => {
  it('applies the defaults of the contract', () => {
    const { spec } = onlyPolicy(
      aPolicy({ remediation: { allowed: [{ name: 'a', tool: 'docker/restart_container' }] } }),
    );

    assert.equal(spec.startPeriod, 30_000);
    assert.deepEqual(spec.remediation, {
      mode: 'Shadow',
      allowed: [
        {
          name: 'a',
          tool: 'docker/restart_container',
          arguments: {},
          cooldown: 120_000,
          limit: { max: 3, per: 3_600_000 },
          approval: 'NotRequired',
        },
      ],
      backoff: { initial: 30_000, factor: 2, max: 900_000 },
      budget: { maxConcurrent: 1 },
      storm: { above: 5, within: 60_000, coolFor: 600_000 },
      verify: { within: 90_000, healthyFor: 15_000, onFailure: 'Next' },
      windows: { deny: [] },
      approvalTimeout: 3_600_000,
      allowLogTriggered: false,
    });
    assert.deepEqual(
      [spec.modelRouting.triage, spec.modelRouting.rootCause, spec.modelRouting.explain],
      [[], [], []],
    );
    assert.equal(spec.modelRouting.choose, 'Ladder');
  });

  it('lets an action answer to all thresholds but what is log-derived, a trend, or absent', () => {
    const policy = aPolicy({
      expected: [{ name: 'web-1' }],
      thresholds: [
        { name: 'unhealthy', signal: 'health', severity: 'critical' },
        { name: 'errors', signal: 'log.errors', above: 1, window: '1m', severity: 'warning' },
        { name: 'noisy', when: 'log.rate("1m") > 9.0', severity: 'warning' },
        { name: 'busy', when: 'cpu.utilization > 0.9', severity: 'warning' },
        { name: 'filling', signal: 'memory.trend', within: '15m', severity: 'warning' },
        { name: 'gone', signal: 'absent', severity: 'critical' },
      ],
      remediation: { allowed: [{ name: 'a', tool: 'docker/restart_container' }] },
    });

    const { actions, thresholds, needs } = onlyPolicy(policy);

    assert.deepEqual(actions[0]?.on, ['unhealthy', 'busy']);
    assert.deepEqual(
      thresholds.filter(({ logDerived }) => logDerived).map(({ name }) => name),
      ['errors', 'noisy'],
    );
    assert.deepEqual(needs, { stats: true, logs: true, probes: false, filesystem: false });
  });

  it('collects only what a policy names', () => {
    const health = { name: 'h', signal: 'health', severity: 'critical' };
    const needsOf = (threshold: object) => onlyPolicy(aPolicy({ thresholds: [threshold] })).needs;
    const none = { stats: false, logs: false, probes: false, filesystem: false };

    assert.deepEqual(needsOf(health), none);
    assert.deepEqual(
      needsOf({ name: 'w', signal: 'disk.writable', path: '/data', severity: 'critical' }),
      { ...none, filesystem: true },
    );
    assert.deepEqual(
      needsOf({ name: 'p', signal: 'probe.tcp', probe: { port: 80 }, severity: 'critical' }),
      { ...none, probes: true },
    );
    assert.deepEqual(
      needsOf({ name: 'p', signal: 'pids.utilization', above: 0.9, severity: 'critical' }),
      { ...none, stats: true },
    );
  });

  it('tells the windows and patterns that a threshold by signal reads', () => {
    const { thresholds } = onlyPolicy(aPolicy());

    assert.deepEqual(thresholds[1]?.reads.logPatterns, [{ pattern: 'FATAL', windowMs: 60_000 }]);
    assert.equal(thresholds[1]?.compiledPattern?.matches('a FATAL line'), true);
  });

  it('collects stats for what only an argument reads', () => {
    const { needs } = onlyPolicy(
      withAction({
        tool: 'docker/update_resources',
        arguments: { memory: { $expr: 'memory.workingSet * 2' } },
      }),
    );

    assert.equal(needs.stats, true);
  });

  it('refuses a name that is taken, and keeps the rest', () => {
    const set = compilePolicySet(
      [
        document(aPolicy(), 'a.yaml'),
        document(aPolicy(), 'b.yaml'),
        document(aPolicy({}, 'api'), 'c.yaml'),
      ],
      context,
    );

    assert.deepEqual(
      set.policies.map(({ name }) => name),
      ['api', 'web'],
    );
    assert.deepEqual(set.problems, [
      {
        file: 'b.yaml',
        line: 7,
        column: 3,
        path: 'metadata.name',
        message: 'policy web is already defined in a.yaml',
        severity: 'error',
      },
    ]);
  });

  it('gives one digest to one policy, however it is written', () => {
    const written = aPolicy({ startPeriod: '90s' });
    const otherwise = aPolicy({ startPeriod: '1m30s', priority: 0, notify: [] });
    const another = aPolicy({ startPeriod: '91s' });

    assert.match(onlyPolicy(written).digest, /^sha256:[0-9a-f]{64}$/);
    assert.equal(onlyPolicy(written).digest, onlyPolicy(otherwise).digest);
    assert.notEqual(onlyPolicy(written).digest, onlyPolicy(another).digest);
  });

  it('gives the same digest for every order of the keys', () => {
    const policy = withAction({ arguments: { timeoutSeconds: 3 }, cooldown: '1m' });
    const { digest } = onlyPolicy(policy);
    const sameDigest = fc.property(fc.infiniteStream(fc.nat(1_000)), (keys) => {
      return onlyPolicy(shuffled(policy, keys)).digest === digest;
    });

    fc.assert(sameDigest, runs());
  });

  for (const [what, value, expected] of [
    [
      'an unknown field',
      aPolicy({ treshholds: [] }),
      'spec.treshholds: unknown field treshholds; did you mean thresholds?',
    ],
    [
      'an unknown field deep down',
      withAction({ cooldwn: '1m' }),
      'spec.remediation.allowed[0].cooldwn: unknown field cooldwn; did you mean cooldown?',
    ],
    ['an unknown field like no other', aPolicy({ zzz: 1 }), 'spec.zzz: unknown field zzz'],
    [
      'an unknown mode',
      withAction({}, { mode: 'auto' }),
      'spec.remediation.mode: must be one of Shadow, Approve, Auto, Off; did you mean Auto?',
    ],
    [
      'an unknown signal',
      aPolicy({
        thresholds: [{ name: 'a', signal: 'memory.utilisation', above: 0.9, severity: 'warning' }],
      }),
      'spec.thresholds[0].signal: must be one of health, state, namespace.lost, absent, disk.writable, probe.http, probe.tcp, cpu.utilization, cpu.throttled, memory.utilization, memory.workingSet, pids.utilization, network.rx, network.tx, blkio.read, blkio.write, memory.trend, pids.trend, exit, oomKilled, restarts, log.rate, log.matches, log.errors, log.anomaly; did you mean memory.utilization?',
    ],
    [
      'a trend without a bound',
      aPolicy({ thresholds: [{ name: 'a', signal: 'memory.trend', severity: 'warning' }] }),
      'spec.thresholds[0]: signal memory.trend needs within',
    ],
    [
      'a trend with the bound of a gauge',
      aPolicy({
        thresholds: [
          { name: 'a', signal: 'pids.trend', within: '5m', above: 0.9, severity: 'warning' },
        ],
      }),
      'spec.thresholds[0].above: signal pids.trend takes no above',
    ],
    [
      'a trend further than can be seen',
      aPolicy({
        thresholds: [{ name: 'a', signal: 'memory.trend', within: '2h', severity: 'warning' }],
      }),
      'spec.thresholds[0].within: must be at most 1h: the samples tell no more',
    ],
    [
      'an unknown state',
      aPolicy({
        thresholds: [{ name: 'a', signal: 'state', equals: 'exitted', severity: 'warning' }],
      }),
      'spec.thresholds[0].equals: must be one of running, exited, dead, paused, restarting; did you mean exited?',
    ],
    [
      'an unknown tool',
      withAction({ tool: 'docker/restart_contaner' }),
      'spec.remediation.allowed[0].tool: there is no built-in tool docker/restart_contaner; did you mean docker/restart_container?',
    ],
    [
      'a tool that only reads',
      withAction({ tool: 'docker/get_logs' }),
      'spec.remediation.allowed[0].tool: docker/get_logs only reads; it belongs in diagnosis.investigate.tools',
    ],
    [
      'an acting tool for the model',
      aPolicy({ diagnosis: { investigate: { tools: ['docker/restart_container'] } } }),
      'spec.diagnosis.investigate.tools[0]: docker/restart_container can change something; only tools that read are allowed here',
    ],
    [
      'a tool of another server for the model',
      aPolicy({ diagnosis: { investigate: { tools: ['acme/look'] } } }),
      'spec.diagnosis.investigate.tools[0]: acme/look is no built-in tool, and only of those is it known that they read',
    ],
    [
      'an unknown tool for the model',
      aPolicy({ diagnosis: { investigate: { tools: ['docker/get_log'] } } }),
      'spec.diagnosis.investigate.tools[0]: docker/get_log is no built-in tool, and only of those is it known that they read; did you mean docker/get_logs?',
    ],
    [
      'an unknown threshold',
      withAction({ on: ['unhelthy'] }),
      'spec.remediation.allowed[0].on[0]: no threshold is called unhelthy; did you mean unhealthy?',
    ],
    [
      'an action on what is absent',
      aPolicy({
        expected: [{ name: 'x' }],
        thresholds: [{ name: 'gone', signal: 'absent', severity: 'critical' }],
        remediation: { allowed: [{ name: 'a', tool: 'docker/restart_container', on: ['gone'] }] },
      }),
      'spec.remediation.allowed[0].on[0]: gone is about a workload that is absent: it is notified, never acted on',
    ],
    [
      'a wrong duration',
      aPolicy({ startPeriod: '30 seconds' }),
      'spec.startPeriod: must be a duration such as 90s, 10m or 1h30m',
    ],
    [
      'an endless duration',
      aPolicy({ startPeriod: '99999999d' }),
      'spec.startPeriod: must be at most 31d',
    ],
    [
      'a number for a duration',
      aPolicy({ startPeriod: 30 }),
      'spec.startPeriod: must be a string, not 30',
    ],
    [
      'a missing field',
      aPolicy({ thresholds: [{ name: 'a', signal: 'health' }] }),
      'spec.thresholds[0].severity: is required: warning or critical',
    ],
    ['no selector', aPolicy({ selector: undefined }), 'spec.selector: is required'],
    [
      'an empty selector',
      aPolicy({ selector: { exclude: { names: ['x'] } } }),
      'spec.selector: must name at least one field: an empty selector would govern every container',
    ],
    [
      'an empty list of labels',
      aPolicy({ selector: { matchLabels: {} } }),
      'spec.selector.matchLabels: must name at least one label',
    ],
    [
      'for on an event',
      aPolicy({
        thresholds: [{ name: 'oom', signal: 'oomKilled', for: '1m', severity: 'critical' }],
      }),
      'spec.thresholds[0].for: oomKilled is an event, which does not last: for does not apply',
    ],
    [
      'a window signal without window',
      aPolicy({ thresholds: [{ name: 'r', signal: 'restarts', above: 3, severity: 'critical' }] }),
      'spec.thresholds[0]: signal restarts needs window',
    ],
    [
      'a bound that is no number',
      aPolicy({
        thresholds: [
          { name: 'm', signal: 'memory.workingSet', above: 'much', severity: 'critical' },
        ],
      }),
      'spec.thresholds[0].above: must be a number, or a size such as 512m or 1Gi',
    ],
    [
      'absent without expected',
      aPolicy({ thresholds: [{ name: 'a', signal: 'absent', severity: 'critical' }] }),
      'spec.thresholds[0].signal: absent needs spec.expected to be measured against',
    ],
    [
      'a pattern that is none',
      aPolicy({
        thresholds: [
          {
            name: 'l',
            signal: 'log.matches',
            pattern: 'a[',
            above: 1,
            window: '1m',
            severity: 'warning',
          },
        ],
      }),
      'spec.thresholds[0].pattern: not a pattern in RE2 syntax: missing closing ] in [ (column 2 of the pattern)',
    ],
    [
      'an expression that is none',
      aPolicy({ thresholds: [{ name: 'w', when: 'memory.utilization >', severity: 'warning' }] }),
      'spec.thresholds[0].when: Unexpected token: EOF (column 21 of the expression)',
    ],
    [
      'a deny window that is none',
      aPolicy({ remediation: { windows: { deny: ['0 9 * * 1-5 / 8h Europe/Berln'] } } }),
      'spec.remediation.windows.deny[0]: there is no time zone Europe/Berln',
    ],
    [
      'an argument of the wrong type',
      withAction({ arguments: { timeoutSeconds: 'ten' } }),
      'spec.remediation.allowed[0].arguments.timeoutSeconds: is of type string, where the tool takes integer',
    ],
    [
      'an argument out of bounds',
      withAction({ arguments: { timeoutSeconds: -1 } }),
      'spec.remediation.allowed[0].arguments.timeoutSeconds: Too small: expected number to be >=0',
    ],
    [
      'an argument that the tool lacks',
      withAction({ arguments: { timeout: 1 } }),
      'spec.remediation.allowed[0].arguments.timeout: the tool takes no argument timeout; did you mean timeoutSeconds?',
    ],
    [
      'an expression of the wrong type',
      withAction({ arguments: { timeoutSeconds: { $expr: 'memory.utilization' } } }),
      'spec.remediation.allowed[0].arguments.timeoutSeconds.$expr: the expression is of type double, where the tool takes integer',
    ],
    [
      'a marker with a typo',
      withAction({ arguments: { timeoutSeconds: { $exp: '1' } } }),
      'spec.remediation.allowed[0].arguments.timeoutSeconds.$exp: there is no marker $exp; did you mean $expr?',
    ],
    [
      'a config',
      { kind: 'SentinelConfig' },
      'kind: SentinelConfig is no policy; it is given to sentinel run with --config',
    ],
    [
      'another kind',
      { kind: 'SentinelPolicies' },
      'kind: must be SentinelPolicy (sre-sentinel.io/v1alpha1); did you mean SentinelPolicy?',
    ],
    ['a list', [], ': must be a mapping with apiVersion, kind, metadata and spec'],
    [
      'another version',
      { ...Object(aPolicy()), apiVersion: 'sre-sentinel.io/v1' },
      'apiVersion: must be sre-sentinel.io/v1alpha1',
    ],
    [
      'a bound in percent',
      aPolicy({
        thresholds: [
          { name: 'm', signal: 'memory.utilization', above: '90%', severity: 'warning' },
        ],
      }),
      'spec.thresholds[0].above: must be a number: for 90% of a limit write 0.9',
    ],
    [
      'a count of a name',
      aPolicy({ expected: [{ name: 'x', count: 2 }] }),
      'spec.expected[0].count: a name is there only once',
    ],
    [
      'a service without its project',
      aPolicy({ expected: [{ service: 'x' }] }),
      'spec.expected[0]: needs either project and service, or name',
    ],
    [
      'a glob that is none',
      aPolicy({ selector: { names: ['web-{1,2'] } }),
      'spec.selector.names[0]: has a { without its }',
    ],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.deepEqual(complaints(value), [expected]);
    });
  }

  it('tells everything that is wrong at once', () => {
    const value = aPolicy({ startPeriod: 'x', priority: 'high', notify: ['A'] });

    assert.equal(complaints(value).length, 3);
  });

  for (const [what, value, expected] of [
    [
      'selection by labels alone',
      aPolicy({ selector: { matchLabels: { a: 'b' } } }),
      /^spec\.selector: selects by labels alone/,
    ],
    [
      'an action on logs that logs may not set off',
      withAction({ on: ['fatal'] }),
      /^spec\.remediation\.allowed\[0\]\.on: can never be eligible: every threshold in on is derived/,
    ],
    [
      'an action without a threshold',
      aPolicy({
        thresholds: [
          { name: 'e', signal: 'log.errors', above: 1, window: '1m', severity: 'warning' },
        ],
        remediation: { allowed: [{ name: 'a', tool: 'docker/restart_container' }] },
      }),
      /^spec\.remediation\.allowed\[0\]: can never be eligible: no threshold/,
    ],
    [
      'a tool that needs a second key',
      withAction({ tool: 'docker/recreate_container' }),
      /^spec\.remediation\.allowed\[0\]\.tool: .* tools\.enable/,
    ],
    [
      'a budget that forbids everything',
      withAction({}, { budget: { minHealthy: '100%' } }),
      /^spec\.remediation\.budget\.minHealthy: one other unhealthy/,
    ],
    [
      'approval in Shadow',
      withAction({ approval: 'Required' }, { mode: 'Shadow' }),
      /^spec\.remediation\.allowed\[0\]\.approval: has no effect in mode Shadow/,
    ],
    [
      'a mode without actions',
      aPolicy({ remediation: { mode: 'Auto' } }),
      /^spec\.remediation\.mode: has no effect/,
    ],
    [
      'a rollback of what cannot be undone',
      withAction({}, { verify: { onFailure: 'Rollback' } }),
      /^spec\.remediation\.verify\.onFailure: Rollback is the same as Next/,
    ],
    [
      'a window without end',
      withAction({}, { windows: { deny: ['0 * * * * / 1h'] } }),
      /^spec\.remediation\.windows\.deny\[0\]: never ends/,
    ],
    [
      'a percentage for a ratio',
      aPolicy({
        thresholds: [{ name: 'm', signal: 'memory.utilization', above: 90, severity: 'warning' }],
      }),
      /^spec\.thresholds\[0\]\.above: memory\.utilization is a ratio/,
    ],
    [
      'a word that a fact never is',
      aPolicy({
        thresholds: [
          { name: 'w', when: 'state != "running" || "Unhealthy" == health', severity: 'warning' },
        ],
      }),
      /^spec\.thresholds\[0\]\.when: health is never "Unhealthy"; .*did you mean unhealthy\?$/,
    ],
    [
      'a verification that passes later than it fails',
      withAction({}, { verify: { within: '10s', healthyFor: '10s' } }),
      /^spec\.remediation\.verify\.healthyFor: is not shorter than within \(10s\)/,
    ],
    [
      'a verification sooner than what is counted can come back',
      withAction({ on: ['fatal'] }, { allowLogTriggered: true, verify: { healthyFor: '30s' } }),
      /^spec\.remediation\.verify\.healthyFor: is shorter than the 1m over which fatal is counted/,
    ],
    [
      'a choice that no model would make',
      aPolicy({ modelRouting: { choose: 'Model', explain: ['cerebras/fast'] } }),
      /^spec\.modelRouting\.choose: has no effect: rootCause names no model/,
    ],
    [
      'an investigation that no model would make',
      aPolicy({ diagnosis: { investigate: { tools: ['docker/get_logs'] } } }),
      /^spec\.diagnosis\.investigate: has no effect: modelRouting\.rootCause names no model/,
    ],
    [
      'a route to a provider that nobody knows',
      aPolicy({ modelRouting: { rootCause: ['cerebras/fast', 'cerebas/deep'] } }),
      /^spec\.modelRouting\.rootCause\[1\]: .* names no provider cerebas, .*; did you mean cerebras\?$/,
    ],
    [
      'a model of this machine, of which nobody has said where it is',
      aPolicy({ modelRouting: { triage: ['team/any', 'local/small'] } }),
      /^spec\.modelRouting\.triage\[1\]: the SentinelConfig names no provider local/,
    ],
    [
      'a tool of a server that is not configured',
      withAction({ tool: 'k8s/restart', arguments: { name: { $target: 'name' } } }),
      /^spec\.remediation\.allowed\[0\]\.tool: no MCP server k8s is configured.*there are: gateway/,
    ],
    [
      'a pattern for every line',
      aPolicy({
        thresholds: [
          {
            name: 'l',
            signal: 'log.matches',
            pattern: 'x*',
            above: 1,
            window: '1m',
            severity: 'warning',
          },
        ],
      }),
      /^spec\.thresholds\[0\]\.pattern: matches the empty text/,
    ],
    [
      'a choice without a model',
      aPolicy({ modelRouting: { choose: 'Model' } }),
      /^spec\.modelRouting\.choose: has no effect/,
    ],
    [
      'a notifier that is not there',
      aPolicy({ notify: ['nobody'] }),
      /^spec\.notify\[0\]: there is no notifier nobody/,
    ],
  ] as const) {
    it(`warns of ${what}`, () => {
      const told = warnings(value);

      assert.equal(told.length, 1, told.join('\n'));
      assert.match(told[0] ?? '', expected);
    });
  }

  it('is not kept from loading by what another server says of its tools', () => {
    const args = { container_name: { $target: 'name' }, weight: 'heavy' };
    const value = withAction({ tool: 'acme/fail_over', arguments: args });
    const loads = [FAIL_OVER, undefined, { ...FAIL_OVER, inputSchema: {} }].map((tool) =>
      compilePolicySet([document(value)], { ...context, servers: ['acme'], tool: () => tool }),
    );

    assert.deepEqual(
      loads.map(({ policies, problems, warnings: told }) => [
        policies.length,
        problems,
        told.length,
      ]),
      [
        [1, [], 1],
        [1, [], 0],
        [1, [], 0],
      ],
    );
    const [doubt] = loads[0]?.warnings ?? [];
    assert.equal(doubt?.path, 'spec.remediation.allowed[0].arguments.weight');
    assert.match(doubt.message, /^acme\/fail_over will not be called: is of type string, where/);
  });

  it('says nothing of a policy in order', () => {
    assert.deepEqual(warnings(withAction({ on: ['unhealthy'] })), []);
    assert.deepEqual(
      warnings(
        withAction(
          { on: ['fatal'] },
          { allowLogTriggered: true, verify: { within: '10m', healthyFor: '5m' } },
        ),
      ),
      [],
    );
    assert.deepEqual(
      warnings(withAction({ tool: 'docker/exec_command', arguments: { command: ['x'] } })),
      [],
    );
  });

  it('refuses a secret in the clear, and takes the name of one', () => {
    const env = (value: unknown) =>
      withAction({ tool: 'docker/update_env_vars', arguments: { set: { TOKEN: value } } });
    const detecting = {
      ...context,
      secretDetector: (text: string, key: string) => key === 'TOKEN' && text === 's3cret',
    };

    const clear = compilePolicySet([document(env('s3cret'))], detecting);
    const named = compilePolicySet([document(env({ $secret: 'APP_TOKEN' }))], detecting);

    assert.deepEqual(
      clear.problems.map(({ path, message }) => [path, message]),
      [
        [
          'spec.remediation.allowed[0].arguments.set.TOKEN',
          'looks like a secret; write { $secret: NAME } instead',
        ],
      ],
    );
    assert.deepEqual(named.problems, []);
    assert.deepEqual(named.policies[0]?.actions[0]?.template.secrets, ['APP_TOKEN']);
  });

  it('takes for a secret what redaction takes out, unless told otherwise', () => {
    const set = { DB_PASSWORD: 'correct-horse-battery', LEVEL: 'debug' };
    const value = withAction({ tool: 'docker/update_env_vars', arguments: { set } });

    const { problems } = compilePolicySet([document(value)], context);

    assert.deepEqual(
      problems.map(({ path }) => path),
      ['spec.remediation.allowed[0].arguments.set.DB_PASSWORD'],
    );
  });

  it('never throws, whatever the document', () => {
    const isToldOrCompiled = fc.property(
      fc.jsonValue({ maxDepth: 5 }),
      fc.jsonValue(),
      (spec, part) => {
        const values = [
          spec,
          { ...Object(aPolicy()), spec },
          aPolicy({ selector: part }),
          withAction({ arguments: part }),
          aPolicy({ thresholds: [part] }),
        ];
        const set = compilePolicySet(
          values.map((value, index) => document(value, `${index}`)),
          context,
        );
        return set.policies.length + set.problems.length > 0;
      },
    );

    fc.assert(isToldOrCompiled, runs(300));
  });
});

/** The same value with the keys of every object in another order. */
function shuffled(value: unknown, keys: fc.Stream<number>): unknown {
  if (Array.isArray(value)) return value.map((item) => shuffled(item, keys));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value as JsonObject).map(([name, item]) => ({
    at: keys.next().value ?? 0,
    entry: [name, shuffled(item, keys)] as const,
  }));
  return Object.fromEntries(entries.sort((a, b) => a.at - b.at).map(({ entry }) => entry));
}
