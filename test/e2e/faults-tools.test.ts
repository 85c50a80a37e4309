import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { describe, it } from 'node:test';
import type Docker from 'dockerode';
import type { Incident } from '#core/incident/incident.ts';
import { BUILTIN_TOOLS } from '#core/remediation/tools.ts';
import { eventually, TestStack } from '../support/engine.ts';
import { startEngineProxy } from '../support/engine-proxy.ts';
import { openEngine } from '../support/private-engine.ts';
import { SentinelProcess } from '../support/sentinel-process.ts';
import {
  aQuickPolicy,
  aService,
  breakHealth,
  crash,
  execIn,
  RESTART,
  recordEvents,
  type SeenEvent,
  stateOf,
} from '../support/workloads.ts';

const SECOND_NS = 1_000_000_000;
/** A hung restart is given its stop timeout and thirty seconds, and then it is observed. */
const HUNG_MS = 90_000;
const VERIFY = { within: '5s', healthyFor: '1s' };

const NEVER = new Promise<never>(() => undefined);

/** Calls that were made on a container, as the engine's proxy saw them. */
const callsOn = (requests: readonly string[], { id }: { readonly id: string }, verb: string) =>
  requests.filter((one) => one.includes(`/containers/${id}/${verb}`)).length;

/** Resolved, or handed over to people when nothing is left to try. */
async function untilOver(operator: SentinelProcess, name: string, ms?: number): Promise<Incident> {
  return operator.untilIncident(
    name,
    ({ resolution, escalations }) =>
      resolution !== undefined || escalations.some(({ reason }) => reason === 'LadderExhausted'),
    ms,
  );
}

async function assertEndsWell(operator: SentinelProcess): Promise<void> {
  assert.equal(await operator.stop(), 0);
  const verified = await operator.verifyJournal();
  assert.equal(verified.code, 0, verified.stdout);
}

/** How an incident ended, then the outcome of each of its attempts. */
type End = readonly [string, ...string[]];

/** A workload on which one tool is acting when Sentinel is killed. */
interface Case {
  readonly tool: string;
  readonly arguments?: (stack: TestStack) => object;
  readonly service?: (stack: TestStack) => Parameters<typeof aService>[2];
  /** Makes it break; without this it is broken from the start. */
  readonly breaks?: (container: Docker.Container) => Promise<void>;
  /** The call that is held, among those which the tool makes. */
  readonly call: (container: Docker.Container, name: string) => RegExp;
  /** By whether the engine had carried that call out. */
  readonly ends: Readonly<Record<Variant, End>>;
  /** What is there once for each time that the tool was carried out. */
  readonly trace: (seen: readonly SeenEvent[], container: Docker.Container) => Promise<number>;
  /** How often it was, in the end: never more than once. */
  readonly times: Readonly<Record<Variant, 0 | 1>>;
  readonly leaves?: Partial<Record<Variant, 'exited' | 'paused'>>;
}
type Variant = 'acted' | 'lost';

const onIt = (verb: string): Case['call'] => {
  return ({ id }) => new RegExp(`/containers/${id}/${verb}(\\?|$)`);
};
const byEvent = (action: string): Case['trace'] => {
  return async (seen) => seen.filter((one) => one.action === action).length;
};

const BROKEN = 'trap "exit 0" TERM; while :; do sleep 0.1; done';
const wellWhere = (test: string) => `${test} && touch /ok; ${BROKEN}`;
const broken = () => ({ script: BROKEN });

/** Its event proves that it was carried out; that nothing has changed proves that it was not. */
const EITHER_IS_PROVEN: Case['ends'] = {
  acted: ['Remediated', 'Succeeded'],
  lost: ['Remediated', 'NotExecuted', 'Succeeded'],
};
/** It might have been carried out without a trace. */
const ONLY_DONE_IS_PROVEN: Case['ends'] = {
  acted: ['Remediated', 'Succeeded'],
  lost: ['LadderExhausted', 'OutcomeUnknown'],
};
/** It leaves no trace that tells of this call, or is taken back half-way: either does not help. */
const NOTHING_IS_PROVEN: Case['ends'] = {
  acted: ['LadderExhausted', 'OutcomeUnknown'],
  lost: ['LadderExhausted', 'OutcomeUnknown'],
};
const ONCE = { acted: 1, lost: 1 } as const;
const IF_ACTED = { acted: 1, lost: 0 } as const;

