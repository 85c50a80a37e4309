import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { ContainerSecrets, redactorOf } from './container-secrets.ts';

const NO_NAMES = new Map<string, string>();
const FILE = { path: '/run/secrets/pg', text: 'correct-horse-7\n' };

describe('the secrets of a container', () => {
  it('are its variables and, once they are learned, its files, however they are written', () => {
    const secrets = new ContainerSecrets(['DB_PASSWORD=tr0ub4dor']);
    secrets.learn([FILE], NO_NAMES);

    const base64 = Buffer.from('app:correct-horse-7').toString('base64');
    const redacted = secrets.redactor.redact(`tr0ub4dor, correct-horse-7, ${base64}`);

    assert.match(
      redacted,
      /^\[redacted:password#1\], \[redacted:password#2\], \S*\[redacted:password#2\]\S*$/,
    );
  });

  it('get into a redactor that was given out before, and keep the numbers of others', () => {
    const secrets = new ContainerSecrets(['DB_PASSWORD=tr0ub4dor']);
    const { redactor } = secrets;
    const before = redactor.redact('tr0ub4dor or correct-horse-7');
    secrets.learn([FILE], NO_NAMES);

    const after = redactor.redact('correct-horse-7 or tr0ub4dor');

    assert.equal(before, '[redacted:password#1] or correct-horse-7');
    assert.equal(after, '[redacted:password#2] or [redacted:password#1]');
    assert.equal(secrets.redactor, redactor);
  });

  it('are taken out together with those of other containers', () => {
    const first = new ContainerSecrets(['DB_PASSWORD=tr0ub4dor']);
    const second = new ContainerSecrets([]);
    const redactor = redactorOf([first, undefined, second]);
    second.learn([FILE], NO_NAMES);

    const redacted = redactor.redact('tr0ub4dor correct-horse-7');

    assert.doesNotMatch(redacted, /tr0ub4dor|correct-horse-7/);
  });

  it('make no difference between containers by what their files hold, before and after', () => {
    const [one, other, changed] = [['A=1'], ['A=1'], ['A=2']].map(
      (env) => new ContainerSecrets(env),
    );
    assert.ok(one !== undefined && other !== undefined && changed !== undefined);
    one.learn([FILE], NO_NAMES);
    one.redactor.redact('anything');

    assert.equal(one.isSameAs(other), true);
    assert.equal(other.isSameAs(one), true);
    assert.equal(one.isSameAs(changed), false);
  });

  it('are in nothing that prints or copies them', () => {
    const secrets = new ContainerSecrets(['DB_PASSWORD=tr0ub4dor']);
    secrets.learn([FILE], NO_NAMES);
    const early = inspect({ secrets }, { depth: 9, showHidden: true });
    secrets.redactor.redact('anything');

    const printed = [early, inspect({ secrets }, { depth: 9, showHidden: true })].join();

    assert.doesNotMatch(printed, /tr0ub4dor|correct-horse-7/);
    assert.equal(JSON.stringify({ secrets }), '{}');
    assert.deepEqual(Object.keys(secrets), []);
  });
});
