import assert from 'node:assert/strict';
import { chmod, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { describe, it } from 'node:test';
import { createBuiltinActions } from '#actions/builtin-actions.ts';
import { createDockerConnection } from '#adapters/docker/connection.ts';
import { createDockerOperations } from '#adapters/docker/docker-operations.ts';
import { createDockerRuntime } from '#adapters/docker/docker-runtime.ts';
import { createMemoryActionRunner } from '#adapters/memory/memory-action-runner.ts';
import { createMemoryJournalStorage } from '#adapters/memory/memory-journal-storage.ts';
import { createMemoryPolicySource } from '#adapters/memory/memory-policy-source.ts';
import { createSystemClock } from '#adapters/system/system-clock.ts';
import { Controller } from '#controller/controller.ts';
import { openJournal } from '#controller/journal/journal.ts';
import { operatorReducer } from '#controller/journal-state.ts';
import { BUILTIN_TOOL_NAMES, builtinTool } from '#core/remediation/tools.ts';
import { eventually, TestStack } from '../support/engine.ts';
import { type EngineProxy, startEngineProxy } from '../support/engine-proxy.ts';
import {
  openEngine,
  PrivateEngine,
  type TestEngine,
  whyNoPrivateEngine,
} from '../support/private-engine.ts';
import { HOST, SentinelProcess } from '../support/sentinel-process.ts';
import {
  aQuickPolicy,
  aService,
  breakHealth,
  crash,
  recordEvents,
  stateOf,
  untilHealth,
} from '../support/workloads.ts';

/** For a minute after the engine was away all is left to settle; only then is it healed. */
const SETTLED_MS = 150_000;
/** A bound on a hang, on a machine that is busy with others. */
const PATIENCE_MS = 60_000;
const ALWAYS = { HostConfig: { RestartPolicy: { Name: 'always' } }, unchecked: true };

const whyNot = await whyNoPrivateEngine();
const skipped = (why: string | undefined) => (why === undefined ? '' : ` (skipped: ${why})`);

/** @returns what /readyz says of the engine */
async function untilReadyz(operator: SentinelProcess, status: 200 | 503): Promise<string> {
  const { body } = await eventually(
    async () => {
      const answer = await operator.get('/readyz');
      return answer.status === status && answer;
    },
    { what: `/readyz ${status}`, timeoutMs: PATIENCE_MS },
  );
  const { checks } = body as { checks: { name: string; ok: boolean; message: string }[] };
  const docker = checks.find(({ name }) => name === 'docker');
  assert.equal(docker?.ok, status === 200);
  return docker.message;
}

/** One action was carried out and passed; what was refused at its second look is not counted. */
async function assertHealedOnce(operator: SentinelProcess, name: string): Promise<void> {
  const incident = await operator.untilIncident(
    name,
    ({ resolution }) => resolution !== undefined,
    SETTLED_MS,
  );
  assert.equal(incident.resolution, 'Remediated');
  const carriedOut = incident.attempts.filter(({ outcome }) => outcome !== 'NotExecuted');
  assert.deepEqual(
    carriedOut.map(({ outcome, verification }) => [outcome, verification]),
    [['Succeeded', 'Passed']],
  );
}

async function assertUntouched(operator: SentinelProcess, ...names: string[]): Promise<void> {
  const incidents = await Promise.all(names.map((name) => operator.incidentsOf(name)));
  const attempts = incidents.flat().flatMap((incident) => incident.attempts);
  assert.deepEqual(attempts, []);
}

async function assertEndsWell(operator: SentinelProcess): Promise<void> {
  assert.equal(await operator.stop(), 0);
  const verified = await operator.verifyJournal();
  assert.equal(verified.code, 0, verified.stdout);
}

// Most of the time is the minute of settling: it passes for all at once.
describe('faults of the engine', { concurrency: true }, () => {
  describe('an engine that is ended and started under a running Sentinel', {
    concurrency: true,
  }, () => {
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      it(`is left to settle, and what breaks after it is healed once: ${signal}${skipped(whyNot)}`, {
        skip: whyNot ?? false,
      }, async () => {
        await using engine = await PrivateEngine.start();
        await using stack = await TestStack.open(engine.docker);
        const [kept, breaking, plain, later] = await Promise.all([
          aService(stack, 'kept', ALWAYS),
          aService(stack, 'breaking', ALWAYS),
          aService(stack, 'plain', { unchecked: true }),
          aService(stack, 'later', { unchecked: true }),
        ]);
        await using operator = await SentinelProcess.start({
          policies: [aQuickPolicy(stack)],
          env: { DOCKER_HOST: engine.host },
        });
        const nameOf = stack.name.bind(stack);
        const causeOfLastStart = async (name: string) =>
          (await operator.state()).workloads[`${HOST}/${nameOf(name)}`]?.starts.at(-1)?.cause;

        // It ends before or after dockerd does, and is the engine's to start either way.
        await crash(breaking, 3);
        await engine.end(signal);
        assert.match(await untilReadyz(operator, 503), /cannot be reached/);
        await engine.start();
        await using events = await recordEvents(stack, 'start');
        await untilReadyz(operator, 200);
        for (const name of ['kept', 'breaking']) {
          await eventually(async () => (await causeOfLastStart(name)) === 'Engine', {
            what: `a start of ${name} that is the engine's`,
            timeoutMs: PATIENCE_MS,
          });
        }
        await later.start();
        await crash(later, 4);
        await operator.untilRefused(nameOf('later'), 'Settling');
        await assertHealedOnce(operator, nameOf('later'));

        await assertUntouched(operator, nameOf('kept'), nameOf('breaking'), nameOf('plain'));
        // Without a restart policy nobody starts it: neither the engine nor Sentinel.
        assert.equal((await stateOf(plain)).Running, false);
        assert.equal(events.count(plain, 'start'), 0);
        assert.equal(events.count(kept, 'start'), 1);
        assert.equal(events.count(kept, 'restart') + events.count(breaking, 'restart'), 0);
        // By the test, and by Sentinel.
        assert.equal(events.count(later, 'start'), 2);
        assert.equal(events.count(later, 'restart'), 1);
        const { items } = (await operator.get('/api/v1/workloads')).body as {
          items: { metadata: { name: string }; status: { state: string; startedAt?: string } }[];
        };
        const shown = items.find(({ metadata }) => metadata.name === `${HOST}/${nameOf('kept')}`);
        const { StartedAt } = await stateOf(kept);
        assert.equal(Date.parse(shown?.status.startedAt ?? ''), Date.parse(StartedAt));
        await assertEndsWell(operator);
      });
    }
  });

  describe('a socket that leads to no engine', { concurrency: true }, () => {
    /** A socket of the test's own, which leads to the engine while it is open. */
    async function aSocket(way: TestEngine['way']) {
      const folder = await mkdtemp(join(tmpdir(), 'sst-socket-'));
      const path = join(folder, 'docker.sock');
      let proxy: EngineProxy | undefined;
      const close = async () => {
        await proxy?.[Symbol.asyncDispose]();
        proxy = undefined;
      };
      return {
        path,
        env: { DOCKER_HOST: `unix://${path}` },
        async open() {
          await rm(path, { force: true });
          proxy = await startEngineProxy({ path, ...way });
        },
        /** The file goes with whoever listened. */
        close,
        /** As a killed engine leaves it: the file is there, and nobody listens. */
        async leaveFile() {
          const aside = join(folder, 'left.sock');
          proxy = await startEngineProxy({ path: aside, ...way });
          await rename(aside, `${aside}.kept`);
          await close();
          await rename(`${aside}.kept`, path);
        },
        async [Symbol.asyncDispose]() {
          await close();
          await rm(folder, { recursive: true, force: true });
        },
      };
    }
    /** Calls to the engine that got no answer. */
    async function failedCalls(operator: SentinelProcess): Promise<number> {
      const { body } = await operator.get('/metrics');
      const line = /^sentinel_docker_requests_total\{(?=.*code="error").*\} (\d+)/m.exec(
        String(body),
      );
      return Number(line?.[1] ?? 0);
    }
    async function untilRefused(operator: SentinelProcess): Promise<void> {
      const before = await failedCalls(operator);
      await eventually(async () => (await failedCalls(operator)) > before, {
        what: 'a call that is refused',
        timeoutMs: PATIENCE_MS,
      });
    }

    it('is waited for, gone or refusing: what broke meanwhile is healed once it is back', async () => {
      await using engine = await openEngine();
      await using stack = await TestStack.open(engine.docker);
      const job = await aService(stack, 'job', { unchecked: true });
      await using events = await recordEvents(stack);
      await using socket = await aSocket(engine.way);
      await socket.open();
      await using operator = await SentinelProcess.start({
        policies: [aQuickPolicy(stack)],
        env: socket.env,
      });

      await socket.close();
      assert.match(await untilReadyz(operator, 503), /cannot be reached/);
      await crash(job, 3);
      await job.wait();
      await untilRefused(operator);
      await socket.leaveFile();
      await untilRefused(operator);
      assert.equal((await operator.get('/readyz')).status, 503);
      await socket.open();
      await untilReadyz(operator, 200);
      await operator.untilRefused(stack.name('job'), 'Settling');
      await assertHealedOnce(operator, stack.name('job'));

      assert.equal(events.count(job, 'start'), 1);
      await assertEndsWell(operator);
    });

    it('at the very first start is told and waited for', async () => {
      await using engine = await openEngine();
      await using stack = await TestStack.open(engine.docker);
      const job = await aService(stack, 'job', { unchecked: true });
      await using events = await recordEvents(stack);
      await using socket = await aSocket(engine.way);
      await using operator = await SentinelProcess.start({
        policies: [aQuickPolicy(stack)],
        env: socket.env,
        until: 'serving',
      });

      assert.match(await untilReadyz(operator, 503), /cannot be reached/);
      assert.match(JSON.stringify(operator.logs), /cannot be reached; trying on/);
      assert.match(JSON.stringify(operator.logs), /connect ENOENT/);
      assert.equal((await operator.get('/healthz')).status, 200);
      await socket.open();
      await untilReadyz(operator, 200);
      await crash(job, 3);
      await operator.untilRefused(stack.name('job'), 'Settling');
      await assertHealedOnce(operator, stack.name('job'));

      assert.equal(events.count(job, 'start'), 1);
      await assertEndsWell(operator);
    });

    const isRoot = process.getuid?.() === 0;
    it(`is waited for where it may not be opened${isRoot ? ' (skipped: root may open any)' : ''}`, {
      skip: isRoot,
    }, async () => {
      await using socket = await aSocket({});
      await socket.open();
      await chmod(socket.path, 0o000);
      await using operator = await SentinelProcess.start({
        policies: [],
        env: socket.env,
        until: 'serving',
      });

      assert.match(await untilReadyz(operator, 503), /cannot be reached/);
      assert.match(JSON.stringify(operator.logs), /connect EACCES/);
      await chmod(socket.path, 0o600);
      await untilReadyz(operator, 200);

      await assertEndsWell(operator);
    });
  });

  // One after the other, beside those that settle: many starts at once take each other's time.
  describe('an event stream that is open and no good', { concurrency: 1 }, () => {
    /** The live stream; what is asked of the past ends by itself. */
    const isLiveStream = (url = '') => url.includes('/events?') && !url.includes('until=');

    it('is given up at the next resync where it has gone silent', async () => {
      await using engine = await openEngine();
      await using stack = await TestStack.open(engine.docker);
      const job = await aService(stack, 'job', { unchecked: true });
      const web = await aService(stack, 'web');
      await untilHealth(web, 'healthy');
      await using events = await recordEvents(stack);
      let isSilent = false;
      await using proxy = await startEngineProxy({
        ...engine.way,
        relay: ({ url }, body) =>
          isLiveStream(url) ? body.pipe(filtered((chunk) => (isSilent ? '' : chunk))) : body,
      });
      await using operator = await inProcess(proxy.port, aQuickPolicy(stack), 3_000);
      const opened = () => proxy.requests.filter((one) => isLiveStream(one)).length;
      assert.equal(opened(), 1);

      isSilent = true;
      await Promise.all([crash(job, 3), breakHealth(web)]);
      await Promise.all([job.wait(), untilHealth(web, 'unhealthy')]);
      await eventually(() => opened() > 1, {
        what: 'another event stream',
        timeoutMs: PATIENCE_MS,
      });
      isSilent = false;
      const resolutions = await eventually(
        () => {
          const all = Object.values(operator.journal.state().incidents);
          return all.length === 2 && all.every(({ resolution }) => resolution !== undefined) && all;
        },
        { what: 'two incidents that are over', timeoutMs: PATIENCE_MS },
      );

      assert.deepEqual(
        resolutions.map(({ resolution, escalations }) => [resolution, escalations.length]),
        [
          ['Remediated', 0],
          ['Remediated', 0],
        ],
      );
      assert.equal(events.count(job, 'start'), 1);
      assert.equal(events.count(web, 'restart'), 1);
    });

    for (const [what, spoil] of [
      ['garbage between events', (chunk: string) => `}garbage{\n${chunk}`],
      ['an event that is cut off in the middle', (chunk: string) => chunk.slice(0, 40)],
      ['an event amid which another begins', (chunk: string) => chunk.slice(0, 40) + chunk],
      [
        'an event that is JSON of another shape',
        (chunk: string) => `[1, null]\n{"Type":7}\n${chunk}`,
      ],
    ] as const) {
      it(`is opened anew or read on after ${what}, and nothing is missed or done twice`, async () => {
        await using engine = await openEngine();
        await using stack = await TestStack.open(engine.docker);
        const job = await aService(stack, 'job', { unchecked: true });
        await using events = await recordEvents(stack);
        let spoilt = 0;
        await using proxy = await startEngineProxy({
          ...engine.way,
          relay({ url }, body) {
            if (!isLiveStream(url)) return body;
            const passed = filtered((chunk) => {
              if (!chunk.includes(stack.prefix) || spoilt > 2) return chunk;
              spoilt += 1;
              // Nothing follows an event that was cut off: the connection is.
              if (spoil(chunk).length < chunk.length) setImmediate(() => passed.destroy());
              return spoil(chunk);
            });
            return body.pipe(passed);
          },
        });
        await using operator = await SentinelProcess.start({
          policies: [aQuickPolicy(stack)],
          env: { DOCKER_HOST: `tcp://127.0.0.1:${proxy.port}` },
        });

        await crash(job, 3);
        await assertHealedOnce(operator, stack.name('job'));

        assert.ok(spoilt > 0);
        assert.equal(events.count(job, 'start'), 1);
        await untilReadyz(operator, 200);
        await assertEndsWell(operator);
      });
    }

    function filtered(pass: (chunk: string) => string): Transform {
      return new Transform({
        transform(chunk: Buffer, _encoding, done) {
          done(null, pass(chunk.toString()));
        },
      });
    }
  });
});

