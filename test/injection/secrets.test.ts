import assert from 'node:assert/strict';
import { it } from 'node:test';
import { VirtualClock } from '#adapters/memory/virtual-clock.ts';
import { isJsonObject, type JsonValue } from '#lib/json.ts';
import { passAtModelPace, watched } from '../support/at-model-pace.ts';
import { HostileEngine } from '../support/hostile-engine.ts';
import { startModels } from '../support/models.ts';
import {
  type ReceivedChat,
  type StandInReply,
  says,
  startStandIn,
} from '../support/openai-stand-in.ts';
import { MemoryOperator } from '../support/operator.ts';
import { aPolicy } from '../support/scenario.ts';

const CHECK = { intervalMs: 1_000, timeoutMs: 1_000, startPeriodMs: 0, retries: 3 };

/** Values of variables: whoever has them in its environment may print them in any way. */
const WEB_ENV = {
  DATABASE_URL: 'postgres://app:tr0ub4dor-quiet@db/shop',
  ADMIN_PASSWORD: 'p"s\\w/rd+%=9Zq',
  LICENSE: 'Zk3Qp9XxT2yV8wLm',
};
const DB_ENV = { POSTGRES_PASSWORD: 'Lantern/Meadow+98', REPLICATION_TOKEN: 'q7Vx2LmTz9Rk4WpB' };
const WEB_SECRETS = ['tr0ub4dor-quiet', WEB_ENV.ADMIN_PASSWORD, WEB_ENV.LICENSE];
const DB_SECRETS = Object.values(DB_ENV);

/** In pieces, so that nobody who looks for tokens in this repository takes them for real ones. */
const TOKENS = [
  ['ghp', '_', 'R4nd0mL00k1ngV4lu3F0rT3st1ngX7z9Kq'].join(''),
  ['AKIA', 'QX7ZP4LMN2RTVB5W'].join(''),
  ['xoxb', '-', '291827364512', '-', 'Kq8ZtVw3LmXp9RbN2cYd7FhS'].join(''),
  [
    'SWMTKN',
    '-1-',
    '3pu6hszjas19xyp7ghgosyx9k8atbfcr8p2is99znpy26u2lkl',
    '-7p73s1dx5in4tatdymyhg9hu2',
  ].join(''),
];
const KEY_BODY = [
  'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj',
  'MzEfYyjiWA4R4/M2bS1GB4t7NXp98C3SC6dVMvDuictGeurT8jNbvJZHtCSuYEvu',
  'NMoSfm76oqFvAp8Gy0iz5sxjZmSnXyCdPEovGhLa0VzMaQ8s+CLOyS56YyCFGeJZ',
];
const PEM = [
  '-----BEGIN PRIVATE ',
  'KEY-----\n',
  KEY_BODY.join('\n'),
  '\n-----END PRIVATE ',
  'KEY-----',
].join('');

/** In all the ways in which programs write a value. */
function written(value: string): string[] {
  const percent = encodeURIComponent(value);
  const base64 = Buffer.from(value).toString('base64');
  return [
    value,
    base64.replace(/=+$/, ''),
    Buffer.from(value).toString('base64url'),
    percent,
    percent.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    JSON.stringify(value).slice(1, -1),
  ];
}

/** What a container may print that knows these. */
function leaking(secrets: readonly string[]): string {
  const known = secrets
    .flatMap(written)
    .map((text, index) => `attempt ${index} with ${text} failed`);
  const found = TOKENS.map((token) => `\u001b[31mcalling with ${token}\u001b[0m now`);
  return [...known, ...found, 'password\u001b[0m: Gq7xLm2w9Tz', PEM].join('\n');
}

const READING = ['get_logs', 'health_check', 'get_stats', 'inspect_container'];
const POLICY = aPolicy({
  thresholds: [
    { name: 'unhealthy', signal: 'health', equals: 'unhealthy', severity: 'critical' },
    { name: 'crash', signal: 'exit', nonZero: true, severity: 'critical' },
  ],
  remediation: {
    mode: 'Auto',
    allowed: [
      {
        name: 'reload',
        tool: 'docker/exec_command',
        arguments: { command: ['reload', { $expr: 'container.labels["note"]' }] },
      },
    ],
  },
  modelRouting: { rootCause: ['local/deep'], explain: ['local/deep'], choose: 'Model' },
  diagnosis: {
    composeFile: 'compose.yaml',
    investigate: { tools: READING.map((tool) => `docker/${tool}`), maxSteps: 8 },
  },
});

