import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { apiOptions, ask, OPERATOR_TOKEN, order, VIEWER_TOKEN } from '../../test/support/api.ts';
import { parseFiles } from '../../test/support/journal.ts';
import { MemoryOperator } from '../../test/support/operator.ts';
import { aPolicy } from '../../test/support/scenario.ts';
import { createApp, startHttpServer } from './server.ts';

const CHECK = { intervalMs: 1_000, timeoutMs: 1_000, startPeriodMs: 0, retries: 3 };
const APPROVE = aPolicy({
  remediation: {
    mode: 'Approve',
    allowed: [{ name: 'restart', tool: 'docker/restart_container' }],
  },
});

/** An operator with one sick container, whose restart waits for approval. */
async function aWaitingOperator(): Promise<MemoryOperator> {
  const operator = await MemoryOperator.open([APPROVE]);
  await operator.engine.add({
    name: 'web',
    health: CHECK,
    plan: ({ run }) => ({ health: run === 1 ? 'unhealthy' : 'healthy' }),
  });
  await operator.pass(60_000);
  return operator;
}

function firstIncident(operator: MemoryOperator) {
  return operator.incidents()[0] ?? assert.fail('no incident');
}

describe('the API, for those who read', () => {
  it('lists incidents, and gives one by its name', async () => {
    const operator = await aWaitingOperator();
    const { name } = firstIncident(operator);

    const list = await ask(operator, '/api/v1/incidents?open=true&policy=web&workload=box%2Fweb');
    const one = await ask(operator, `/api/v1/incidents/${name}`);

    assert.equal(list.status, 200);
    assert.deepEqual(list.body.items, [one.body]);
    assert.equal(one.body.status.phase, 'AwaitingApproval');
    await operator.stop();
  });

  it('filters', async () => {
    const operator = await aWaitingOperator();

    const counts = await Promise.all(
      ['open=false', 'policy=other', 'workload=box%2Fother', 'severity=warning'].map(
        async (filter) => (await ask(operator, `/api/v1/incidents?${filter}`)).body.items.length,
      ),
    );

    assert.deepEqual(counts, [0, 0, 0, 0]);
    await operator.stop();
  });

  it('lists workloads and policies with their status, and each by itself', async () => {
    const operator = await aWaitingOperator();

    const workloads = await ask(operator, '/api/v1/workloads');
    const encoded = await ask(operator, '/api/v1/workloads/box%2Fweb');
    const plain = await ask(operator, '/api/v1/workloads/box/web');
    const policies = await ask(operator, '/api/v1/policies');
    const policy = await ask(operator, '/api/v1/policies/web');

    assert.deepEqual(workloads.body.items, [encoded.body]);
    assert.deepEqual(plain.body, encoded.body);
    assert.equal(encoded.body.status.policy, 'web');
    assert.deepEqual(policies.body.items, [policy.body]);
    assert.deepEqual(policies.body.problems, []);
    await operator.stop();
  });

  it('pages through a list without gap or repetition', async () => {
    const operator = await MemoryOperator.open([]);
    for (const name of ['a', 'b', 'c', 'd', 'e']) await operator.engine.add({ name });
    await operator.pass(1_000);

    const names: string[] = [];
    let cursor = '';
    for (let pages = 0; pages < 3; pages += 1) {
      const { body } = await ask(operator, `/api/v1/workloads?limit=2${cursor}`);
      names.push(...body.items.map((item: { metadata: { name: string } }) => item.metadata.name));
      cursor = `&cursor=${body.metadata.nextCursor}`;
    }

    assert.deepEqual(names, ['box/a', 'box/b', 'box/c', 'box/d', 'box/e']);
    assert.equal(cursor, '&cursor=undefined');
    await operator.stop();
  });

  it('gives the journal, from any record, and its head', async () => {
    const operator = await aWaitingOperator();
    const { name } = firstIncident(operator);

    const all = await ask(operator, '/api/v1/audit');
    const tail = await ask(operator, '/api/v1/audit?tail=2');
    const some = await ask(operator, `/api/v1/audit?incident=${name}&type=approval.requested`);

    assert.deepEqual(
      all.body.items.map(({ seq, hash }: { seq: number; hash: string }) => [seq, hash]),
      parseFiles(operator.storage.files()).map(({ seq, hash }) => [seq, hash]),
    );
    assert.deepEqual(all.body.metadata.head, operator.journal.head());
    assert.deepEqual(tail.body.items, all.body.items.slice(-2));
    assert.equal(some.body.items.length, 1);
    await operator.stop();
  });

  it('answers what it cannot give with problem details', async () => {
    const operator = await aWaitingOperator();
    const cases = [
      ['/api/v1/incidents/inc-none', 404],
      ['/api/v1/incidents/100%', 400],
      ['/api/v1/incidents/constructor', 404],
      ['/api/v1/policies/none', 404],
      ['/api/v1/workloads/box%2Fnone', 404],
      ['/api/v1/remediations/none', 404],
      ['/api/v1/nonsense', 404],
      ['/api/v1/incidents?limit=0', 400],
      ['/api/v1/incidents?limit=9999', 400],
      ['/api/v1/incidents?opne=true', 400],
      ['/api/v1/workloads?cursor=%00', 400],
      ['/api/v1/audit?from=1&tail=2', 400],
      ['/api/v1/audit?type=nonsense', 400],
    ] as const;

    for (const [url, status] of cases) {
      const answer = await ask(operator, url);

      assert.equal(answer.status, status, url);
      assert.match(String(answer.headers['content-type']), /^application\/problem\+json/, url);
      assert.equal(answer.body.status, status, url);
      assert.ok(answer.body.detail.length > 0, url);
    }
    await operator.stop();
  });

  it('holds no secret: labels, commands and variables are not in any object', async () => {
    const operator = await MemoryOperator.open([aPolicy()]);
    await operator.engine.add({
      name: 'web',
      labels: { auth: 'hunter2' },
      env: { TOKEN: 'hunter2' },
      command: ['serve', 'hunter2'],
      health: CHECK,
      plan: { health: 'unhealthy' },
    });
    await operator.pass(60_000);

    for (const kind of ['workloads', 'incidents', 'policies', 'remediations', 'audit']) {
      const { text } = await ask(operator, `/api/v1/${kind}`);

      assert.doesNotMatch(text, /hunter2/, kind);
    }
    await operator.stop();
  });
});