/** The control loop on the real engine, for what a process does only every five minutes. */
async function inProcess(port: number, policy: object, resyncMs: number) {
  const clock = createSystemClock();
  const connection = createDockerConnection({ DOCKER_HOST: `tcp://127.0.0.1:${port}` });
  const runtime = createDockerRuntime({ connection, clock });
  const operations = createDockerOperations({ connection });
  const journal = await openJournal({
    storage: createMemoryJournalStorage(),
    clock,
    reducer: operatorReducer,
    started: { version: 'test', host: HOST, mode: 'Policy' },
    newJournalId: 'journal',
    yieldToLoop: async () => undefined,
  });
  const policies = createMemoryPolicySource([policy], {
    tool: builtinTool,
    builtinTools: BUILTIN_TOOL_NAMES,
  });
  const actions = createBuiltinActions({ runtime, operations, clock });
  const controller = new Controller({
    runtime,
    actions: createMemoryActionRunner({ actions, clock }),
    policies,
    journal,
    clock,
    host: HOST,
    mac: (text) => text,
    shadowAll: false,
    maxActions: { max: 10, perMs: 600_000 },
    protectedContainers: () => new Map(),
    resolveSecrets: (args) => ({ ok: true, arguments: args }),
    resyncMs,
  });
  controller.start();
  await controller.untilIdle();
  return {
    journal,
    async [Symbol.asyncDispose]() {
      await controller.stop('test');
      await journal.close();
      connection[Symbol.dispose]();
    },
  };
}