/** Looks up whatever can be looked up, and cites everything that it was shown in its own words. */
function curious(): StandInReply {
  return (request, response) => {
    const { response_format: format, messages } = request.body;
    const schema = format?.type === 'json_schema' ? format.json_schema.schema : {};
    const properties = isJsonObject(schema['properties'] as JsonValue) ? schema['properties'] : {};
    const { look } = properties as { look?: { enum?: string[] } };
    const first = look?.enum?.[0];
    if (first !== undefined) return says({ look: first })(request, response);
    const words = messages.at(-1)?.content.slice(0, 300) ?? '';
    const answer =
      'summary' in (properties as object)
        ? { summary: words }
        : {
            explanation: words,
            rootCause: words.slice(0, 100),
            prevention: words,
            evidenceRefs: ['e1'],
            affectedComponents: ['c1'],
            choice: 'none',
            confidence: 1,
          };
    return says(answer)(request, response);
  };
}

it('no secret goes over the wire, wherever a container or its owner has left it', async () => {
  await using server = await startStandIn();
  server.sayAlways(curious());
  const models = watched(startModels({ local: { baseUrl: server.url } }).client);
  const clock = new VirtualClock();
  const engine = new HostileEngine(clock);
  const compose = `services:\n  db:\n    command: [postgres, ${DB_SECRETS.join(', ')}]\n`;
  const operator = await MemoryOperator.open([POLICY], {
    clock,
    engine,
    models: () => models.client,
    composeFile: `${compose}${leaking(WEB_SECRETS)}\n${leaking(DB_SECRETS)}\n`,
  });
  for (const [service, env, secrets] of [
    ['db', DB_ENV, DB_SECRETS],
    ['web', WEB_ENV, WEB_SECRETS],
  ] as const) {
    const name = `shop-${service}-1`;
    const text = leaking(secrets);
    engine.says(name, { health: text, error: text });
    await engine.add({
      name,
      env,
      health: CHECK,
      labels: {
        note: text,
        'com.docker.compose.project': 'shop',
        'com.docker.compose.service': service,
        'com.docker.compose.container-number': '1',
        'com.docker.compose.depends_on': service === 'web' ? `db:${TOKENS[0]}:false` : '',
      },
    });
  }
  await operator.pass(60_000);
  for (const [name, secrets] of [
    ['shop-db-1', DB_SECRETS],
    ['shop-web-1', WEB_SECRETS],
  ] as const) {
    for (const line of leaking(secrets).split('\n')) engine.writeLog(name, line, 'stderr');
  }
  engine.setHealth('shop-db-1', 'unhealthy');
  engine.setHealth('shop-web-1', 'unhealthy');

  await passAtModelPace(operator, models, 60_000);

  assert.ok(server.received.length >= 10, `${server.received.length} requests`);
  const known = [...WEB_SECRETS, ...DB_SECRETS].flatMap(written);
  const secrets = [...known, ...TOKENS, ...KEY_BODY, 'Gq7xLm2w9Tz'];
  for (const request of server.received) assertKeeps(request, secrets);
  // Arguments that a policy makes of labels are what a person is asked about, and stand there as they are.
  const records = operator.records.filter(({ type }) => type !== 'remediation.considered');
  const told = JSON.stringify([records, operator.warnings]);
  for (const secret of secrets) assert.ok(!told.includes(secret), `${secret} is on record`);
  await operator.stop();
});

/** Neither as it is on the wire, nor as the other side reads it. */
function assertKeeps({ text, body }: ReceivedChat, secrets: readonly string[]): void {
  const read = body.messages.map(({ content }) => content).join('\n');
  assert.match(read, /\[redacted:/);
  for (const secret of secrets) {
    assert.ok(!read.includes(secret), `${secret} in ${linesWith(read, secret)}`);
    assert.ok(!text.includes(JSON.stringify(secret).slice(1, -1)), `${secret} as JSON`);
    assert.ok(!text.includes(secret), `${secret} in the raw body`);
  }
}

function linesWith(text: string, part: string): string {
  return text
    .split('\n')
    .filter((line) => line.includes(part))
    .join(' | ');
}
