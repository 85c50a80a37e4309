import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findCauses } from '#core/diagnosis/rules.ts';
import { factsOf, logLines } from './recorded.ts';

function pod(name: string, container: string, events = ''): string {
  return `Name:             ${name}
Status:           Running
Containers:
  main:
    Image:         shop/web:1
${container}
    Environment:    <none>
Conditions:
  Ready             False
Events:
  Type     Reason   Age   From     Message
  ----     ------   ----  ----     -------
${events}`;
}

const KILLED = `    State:          Waiting
      Reason:       CrashLoopBackOff
    Last State:     Terminated
      Reason:       OOMKilled
      Exit Code:    137
    Ready:          False
    Restart Count:  4
    Limits:
      cpu:     500m
      memory:  64Mi`;
const WELL = `    State:          Running
    Ready:          True
    Restart Count:  0`;
const MUTE = WELL.replace('True', 'False');
const HELD_UP = `    State:          Waiting
      Reason:       CreateContainerConfigError
    Ready:          False
    Restart Count:  0`;

function inspect(service: string, state: object, dependsOn = ''): object {
  return {
    Id: service.padEnd(64, '0'),
    Name: `/shop-${service}-1`,
    State: { Status: 'running', ...state },
    Config: {
      Labels: {
        'com.docker.compose.project': 'shop',
        'com.docker.compose.service': service,
        'com.docker.compose.container-number': '1',
        'com.docker.compose.depends_on': dependsOn,
      },
    },
    HostConfig: {},
  };
}

describe('a recorded incident', () => {
  it('is about the pod that the symptom names, and else about the one in trouble', () => {
    const evidence = {
      'describe_a.txt': pod('web-6d4cf56db6-x2x4z', WELL),
      'describe_b.txt': pod('api-6d4cf56db6-y7k2p', KILLED),
    };

    const named = factsOf(evidence, 'is web slow?');
    const found = factsOf(evidence, 'what is wrong?');

    assert.equal(named.oom, false);
    assert.equal(found.oom, true);
    assert.deepEqual(found.exit, { code: 137, byPerson: false });
    assert.deepEqual(found.container?.limits, { memoryBytes: 64 * 2 ** 20, nanoCpus: 5e8 });
  });

  it('has the error of what could not be started, and the output of a probe that fails', () => {
    const error = '  Warning  Failed   9s    kubelet  Error: secret "db-password" not found\n';
    const probe =
      '  Warning  Unhealthy  9s    kubelet  Readiness probe failed: connection refused\n';

    const heldUp = factsOf({ 'describe.txt': pod('web', HELD_UP, error) }, '');
    const mute = factsOf({ 'describe.txt': pod('web', MUTE, probe) }, '');

    assert.deepEqual(heldUp.texts.error, ['Error: secret "db-password" not found']);
    assert.equal(findCauses(heldUp)[0]?.cause, 'ConfigMissing');
    assert.deepEqual(mute.texts.probe, ['Readiness probe failed: connection refused']);
    assert.deepEqual(mute.signals, ['health']);
  });

  it('knows the dependencies that were inspected too', () => {
    const all = [
      inspect('web', { Status: 'exited', ExitCode: 1 }, 'db:service_started:false'),
      inspect('db', { Status: 'exited', ExitCode: 0 }),
    ];

    const facts = factsOf({ 'inspect.json': JSON.stringify(all) }, 'shop-web-1 exited');

    assert.equal(facts.dependency?.name, 'host/shop/db/1');
    assert.deepEqual(facts.signals, ['exit', 'state']);
  });

  it('has the lines of its logs, without what the recording tool said', () => {
    const log = 'stdout:\nstarting\n\nstderr:\nfailed\n';

    const lines = logLines({ 'kubectl_logs.txt': log, 'kubectl_describe.txt': 'Name: x' });

    assert.deepEqual(lines, ['starting', 'failed']);
  });
});
