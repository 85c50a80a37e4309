import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { EVENT_ACTIONS } from '#core/workload/event.ts';
import { assertUnpolluted, nearJson, nearText, runs } from '../../../test/support/fuzz.ts';
import { keptSince, parseEvent } from './events.ts';

const ID = 'c'.repeat(64);

function line(Action: string, Attributes: Record<string, string>, extra = {}): string {
  const event = { status: Action, id: ID, Type: 'container', Action, scope: 'local', ...extra };
  const text = JSON.stringify({ ...event, Actor: { ID, Attributes }, time: 1_795_499_479 });
  // Written as the daemon does, with more digits than a number holds.
  return text.replace(/\}$/, ',"timeNano":1795499479675165859}');
}

it('reads a death with its exit code, labels apart from Docker’s own attributes', () => {
  const attributes = { name: 'web', image: 'shop', exitCode: '137', execDuration: '9', tier: 'a' };

  assert.deepEqual(parseEvent(line('die', attributes)), {
    action: 'die',
    containerId: ID,
    name: 'web',
    labels: { tier: 'a' },
    timeNano: '1795499479675165859',
    exitCode: 137,
  });
});

for (const [action, attributes, expected] of [
  ['health_status: unhealthy', { name: 'web' }, { action: 'health_status' }],
  ['health_status: healthy', { name: 'web' }, { action: 'health_status' }],
  ['kill', { name: 'web', signal: '15' }, { action: 'kill', signal: '15' }],
  ['rename', { name: 'new', oldName: '/old' }, { action: 'rename', oldName: 'old' }],
] as const) {
  it(`reads ${action}`, () => {
    const event = parseEvent(line(action, attributes));

    assert.deepEqual({ ...event, ...expected }, event);
  });
}

for (const [name, text] of [
  ['a probe', line('exec_start: /bin/true', { name: 'web' })],
  ['another kind of object', line('create', { name: 'net' }, { Type: 'network' })],
  ['an unknown shape', '{"Action":{"nested":true}}'],
] as const) {
  it(`passes over ${name}`, () => {
    assert.equal(parseEvent(text), undefined);
  });
}

it('is not misled by a label that is called like the event’s time', () => {
  const event = parseEvent(line('start', { name: 'web', timeNano: '1', odd: '"timeNano":2' }));

  assert.equal(event?.timeNano, '1795499479675165859');
  assert.deepEqual(event?.labels, { timeNano: '1', odd: '"timeNano":2' });
});

it('refuses what is no JSON', () => {
  assert.throws(() => parseEvent('<html>'));
});

it('takes an exit code that a label has overwritten for none', () => {
  const told = ['none', '', '0x10', '1e9', 'Infinity', '99999999999'].map((exitCode) =>
    parseEvent(line('die', { name: 'web', exitCode })),
  );

  assert.deepEqual(
    told.map((event) => event && 'exitCode' in event),
    told.map(() => false),
  );
});

it('passes over a time that is no whole number', () => {
  const text = line('start', { name: 'web' });

  for (const timeNano of ['1.5', '1e9', '-1', 'null']) {
    assert.equal(parseEvent(text.replace('1795499479675165859', timeNano)), undefined);
  }
});

it('makes an event or nothing of whatever is JSON, and an event is always whole', () => {
  const die = JSON.parse(line('die', { name: 'web', exitCode: '1', tier: 'a' })) as unknown;
  const anyLine = fc.oneof(
    nearJson(die).map((event) => JSON.stringify(event)),
    nearText(line('kill', { name: 'web', signal: '15' })),
  );
  const isWhole = fc.property(anyLine, (text) => {
    let event: ReturnType<typeof parseEvent>;
    try {
      event = parseEvent(text);
    } catch {
      assert.throws(() => JSON.parse(text), SyntaxError);
      return;
    }
    if (event === undefined) return;
    assert.ok(EVENT_ACTIONS.includes(event.action));
    assert.match(event.timeNano, /^\d+$/);
    assert.ok(event.exitCode === undefined || Number.isSafeInteger(event.exitCode));
    assert.ok(Object.values(event.labels).every((value) => typeof value === 'string'));
    assertUnpolluted();
  });

  fc.assert(isWhole, runs(200));
});

it('knows since when nothing is forgotten, and nothing where there is no event', () => {
  assert.equal(keptSince('{"time":1,"timeNano":1000}'), '1000');
  assert.match(keptSince(undefined), /^9{19}$/);
  assert.match(keptSince('nonsense'), /^9{19}$/);
});
