import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createMemoryPolicySource } from '#adapters/memory/memory-policy-source.ts';
import { VirtualClock } from '#adapters/memory/virtual-clock.ts';
import type { NamedRoute } from '#core/policy/routes.ts';
import { BUILTIN_TOOL_NAMES, builtinTool } from '#core/remediation/tools.ts';
import type { ModelClient, RouteReadiness } from '#ports/model-client.ts';
import { aPolicy } from '../../test/support/scenario.ts';
import { startModelProbes } from './model-probes.ts';

const MINUTE_MS = 60_000;
const READY: RouteReadiness = { ready: true };
const AWAY: RouteReadiness = { ready: false, reason: 'Unreachable', message: 'away' };
const UNKNOWN: RouteReadiness = { ready: false, reason: 'NotProbed', message: 'not asked' };

/** Providers as a test sets them, and what was asked of them when. */
function started(...policies: object[]) {
  const clock = new VirtualClock();
  /** What a probe would find. */
  const found = new Map<string, RouteReadiness>();
  /** What the client knows by now. */
  const known = new Map<string, RouteReadiness>();
  const probed: string[] = [];
  const told: string[] = [];
  const routes: (readonly NamedRoute[])[] = [];
  let signal: AbortSignal | undefined;
  const models: Pick<ModelClient, 'probe' | 'readiness'> = {
    readiness: (route) => known.get(route) ?? UNKNOWN,
    async probe(route, stop) {
      signal = stop;
      probed.push(`${route} ${clock.bootMs() / MINUTE_MS}`);
      await clock.sleep(0);
      const readiness = found.get(route) ?? READY;
      known.set(route, readiness);
      return readiness;
    },
  };
  const source = createMemoryPolicySource(policies, {
    tool: builtinTool,
    builtinTools: BUILTIN_TOOL_NAMES,
  });
  const start = () =>
    startModelProbes({
      models,
      policies: source,
      clock,
      listener: {
        onRoutes: (all) => routes.push(all),
        onReadiness: (route, readiness) =>
          told.push(`${route} ${readiness.ready ? 'Ready' : readiness.reason}`),
      },
    });
  return { clock, found, known, probed, told, routes, source, start, signal: () => signal };
}

const asks = (modelRouting: object, name = 'web') => aPolicy({ modelRouting }, name);

describe('the probes of models', () => {
  it('ask nothing, and wait for nothing, where no policy names a route', () => {
    const { clock, probed, routes, start } = started(aPolicy());

    using _probes = start();

    assert.deepEqual([probed, routes, clock.pending()], [[], [[]], 0]);
  });

  it('ask each route once at the start, whoever names it how often', async () => {
    const shop = asks({ triage: ['a/x'], rootCause: ['b/y', 'a/x'] }, 'shop');
    const { clock, probed, told, routes, start } = started(shop, asks({ explain: ['b/y'] }));

    using _probes = start();
    await clock.advance(30 * MINUTE_MS);

    assert.deepEqual(probed, ['a/x 0', 'b/y 0']);
    assert.deepEqual(told, ['a/x Ready', 'b/y Ready']);
    assert.deepEqual(routes, [
      [
        { name: 'a/x', stages: ['triage', 'rootCause'] },
        { name: 'b/y', stages: ['rootCause', 'explain'] },
      ],
    ]);
  });

  it('come again ever later while a route is not ready, and tell of it once', async () => {
    const { clock, found, probed, told, start } = started(asks({ triage: ['a/x'] }));
    found.set('a/x', AWAY);

    using _probes = start();
    await clock.advance(61 * MINUTE_MS);

    assert.deepEqual(
      probed.map((text) => Number(text.split(' ')[1])),
      [0, 1, 3, 7, 15, 30, 45, 60],
    );
    assert.deepEqual(told, ['a/x Unreachable']);
  });

  it('find that a provider came up', async () => {
    const { clock, found, told, start } = started(asks({ triage: ['a/x'] }));
    found.set('a/x', AWAY);
    using _probes = start();
    await clock.advance(MINUTE_MS / 2);

    found.set('a/x', READY);
    await clock.advance(MINUTE_MS);

    assert.deepEqual(told, ['a/x Unreachable', 'a/x Ready']);
  });

  it('do not come again where only a new start can help', async () => {
    const { clock, found, probed, told, start } = started(asks({ triage: ['a/x'] }));
    found.set('a/x', { ready: false, reason: 'KeyMissing', message: 'A_KEY is not set' });

    using _probes = start();
    await clock.advance(60 * MINUTE_MS);

    assert.deepEqual([probed, told, clock.pending()], [['a/x 0'], ['a/x KeyMissing'], 0]);
  });

  it('look whether requests have found a route unready, and then probe it', async () => {
    const { clock, known, probed, told, start } = started(asks({ triage: ['a/x'] }));
    using _probes = start();
    await clock.advance(90_000);

    known.set('a/x', { ready: false, reason: 'Refused', message: '402' });
    await clock.advance(2 * MINUTE_MS);

    assert.deepEqual(told, ['a/x Ready', 'a/x Refused', 'a/x Ready']);
    assert.deepEqual(probed, ['a/x 0', 'a/x 3']);
  });

  it('grow rarer where probes find well what requests do not', async () => {
    const { clock, known, probed, start } = started(asks({ triage: ['a/x'] }));
    using _probes = start();

    for (let second = 0; second < 3_600; second += 30) {
      known.set('a/x', { ready: false, reason: 'Refused', message: '402' });
      await clock.advance(30_000);
    }

    assert.ok(probed.length <= 8, probed.join());
  });

  it('follow the policies: new routes are asked at once, others no more', async () => {
    const { clock, found, probed, routes, source, start } = started(asks({ triage: ['a/x'] }));
    found.set('a/x', AWAY);
    using _probes = start();
    await clock.advance(MINUTE_MS / 2);

    source.set([asks({ triage: ['b/y'] })]);
    await clock.advance(10 * MINUTE_MS);

    assert.deepEqual(probed, ['a/x 0', 'b/y 0.5']);
    assert.deepEqual(
      routes.map((all) => all.map(({ name }) => name)),
      [['a/x'], ['b/y']],
    );
  });

  it('give up what is under way when they end, and tell nothing of it', async () => {
    const { clock, probed, told, source, start, signal } = started(asks({ triage: ['a/x'] }));
    const probes = start();
    const before = signal()?.aborted;

    probes[Symbol.dispose]();
    source.set([asks({ triage: ['b/y'] })]);
    await clock.advance(10 * MINUTE_MS);

    assert.deepEqual([before, signal()?.aborted], [false, true]);
    assert.deepEqual([probed, told], [['a/x 0'], []]);
  });

  it('ask four providers at once', async () => {
    const many = ['a/1', 'b/1', 'c/1', 'd/1', 'e/1', 'f/1'];
    const { clock, probed, start } = started(asks({ triage: many }));

    using _probes = start();
    const atOnce = probed.length;
    await clock.advance(0);

    assert.deepEqual([atOnce, probed.length], [4, 6]);
  });
});
