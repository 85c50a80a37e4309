import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TestStack } from '../support/engine.ts';
import { API_KEY } from '../support/models.ts';
import {
  isSilent,
  type StandIn,
  type StandInReply,
  says,
  startStandIn,
} from '../support/openai-stand-in.ts';
import { SentinelProcess } from '../support/sentinel-process.ts';
import { aQuickPolicy, aService, breakHealth, RESTART, untilHealth } from '../support/workloads.ts';

const MODEL = 'llama';
const SECRET = 'orchid-paper-lantern';

/** Advises the candidate whose id begins so, and cites the evidence that it was shown. */
function advising(action: string): StandInReply {
  return (request, response) => {
    const text = request.body.messages.map(({ content }) => content).join('\n');
    const [id = ''] = new RegExp(`\\b${action}-[0-9a-f]{12}\\b`).exec(text) ?? [];
    return says({
      explanation: 'c1 fails its health check because its file is gone.',
      rootCause: 'file gone',
      evidenceRefs: ['e1'],
      affectedComponents: ['c1'],
      choice: id,
      confidence: 0.95,
      prevention: 'Keep the file.',
    })(request, response);
  };
}

async function start(
  stack: TestStack,
  server: StandIn,
  diagnosis: object = {},
): Promise<SentinelProcess> {
  const signal = {
    name: 'signal',
    tool: 'docker/kill_container',
    arguments: { signal: 'SIGKILL' },
    on: ['unhealthy'],
    limit: { max: 1, per: '1h' },
  };
  const policy = aQuickPolicy(stack, {
    spec: {
      diagnosis,
      modelRouting: { rootCause: ['local/small'], choose: 'Model', decisionTimeout: '10s' },
    },
    remediation: { allowed: [RESTART, signal] },
  });
  return SentinelProcess.start({
    policies: [policy],
    config: {
      providers: {
        local: { baseUrl: server.url, models: { small: { name: MODEL } } },
      },
    },
    env: { OPENAI_API_KEY: API_KEY },
  });
}

describe('a model that picks', () => {
  it('is followed among what the policy permits, and shown no secret', async () => {
    await using server = await startStandIn({ models: [MODEL] });
    server.sayAlways(advising('signal'));
    await using stack = await TestStack.open();
    const web = await aService(stack, 'web', { Env: [`DB_PASSWORD=${SECRET}`] });
    await untilHealth(web, 'healthy');
    await using operator = await start(stack, server);

    await breakHealth(web);
    const intended = await operator.untilRecord('remediation.intended');

    await operator.untilRecord('incident.resolved');
    const incidents = await operator.get('/api/v1/incidents');
    const wire = server.received.map(({ text }) => text).join('\n');
    assert.equal(intended.data.tool, 'docker/kill_container');
    assert.match(JSON.stringify(incidents.body), /"source":"model"/);
    assert.match(JSON.stringify(incidents.body), /fails its health check because its file is gone/);
    assert.ok(!wire.includes(SECRET));
  });

  it('is not waited for when it is gone', async () => {
    await using server = await startStandIn({ models: [MODEL] });
    server.sayAlways((_request, response) => {
      response.destroy();
    });
    await using stack = await TestStack.open();
    const web = await aService(stack, 'web');
    await untilHealth(web, 'healthy');
    await using operator = await start(stack, server);

    await breakHealth(web);
    const intended = await operator.untilRecord('remediation.intended');
    await operator.untilRecord('incident.resolved');

    assert.equal(intended.data.tool, 'docker/restart_container');
  });

  it('is asked anew after a SIGKILL in the middle of the question', async () => {
    await using server = await startStandIn({ models: [MODEL] });
    server.say(isSilent());
    server.sayAlways(advising('restart'));
    await using stack = await TestStack.open();
    const web = await aService(stack, 'web');
    await untilHealth(web, 'healthy');
    await using operator = await start(stack, server);
    await breakHealth(web);
    await server.hasReceived(1);

    await operator.kill9();
    await operator.restart();
    await operator.untilRecord('incident.resolved');

    const said = await operator.recordsOf('diagnosis.completed');
    assert.equal(said.at(-1)?.data.source, 'model');
    assert.equal(server.received.length, 2);
    assert.equal((await operator.recordsOf('remediation.intended')).length, 1);
  });

  it('looks up what it may with the real tools, and cites what it saw', async () => {
    await using server = await startStandIn({ models: [MODEL] });
    server.say(says({ look: 'look-c1-1' }), says({ look: 'look-c1-2' }));
    server.sayAlways(citingLooks());
    await using stack = await TestStack.open();
    const web = await aService(stack, 'web', { Env: [`DB_PASSWORD=${SECRET}`] });
    await untilHealth(web, 'healthy');
    await using operator = await start(stack, server, {
      investigate: { tools: ['docker/get_logs', 'docker/health_check'], maxSteps: 2 },
    });

    await breakHealth(web);
    await operator.untilRecord('remediation.intended');

    const looked = (await operator.recordsOf('incident.updated')).flatMap(
      ({ data }) => data.evidence?.filter(({ signal }) => signal.startsWith('docker/')) ?? [],
    );
    const { data } = (await operator.recordsOf('diagnosis.completed')).at(-1) ?? assert.fail();
    assert.deepEqual(
      looked.map(({ signal }) => signal),
      ['docker/get_logs', 'docker/health_check'],
    );
    assert.deepEqual(
      data.evidenceRefs,
      looked.map(({ id }) => id),
    );
    assert.match(server.received[2]?.text ?? '', /state: running/);
  });
});

/** Concludes from what was looked up, and from nothing else. */
function citingLooks(): StandInReply {
  return (request, response) => {
    const text = request.body.messages.map(({ content }) => content).join('\n');
    const ids = [...text.matchAll(/^## (e\d+): docker\//gm)].map(([, id = '']) => id);
    return says({
      explanation: 'It is as it was seen.',
      rootCause: 'seen',
      evidenceRefs: ids,
      affectedComponents: [],
      choice: 'none',
      confidence: 0.7,
      prevention: '',
    })(request, response);
  };
}