const CASES: Readonly<Record<string, Case>> = {
  restarted: {
    tool: 'restart_container',
    breaks: breakHealth,
    call: onIt('restart'),
    ends: EITHER_IS_PROVEN,
    trace: byEvent('restart'),
    times: ONCE,
  },
  started: {
    tool: 'start_container',
    service: () => ({ unchecked: true }),
    breaks: (container) => crash(container, 3),
    call: onIt('start'),
    ends: ONLY_DONE_IS_PROVEN,
    trace: byEvent('start'),
    times: IF_ACTED,
    leaves: { lost: 'exited' },
  },
  stopped: {
    tool: 'stop_container',
    service: broken,
    call: onIt('stop'),
    ends: EITHER_IS_PROVEN,
    trace: byEvent('stop'),
    times: ONCE,
    leaves: { acted: 'exited', lost: 'exited' },
  },
  killed: {
    tool: 'kill_container',
    arguments: () => ({ signal: 'SIGALRM' }),
    service: () => ({ script: `trap "touch /ok" ALRM; ${BROKEN}` }),
    call: onIt('kill'),
    ends: ONLY_DONE_IS_PROVEN,
    trace: byEvent('kill'),
    times: IF_ACTED,
  },
  paused: {
    tool: 'pause_container',
    service: broken,
    call: onIt('pause'),
    ends: EITHER_IS_PROVEN,
    trace: byEvent('pause'),
    times: ONCE,
    leaves: { acted: 'paused', lost: 'paused' },
  },
  unpaused: {
    tool: 'unpause_container',
    service: () => ({ unchecked: true }),
    call: onIt('unpause'),
    ends: EITHER_IS_PROVEN,
    trace: byEvent('unpause'),
    times: ONCE,
  },
  updated: {
    tool: 'update_resources',
    arguments: () => ({ memory: '64m' }),
    service: () => ({ script: BROKEN, HostConfig: { Memory: 32 << 20 } }),
    call: onIt('update'),
    ends: NOTHING_IS_PROVEN,
    async trace(_seen, container) {
      const { HostConfig } = await container.inspect();
      return HostConfig.Memory === 64 << 20 ? 1 : 0;
    },
    times: IF_ACTED,
  },
  executed: {
    tool: 'exec_command',
    arguments: () => ({ command: ['sh', '-c', 'echo once >> /ran; touch /ok'] }),
    service: broken,
    call: () => /\/exec\/[^/]+\/start$/,
    ends: { ...NOTHING_IS_PROVEN, acted: ['SelfRecovered', 'OutcomeUnknown'] },
    async trace(_seen, container) {
      const { output } = await execIn(container, ['sh', '-c', 'cat /ran || true']);
      return output.match(/^once/gm)?.length ?? 0;
    },
    times: IF_ACTED,
  },
  // At the first, a middle and a late step of a replacement.
  reset: {
    tool: 'update_env_vars',
    arguments: () => ({ set: { MODE: 'good' } }),
    service: () => ({ script: wellWhere('[ "$MODE" = good ]'), Env: ['MODE=bad'] }),
    call: (_container, name) => new RegExp(`/containers/create\\?.*${name}`),
    ends: NOTHING_IS_PROVEN,
    trace: byEvent('create'),
    times: IF_ACTED,
  },
  recreated: {
    tool: 'recreate_container',
    service: () => ({ script: `[ -f /been ] || touch /ok /been; ${BROKEN}` }),
    breaks: breakHealth,
    call: onIt('stop'),
    ends: NOTHING_IS_PROVEN,
    trace: byEvent('create'),
    times: ONCE,
  },
  reverted: {
    tool: 'rollback_image',
    arguments: (stack) => ({ image: imageOf(stack) }),
    service: () => ({ script: wellWhere('[ -f /good ]') }),
    call: onIt('rename'),
    ends: NOTHING_IS_PROVEN,
    trace: byEvent('create'),
    times: ONCE,
  },
};
const imageOf = ({ prefix }: TestStack) => `sre-sentinel-test/${prefix}:good`;
const ACTING = Object.values(BUILTIN_TOOLS).filter(({ readOnly }) => !readOnly);

