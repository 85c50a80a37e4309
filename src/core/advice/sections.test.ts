import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { situationOf } from '#core/remediation/decide.ts';
import { aContainer, aPolicy, health, Scenario } from '../../../test/support/scenario.ts';
import { pack } from './pack.ts';
import { Refs } from './refs.ts';
import { sectionsOf } from './sections.ts';

/** What a prompt of so many tokens says of a log. */
function shown(log: readonly string[], tokensMax: number): string {
  const scenario = new Scenario(aPolicy());
  const key = scenario.put(aContainer('web', { health: health('unhealthy') }));
  scenario.reconcile(key);
  const situation = situationOf(scenario.world(), key) ?? assert.fail('no incident');
  const lines = log.map((text) => ({
    timestamp: '',
    stream: 'stdout' as const,
    text,
    truncated: false,
  }));
  const { incident } = situation;
  const matter = { situation, incident, refs: new Refs(), log: lines, offered: [], looks: [] };
  const text = pack(sectionsOf(matter), { tokensMax, mark: '5eed' });
  return text.split('## Its log, lines of one form together\n')[1] ?? '';
}

/** Of two forms, and many of each. */
function ordinary(count: number): string[] {
  return Array.from({ length: count }, (_, at) =>
    at % 2 === 0 ? `GET /orders/${at} 200 in ${at % 7} ms` : `job ${at} took ${at % 90} ms`,
  );
}

/** Each of a form of its own. */
function odd(count: number): string[] {
  const word = (at: number) =>
    at.toString(26).replace(/\d/g, (digit) => 'qrstuvwxyz'[Number(digit)] ?? '');
  return Array.from({ length: count }, (_, at) => `${word(at + 700)} met ${word(at * 31 + 700)}`);
}

describe('the log in a prompt', () => {
  it('has the lines of one form together: how many, the first and the last', () => {
    const text = shown(['up', ...ordinary(100)], 2_000);

    assert.match(text, /^up$/m);
    assert.match(text, /^50 × GET \/orders\/0 200 in 0 ms\n {2}… GET \/orders\/98 200 in 0 ms$/m);
  });

  it('repeats no line that came often', () => {
    const text = shown(
      Array.from({ length: 9 }, () => 'waiting for the lock'),
      2_000,
    );

    assert.match(text, /^9 × waiting for the lock\n<\/data/m);
  });

  it('has what speaks of an error, however much was written since', () => {
    const text = shown(['FATAL: cannot reach db', ...odd(2_500), ...ordinary(2_500)], 1_000);

    assert.match(text, /^FATAL: cannot reach db$/m);
  });

  it('has the one line that is like no other, however long the log', () => {
    const forms = odd(80);
    const usual = Array.from({ length: 2_000 }, (_, at) => forms[at % forms.length] ?? '');

    const text = shown([...usual, 'the mail server is slow today', ...usual], 700);

    assert.match(text, /^the mail server is slow today$/m);
    assert.match(text, /more left out/);
  });

  it('has the newest lines too where every line is like no other', () => {
    const text = shown(odd(2_500), 800);

    const [oldest = '', newest = ''] = [odd(1)[0], odd(2_500).at(-1)];
    assert.ok(text.includes(newest));
    assert.ok(!text.includes(oldest));
  });

  it('shows a line that stands alone longer than those of many', () => {
    const long = `state ${'of the shop '.repeat(30)}end`;

    assert.match(shown([long], 2_000), /of the shop end$/m);
  });
});
