import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { tell } from './story.ts';
import { anAttempt, anIncident } from './test-incident.ts';
import { thresholdWords } from './thresholds.ts';

const NO_WORDS = new Map<string, string>();

describe('tell', () => {
  it('tells a breach with the value that was seen and what the policy says', () => {
    const words = new Map([['shop-web/crash', 'is not 0']]);

    const [saw] = tell('incident.opened', anIncident(), words);

    assert.equal(saw?.text, 'exit is 139; policy shop-web, threshold crash: is not 0 (critical)');
  });

  it('tells every reason for which a candidate is held back', () => {
    const candidate = anIncident().status.candidates.map((one) => ({
      ...one,
      verdict: 'Refused' as const,
      blockedBy: [
        { reason: 'DeniedWindow', message: 'denied by night' },
        { reason: 'Cooldown', message: 'restart has a cooldown' },
      ],
    }));

    const lines = tell('remediation.considered', anIncident({ candidates: candidate }), NO_WORDS);

    assert.deepEqual(lines, [
      {
        label: 'held',
        style: 'yellow',
        text: 'restart (docker/restart_container): DeniedWindow: denied by night; Cooldown: restart has a cooldown',
      },
    ]);
  });

  it('tells an intent with its tool, target and exact arguments', () => {
    const [acts] = tell('remediation.intended', anIncident(), NO_WORDS);

    assert.equal(
      acts?.text,
      'docker/restart_container on shop-web-1 with {"timeoutSeconds":1}; intent tddpafahs5 is on disk',
    );
  });

  it('tells what a changed limit was before', () => {
    const result = { limits: { memoryBytes: 37_748_736 }, previous: { memory: 25_165_824 } };
    const incident = anIncident({ attempts: [anAttempt({ result })] });

    const [acted] = tell('remediation.completed', incident, NO_WORDS);

    assert.equal(acted?.text, 'Succeeded after 0.4 s; memory limit 24MiB → 36MiB');
  });

  it('leaves out what is no news', () => {
    assert.deepEqual(tell('workload.observed', anIncident(), NO_WORDS), []);
  });
});

describe('thresholdWords', () => {
  it('puts conditions and times of the policies in force into words', () => {
    const thresholds = [
      { name: 'cpu', above: 0.8, for: '3s' },
      { name: 'crash', exitCodes: [78], for: '0ms' },
      { name: 'oom' },
    ];
    const list = { items: [{ metadata: { name: 'shop' }, spec: { thresholds } }] };

    const words = thresholdWords(JSON.stringify(list));

    assert.deepEqual(
      [...words],
      [
        ['shop/cpu', 'above 0.8 for 3s'],
        ['shop/crash', 'is 78'],
        ['shop/oom', 'happens'],
      ],
    );
  });
});