describe('the API, for those who order', () => {
  it('approves one candidate for the container that was looked at, and the action is done', async () => {
    const operator = await aWaitingOperator();
    const { name, candidates, workload } = firstIncident(operator);
    const body = { candidate: candidates[0]?.id ?? '', container: workload.id };

    const answer = await ask(operator, order(`/api/v1/incidents/${name}/approve`, body));
    await operator.pass(60_000);

    assert.equal(answer.status, 200);
    const granted = operator.records.find(({ seq }) => seq === answer.body.seq);
    assert.deepEqual(
      [granted?.type, granted?.actor, granted?.incident],
      ['approval.granted', 'operator:ann', name],
    );
    assert.deepEqual(
      operator.calls.map(({ tool }) => tool),
      ['docker/restart_container'],
    );
    await operator.stop();
  });

  it('approves nothing while an action is under way', async () => {
    const operator = await aWaitingOperator();
    const { name, candidates, workload } = firstIncident(operator);
    const body = { candidate: candidates[0]?.id ?? '', container: workload.id };
    const url = `/api/v1/incidents/${name}/approve`;
    await ask(operator, order(url, body));
    await operator.pass(1_000);
    const pending = operator.calls.length;

    const again = await ask(operator, order(url, body));

    assert.equal(pending, 1);
    assert.equal(again.status, 409);
    assert.match(JSON.stringify(again.body), /under way/);
    await operator.stop();
  });

  it('approves nothing else: not another container, candidate or incident', async () => {
    const operator = await aWaitingOperator();
    const { name, candidates, workload } = firstIncident(operator);
    const candidate = candidates[0]?.id ?? '';
    const container = workload.id;
    const url = `/api/v1/incidents/${name}/approve`;

    const statuses = [];
    for (const request of [
      order(url, { candidate, container: 'another' }),
      order(url, { candidate: 'restart-000000000000', container }),
      order('/api/v1/incidents/inc-none/approve', { candidate, container }),
      order(url, { candidate }),
      order(url, { candidate, container, tool: 'docker/kill_container' }),
    ]) {
      statuses.push((await ask(operator, request)).status);
    }
    await operator.pass(60_000);

    assert.deepEqual(statuses, [409, 409, 404, 400, 400]);
    assert.deepEqual(operator.calls, []);
    await operator.stop();
  });

  it('denies, and nothing is done', async () => {
    const operator = await aWaitingOperator();
    const { name, candidates } = firstIncident(operator);
    const body = { candidate: candidates[0]?.id ?? '', reason: 'TOKEN=abcdefgh \u001b[2J no' };

    const answer = await ask(operator, order(`/api/v1/incidents/${name}/deny`, body));
    const again = await ask(operator, order(`/api/v1/incidents/${name}/deny`, body));
    await operator.pass(60_000);

    assert.deepEqual([answer.status, again.status], [200, 409]);
    const reasons = operator.records.flatMap(({ type, data }) =>
      type === 'approval.denied' ? [(data as { readonly reason: string }).reason] : [],
    );
    assert.deepEqual(reasons, ['TOKEN=[redacted:token#1]  no']);
    assert.deepEqual(operator.calls, []);
    await operator.stop();
  });

  it('pauses and resumes what exists', async () => {
    const operator = await aWaitingOperator();
    const pause = { scope: 'policy', name: 'web', for: '2h', reason: 'load test' };

    const paused = await ask(operator, order('/api/v1/pause', pause));
    const { body } = await ask(operator, '/api/v1/policies/web');
    const resumed = await ask(operator, order('/api/v1/resume', { scope: 'policy', name: 'web' }));
    const twice = await ask(operator, order('/api/v1/resume', { scope: 'policy', name: 'web' }));

    assert.deepEqual([paused.status, resumed.status, twice.status], [200, 200, 404]);
    const condition = body.status.conditions.find(
      ({ type }: { type: string }) => type === 'Paused',
    );
    assert.equal(condition.status, 'True');
    assert.deepEqual(operator.journal.state().pauses, {});
    await operator.stop();
  });

  it('writes no secret and no control character of a reason into the journal', async () => {
    const operator = await aWaitingOperator();
    const reason = 'API_TOKEN=abcdefgh\nnext';

    await ask(operator, order('/api/v1/pause', { scope: 'all', reason }));

    const pause = operator.journal.state().pauses['all:'];
    assert.equal(pause?.reason, 'API_TOKEN=[redacted:token#1] next');
    await operator.stop();
  });

  it('approves a start of what was found stopped, which nobody asked to approve', async () => {
    const crash = aPolicy({
      thresholds: [{ name: 'crash', signal: 'exit', nonZero: true, severity: 'critical' }],
      remediation: {
        mode: 'Auto',
        allowed: [{ name: 'start', tool: 'docker/start_container' }],
      },
    });
    const before = await MemoryOperator.open([]);
    before.engine.crash(await before.engine.add({ name: 'web' }));
    const { clock, engine } = before;
    await before.stop();
    const operator = await MemoryOperator.open([crash], { clock, engine });
    await operator.pass(60_000);
    const { name, candidates, workload } = firstIncident(operator);
    const body = { candidate: candidates[0]?.id ?? '', container: workload.id };

    const answer = await ask(operator, order(`/api/v1/incidents/${name}/approve`, body));
    await operator.pass(60_000);

    assert.equal(answer.status, 200);
    assert.deepEqual(
      operator.calls.map(({ tool }) => tool),
      ['docker/start_container'],
    );
    await operator.stop();
  });

  it('refuses a pause that says too little or too much', async () => {
    const operator = await aWaitingOperator();
    const cases = [
      [{ scope: 'policy', name: 'none', reason: 'x' }, 404],
      [{ scope: 'workload', name: 'box/none', reason: 'x' }, 404],
      [{ scope: 'all' }, 400],
      [{ scope: 'all', reason: '  ' }, 400],
      [{ scope: 'everything', reason: 'x' }, 400],
      [{ scope: 'all', reason: 'x', for: 'ever' }, 400],
      [{ scope: 'all', reason: 'x', for: '400d' }, 400],
      [{ scope: 'all', reason: 'x', force: true }, 400],
    ] as const;

    for (const [body, status] of cases) {
      const answer = await ask(operator, order('/api/v1/pause', body));

      assert.equal(answer.status, status, JSON.stringify(body));
    }
    assert.deepEqual(operator.journal.state().pauses, {});
    await operator.stop();
  });

  it('orders nothing while the journal cannot be written', async () => {
    const operator = await aWaitingOperator();
    operator.storage.setFault(() => ({ message: 'no space left on device' }));

    const answer = await ask(operator, order('/api/v1/pause', { scope: 'all', reason: 'x' }));

    assert.equal(answer.status, 503);
    assert.match(answer.body.detail, /no space left on device/);
  });
});

