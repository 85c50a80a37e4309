import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readFixture } from '../../../test/support/fixtures.ts';
import { assertUnpolluted, nearJson, runs } from '../../../test/support/fuzz.ts';
import { parseInspect } from './inspect-body.ts';
import { parseListing } from './listing-body.ts';

const engine20 = readFixture('docker/inspect-everything.json') as object;

describe('inspect bodies', () => {
  it('reads one of Engine 20.10', () => {
    const container = parseInspect(engine20);

    assert.equal(container.name, 'shop-web-1');
    assert.deepEqual(container.limits, {
      memoryBytes: 67_108_864,
      memorySwapBytes: 134_217_728,
      nanoCpus: 500_000_000,
      pids: 64,
    });
    assert.deepEqual(container.shares, [{ kind: 'pid', owner: 'b'.repeat(64) }]);
    assert.deepEqual(container.networks, {
      back: { address: '10.232.7.78', aliases: ['web-back', 'aaaaaaaaaaaa', 'shop-host'] },
      front: { address: '10.231.7.77', aliases: ['web', 'shop', 'aaaaaaaaaaaa', 'shop-host'] },
    });
    assert.deepEqual(container.envNames, ['A', 'B']);
    assert.equal(container.tty, true);
    assert.equal(container.stopSignal, 'SIGINT');
    assert.equal(container.stopTimeoutSeconds, 4);
    assert.deepEqual(container.health?.check, {
      intervalMs: 5_000,
      timeoutMs: 2_000,
      startPeriodMs: 1_000,
      retries: 4,
    });
  });

  it('reads one of Engine 28 on cgroup v2, with defaults for what the check leaves open', () => {
    const container = parseInspect(readFixture('docker/inspect-engine-28.json'));

    assert.deepEqual(container.health, {
      status: 'unhealthy',
      failingStreak: 3,
      check: { intervalMs: 30_000, timeoutMs: 30_000, startPeriodMs: 0, retries: 3 },
      lastRun: {
        exitCode: -1,
        startedAtMs: Date.UTC(2026, 10, 24, 6, 2, 0),
        endedAtMs: Date.UTC(2026, 10, 24, 6, 2, 30),
        output: 'Health check exceeded timeout (30s)',
      },
    });
    assert.equal(container.limits.memorySwapBytes, -1);
    assert.equal(container.limits.pids, undefined);
    assert.equal(container.startedAtMs, Date.UTC(2026, 10, 24, 6, 0, 1));
    assert.equal(container.finishedAtMs, undefined);
    assert.equal(container.stopTimeoutSeconds, undefined);
    assert.deepEqual(container.restartPolicy, { name: 'unless-stopped', maximumRetryCount: 0 });
  });

  it('reads one of Podman', () => {
    const container = parseInspect(readFixture('docker/inspect-podman.json'));

    assert.equal(container.state, 'running');
    assert.equal(container.health, undefined);
    assert.deepEqual(container.entrypoint, ['/entry.sh']);
    assert.equal(container.createdAtMs, Date.UTC(2026, 10, 24, 6, 0, 0, 123));
    assert.deepEqual(container.limits, { nanoCpus: 1_500_000_000, pids: 2048 });
    assert.deepEqual(container.labels, {});
    assert.equal(container.restartPolicy.name, 'no');
  });

  for (const [name, health, test, expected] of [
    ['a check before the first start', undefined, ['CMD', 'true'], 'starting'],
    ['a check that was switched off', { Status: 'none' }, ['NONE'], undefined],
    ['no check', undefined, undefined, undefined],
    ['Docker’s word for no check', { Status: 'none' }, undefined, undefined],
    ['a healthy one', { Status: 'healthy' }, ['CMD', 'true'], 'healthy'],
  ] as const) {
    it(`tells the health of ${name}`, () => {
      const body = structuredClone(engine20) as {
        State: Record<string, unknown>;
        Config: Record<string, unknown>;
      };
      body.State['Health'] = health;
      body.Config['Healthcheck'] = test === undefined ? undefined : { Test: test };

      assert.equal(parseInspect(body).health?.status, expected);
    });
  }

  it('refuses a state that nobody knows', () => {
    const body = { ...engine20, State: { Status: 'levitating' } };

    assert.throws(() => parseInspect(body), /levitating/);
  });
});

it('reads a listing, by the container’s own name and with its health', () => {
  const Id = 'a'.repeat(64);
  const entry = { Id, Names: ['/web/db', '/db'], Labels: null, State: 'running' };
  const statuses = ['Up 2 hours (unhealthy)', 'Up 1 second (health: starting)', 'Up 2 hours'];

  const listing = parseListing(statuses.map((Status) => ({ ...entry, Status })));

  assert.deepEqual(listing[0], {
    id: Id,
    name: 'db',
    labels: {},
    state: 'running',
    healthInStatus: 'unhealthy',
  });
  assert.deepEqual(
    listing.map(({ healthInStatus }) => healthInStatus),
    ['unhealthy', 'starting', undefined],
  );
});

describe('bodies that no engine has sent', () => {
  const States = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'];

  it('name no state by what every object has', () => {
    for (const Status of ['constructor', '__proto__', 'toString', 'valueOf']) {
      assert.throws(
        () => parseInspect({ ...engine20, State: { Status } }),
        /unknown container state/,
      );
    }
  });

  it('hold no number beyond what an engine counts with', () => {
    for (const HostConfig of [{ CpuQuota: 1e300 }, { CpuQuota: 1, CpuPeriod: 1e-9 }]) {
      assert.throws(() => parseInspect({ ...engine20, HostConfig }));
    }
    const Ports = { '80/tcp': [{ HostPort: '9'.repeat(400) }, { HostPort: '8080' }] };

    const { publishedPorts } = parseInspect({ ...engine20, NetworkSettings: { Ports } });

    assert.deepEqual(publishedPorts, [8080]);
  });

  it('are refused, or give a container without a number that JSON cannot hold', () => {
    const fixtures = ['inspect-everything', 'inspect-engine-28', 'inspect-podman'];
    const bodies = fixtures.map((name) => nearJson(readFixture(`docker/${name}.json`)));
    const isEither = fc.property(fc.oneof(...bodies), (body) => {
      const container = refusedOr(() => parseInspect(body));
      if (container === undefined) return;
      assert.ok(States.includes(container.state));
      assert.ok(Object.values(container.labels).every((value) => typeof value === 'string'));
      assert.ok(Object.values(container.limits).every(Number.isFinite));
      assertFinite(container);
      assertUnpolluted();
    });

    fc.assert(isEither, runs(60));
  });

  it('are refused as a listing, or give containers with an id and a state', () => {
    const Id = 'a'.repeat(64);
    const listing = [{ Id, Names: ['/web'], Labels: { a: 'b' }, State: 'running', Status: 'Up' }];
    const isEither = fc.property(nearJson(listing), (body) => {
      for (const { id, state, name } of refusedOr(() => parseListing(body)) ?? []) {
        assert.notEqual(id, '');
        assert.ok(States.includes(state));
        assert.equal(typeof name, 'string');
      }
      assertUnpolluted();
    });

    fc.assert(isEither, runs(60));
  });
});

/** @returns `undefined` for a body that was refused with an ordinary error */
function refusedOr<Value>(parse: () => Value): Value | undefined {
  try {
    return parse();
  } catch (error) {
    assert.ok(
      error instanceof Error && !(error instanceof TypeError || error instanceof RangeError),
    );
    return undefined;
  }
}

function assertFinite(value: unknown): void {
  if (typeof value === 'number') assert.ok(Number.isFinite(value));
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(assertFinite);
}