// Most of the time is spent waiting: for a call that hangs, and for what verification asks.
describe('faults of tools', { concurrency: true }, () => {
  describe('tools that never answer', () => {
    it('are observed, not repeated, and hold up nobody else', async () => {
      await using engine = await openEngine();
      await using stack = await TestStack.open(engine.docker);
      const [acted, lost, late, other] = (await Promise.all(
        (['acted', 'lost', 'late', 'other'] as const).map((name) =>
          aService(stack, name, { unchecked: true }),
        ),
      )) as [Docker.Container, Docker.Container, Docker.Container, Docker.Container];
      await using events = await recordEvents(stack);
      const givenUp = Promise.withResolvers<void>();
      const isRestartOf = (url: string | undefined, { id }: Docker.Container) =>
        url?.includes(`/containers/${id}/restart`) === true;
      let isLost = false;
      await using proxy = await startEngineProxy({
        ...engine.way,
        before({ url }) {
          if (isRestartOf(url, late)) return givenUp.promise;
          if (!isRestartOf(url, lost) || isLost) return undefined;
          isLost = true;
          return NEVER;
        },
        after: ({ url }) => (isRestartOf(url, acted) ? NEVER : undefined),
      });
      const again = { ...RESTART, name: 'again' };
      await using operator = await SentinelProcess.start({
        policies: [
          aQuickPolicy(stack, { remediation: { allowed: [RESTART, again], verify: VERIFY } }),
        ],
        env: { DOCKER_HOST: `tcp://127.0.0.1:${proxy.port}` },
      });
      const outcomesOf = async (name: string) =>
        (await operator.incidentsOf(stack.name(name))).flatMap(({ attempts }) =>
          attempts.map(({ outcome }) => outcome),
        );

      await Promise.all([acted, lost, late].map((one) => crash(one, 3)));
      await eventually(
        () => [acted, lost, late].every((one) => callsOn(proxy.requests, one, 'restart') === 1),
        { what: 'three calls under way', timeoutMs: 60_000 },
      );
      await crash(other, 4);
      const served = await untilOver(operator, stack.name('other'), HUNG_MS);
      assert.equal(served.resolution, 'Remediated');
      for (const name of ['acted', 'lost', 'late']) {
        assert.deepEqual(await outcomesOf(name), [undefined]);
      }
      await operator.untilIncident(
        stack.name('late'),
        ({ attempts }) => attempts[0]?.outcome === 'OutcomeUnknown',
        HUNG_MS,
      );
      givenUp.resolve();
      const [didAct, wasLost, cameLate] = await Promise.all(
        ['acted', 'lost', 'late'].map((name) => untilOver(operator, stack.name(name), HUNG_MS)),
      );

      const told = (incident: Incident | undefined) => [
        incident?.resolution,
        ...(incident?.attempts ?? []).map(
          ({ outcome, verification }) => `${outcome} ${verification}`,
        ),
      ];
      assert.deepEqual(told(didAct), ['SelfRecovered', 'OutcomeUnknown Passed']);
      assert.deepEqual(told(cameLate), ['SelfRecovered', 'OutcomeUnknown Passed']);
      assert.deepEqual(told(wasLost), ['Remediated', 'OutcomeUnknown Failed', 'Succeeded Passed']);
      for (const one of [acted, lost, late, other]) {
        assert.equal(events.count(one, 'restart'), 1);
        assert.equal(events.count(one, 'start'), 1);
        assert.equal((await stateOf(one)).Running, true);
      }
      assert.equal(callsOn(proxy.requests, acted, 'restart'), 1);
      assert.equal(callsOn(proxy.requests, late, 'restart'), 1);
      // The second one only after the first was observed for as long as a verification takes.
      const ofLost = (await operator.records()).filter(({ workload }) =>
        workload.endsWith('-lost'),
      );
      const seqOf = (type: string, index: number) =>
        ofLost.filter((one) => one.type === type)[index]?.seq ?? Number.NaN;
      assert.ok(seqOf('verification.failed', 0) < seqOf('remediation.intended', 1));
      await assertEndsWell(operator);
    });
  });

  describe('a Sentinel that is killed while its tools act', { concurrency: true }, () => {
    it('is tried with every tool that acts', () => {
      const tried = Object.values(CASES).map(({ tool }) => `docker/${tool}`);

      assert.deepEqual(tried.sort(), ACTING.map(({ name }) => name).sort());
    });

    for (const variant of ['acted', 'lost'] as const) {
      const when =
        variant === 'acted' ? 'when the engine had acted' : 'before the engine had acted';
      it(`ends each intent by what is proven, and repeats nothing: ${when}`, async () => {
        await using engine = await openEngine();
        await using stack = await TestStack.open(engine.docker);
        await using _image = await anImage(stack);
        const workloads = await Promise.all(
          Object.entries(CASES).map(async ([name, one]) => ({
            ...one,
            name: stack.name(name),
            container: await aChecked(stack, name, one.service?.(stack)),
          })),
        );
        const unpaused = workloads.find(({ tool }) => tool === 'unpause_container');
        await unpaused?.container.pause();
        await using events = await recordEvents(stack);
        const held = new Set<string>();
        const killed = Promise.withResolvers<void>();
        const hold = ({ url = '' }: IncomingMessage) => {
          const one = workloads.find(({ call, container, name }) =>
            call(container, name).test(url),
          );
          if (one === undefined || held.has(one.name)) return undefined;
          held.add(one.name);
          return killed.promise;
        };
        await using proxy = await startEngineProxy({
          ...engine.way,
          ...(variant === 'acted' ? { after: hold } : { before: hold }),
        });
        await using operator = await SentinelProcess.start({
          policies: workloads.map(({ name, tool, arguments: args }) =>
            aQuickPolicy(stack, {
              name: tool.replaceAll('_', '-'),
              spec: {
                selector: { names: [name] },
                ...(tool === 'unpause_container' && { thresholds: [PAUSED] }),
              },
              remediation: {
                allowed: [
                  {
                    name: 'act',
                    tool: `docker/${tool}`,
                    cooldown: '1s',
                    ...(args && { arguments: args(stack) }),
                  },
                ],
                verify: VERIFY,
              },
            }),
          ),
          config: {
            tools: { enable: ACTING.filter((one) => one.needsEnable).map((one) => one.name) },
          },
          env: { DOCKER_HOST: `tcp://127.0.0.1:${proxy.port}` },
        });
        await using _approver = approving(operator, unpaused?.name ?? '');

        await Promise.all(workloads.map(async ({ breaks, container }) => breaks?.(container)));
        for (const { name } of workloads) {
          await eventually(() => held.has(name), { what: `a call for ${name}`, timeoutMs: 60_000 });
        }
        await operator.kill9();
        if (variant === 'acted') killed.resolve();
        else killed.reject(new Error('the call is lost with its caller'));
        await operator.start();
        const incidents = await Promise.all(
          workloads.map(({ name }) => untilOver(operator, name, HUNG_MS)),
        );

        for (const [index, { name, ends }] of workloads.entries()) {
          const { resolution, escalations = [], attempts = [] } = incidents[index] ?? {};
          assert.deepEqual(
            [resolution ?? escalations[0]?.reason, ...attempts.map(({ outcome }) => outcome)],
            ends[variant],
            `${name}: ${JSON.stringify(attempts, null, 1)}`,
          );
        }
        for (const { name, container, trace, times, leaves } of workloads) {
          const seen = events.seen.filter((one) => one.name.includes(name));
          const told = `${name}: ${seen.map(({ action }) => action).join(' ')}`;
          assert.equal(await trace(seen, container), times[variant], told);
          await eventually(async () => (await namesLike(stack, name)).length === 1, {
            what: `${name} alone, without what a replacement leaves behind`,
          });
          const { State } = await stack.docker.getContainer(name).inspect();
          assert.equal(State.Status, leaves?.[variant] ?? 'running', told);
        }
        await assertEndsWell(operator);
      });
    }
  });
});