describe('access to the API', () => {
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

  it('lets anyone on loopback read, and nobody order without an operator’s token', async () => {
    const operator = await aWaitingOperator();
    const payload = { scope: 'all', reason: 'x' };
    const post = { method: 'POST', url: '/api/v1/pause', payload } as const;

    const statuses = [
      (await ask(operator, '/api/v1/incidents')).status,
      (await ask(operator, { ...post })).status,
      (await ask(operator, { ...post, headers: bearer('wrong-token-of-the-tests') })).status,
      (await ask(operator, { ...post, headers: bearer(VIEWER_TOKEN) })).status,
      (await ask(operator, { ...post, headers: { authorization: 'Basic x' } })).status,
      (await ask(operator, { ...post, headers: bearer(OPERATOR_TOKEN) })).status,
    ];

    assert.deepEqual(statuses, [200, 401, 401, 403, 401, 200]);
    await operator.stop();
  });

  it('needs a token for reading where others can reach it, save health and metrics', async () => {
    const operator = await aWaitingOperator();
    const app = createApp(apiOptions(operator, { host: '0.0.0.0' }));
    const headers = { host: 'sentinel:8000' };

    const statuses = [];
    for (const request of [
      { url: '/api/v1/incidents', headers },
      { url: '/api/v1/audit', headers },
      { url: '/api/v1/incidents', headers: { ...headers, ...bearer(VIEWER_TOKEN) } },
      { url: '/healthz', headers },
      { url: '/readyz', headers },
      { url: '/metrics', headers },
    ]) {
      statuses.push((await ask(operator, request, app)).status);
    }

    assert.deepEqual(statuses, [401, 401, 200, 200, 200, 200]);
    await operator.stop();
  });

  it('does not answer a browser that was sent here by a foreign name or page', async () => {
    const operator = await aWaitingOperator();
    const url = '/api/v1/incidents';

    const statuses = [];
    for (const headers of [
      { host: 'evil.example:8000' },
      { host: '127.0.0.1.evil.example' },
      { host: '127.0.0.1:8000', origin: 'http://evil.example' },
      { host: '127.0.0.1:8000', origin: 'null' },
      { host: 'localhost:8000', origin: 'http://localhost:8000' },
      { host: '[::1]:8000' },
    ]) {
      const answer = await ask(operator, { url, headers });
      statuses.push(answer.status);
      assert.equal(answer.headers['access-control-allow-origin'], undefined);
    }

    assert.deepEqual(statuses, [421, 421, 403, 403, 200, 200]);
    await operator.stop();
  });
});

describe('probes', () => {
  it('are ready when everything works, and say which part does not', async () => {
    const operator = await aWaitingOperator();
    const { sources, ...rest } = apiOptions(operator);
    const broken = createApp({
      ...rest,
      sources: {
        ...sources,
        readiness: () => ({ synced: true, sinceLastReconcileMs: 3_600_000, dockerUp: false }),
      },
    });

    const good = await ask(operator, '/readyz');
    const bad = await ask(operator, '/readyz', broken);

    assert.deepEqual([good.status, good.body.ready], [200, true]);
    assert.deepEqual([bad.status, bad.body.ready], [503, false]);
    assert.deepEqual(
      bad.body.checks
        .filter(({ ok }: { ok: boolean }) => !ok)
        .map((one: { name: string }) => one.name),
      ['docker', 'reconcile'],
    );
    await operator.stop();
  });

  it('describe the API completely: every reference resolves, every route is there', async () => {
    const operator = await aWaitingOperator();

    const { body, text } = await ask(operator, '/openapi.json');

    const references = [...text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(
      ([, name]) => name,
    );
    assert.ok(references.length > 10);
    for (const name of references) assert.ok(name !== undefined && name in body.components.schemas);
    assert.doesNotMatch(text, /\$defs/);
    assert.deepEqual(Object.keys(body.paths).sort(), [
      '/api/v1/audit',
      '/api/v1/incidents',
      '/api/v1/incidents/{name}',
      '/api/v1/incidents/{name}/approve',
      '/api/v1/incidents/{name}/deny',
      '/api/v1/pause',
      '/api/v1/policies',
      '/api/v1/policies/{name}',
      '/api/v1/remediations',
      '/api/v1/remediations/{name}',
      '/api/v1/resume',
      '/api/v1/workloads',
      '/api/v1/workloads/{key}',
      '/healthz',
      '/metrics',
      '/readyz',
    ]);
    await operator.stop();
  });

  it('are served over a real socket, which is let go at the end', async () => {
    const operator = await aWaitingOperator();
    const options = apiOptions(operator);
    let url = '';
    {
      await using server = await startHttpServer(options);
      url = server.url;

      const answer = await fetch(`${url}/healthz`);

      assert.equal(await answer.text(), 'ok\n');
    }
    await assert.rejects(fetch(`${url}/healthz`));
    await operator.stop();
  });
});