const PAUSED = { name: 'paused', signal: 'state', equals: 'paused', severity: 'critical' };

/** Looked at less often than in other tests: each look is three events of those that are kept. */
async function aChecked(
  stack: TestStack,
  suffix: string,
  service: Parameters<typeof aService>[2] = {},
): Promise<Docker.Container> {
  const Healthcheck = {
    Test: ['CMD-SHELL', '[ -f /ok ]'],
    Interval: 4 * SECOND_NS,
    Timeout: 10 * SECOND_NS,
    Retries: 1,
  };
  const checked = service.unchecked === true ? {} : { Healthcheck };
  return aService(stack, suffix, { StopTimeout: 2, ...checked, ...service });
}

/** The image that is gone back to; its file makes the workload well. */
async function anImage(stack: TestStack): Promise<AsyncDisposable> {
  const box = await stack.container('box', { script: 'touch /good' });
  await box.wait();
  const [repo, tag] = imageOf(stack).split(':');
  await box.commit({ repo, tag });
  await box.remove();
  return {
    async [Symbol.asyncDispose]() {
      await stack.docker.getImage(imageOf(stack)).remove({ force: true });
    },
  };
}

/** A person who says that Sentinel may act on what it found and nobody saw happen. */
function approving(operator: SentinelProcess, name: string): AsyncDisposable {
  let isOver = false;
  const approveAll = async () => {
    for (const { name: incident, candidates, workload } of await operator.incidentsOf(name)) {
      const asked = candidates.find(({ blockedBy }) =>
        blockedBy.some(({ reason }) => reason === 'IntentUnknown'),
      );
      if (asked === undefined) continue;
      const body = { candidate: asked.id, container: workload.id };
      await operator.post(`/api/v1/incidents/${incident}/approve`, body);
    }
  };
  const done = eventually(
    async () => {
      // Nobody answers while the operator is killed and comes back.
      await approveAll().catch(() => undefined);
      return isOver;
    },
    { everyMs: 200, timeoutMs: 240_000 },
  );
  return {
    async [Symbol.asyncDispose]() {
      isOver = true;
      await done;
    },
  };
}

async function namesLike(stack: TestStack, name: string): Promise<string[]> {
  const all = await stack.docker.listContainers({ all: true });
  return all.flatMap(({ Names }) => Names).filter((one) => one.includes(name));
}
