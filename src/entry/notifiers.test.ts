import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConfigError } from '#core/errors.ts';
import { SentinelConfig } from '#core/policy/config-schema.ts';
import { createNotifiers } from './notifiers.ts';

const SECRETS: Readonly<Record<string, string>> = {
  HOOK: 'https://hooks.example.com/T1',
  NO_URL: 'hooks.example.com',
};
const config = { secret: (name: string) => SECRETS[name] };

function settings(notifiers: object) {
  const document = { apiVersion: 'sre-sentinel.io/v1alpha1', kind: 'SentinelConfig' };
  return SentinelConfig.parse({ ...document, spec: { notifiers } }).spec;
}

describe('the notifiers of the SentinelConfig', () => {
  it('have the level that was given, or warning', () => {
    const made = createNotifiers(
      config,
      settings({
        ops: { webhook: { url: 'http://localhost:9/' } },
        boss: { webhook: { urlFrom: 'HOOK' }, level: 'escalated' },
      }),
    );

    assert.deepEqual(
      made.map(({ name, level }) => [name, level]),
      [
        ['ops', 'warning'],
        ['boss', 'escalated'],
      ],
    );
  });

  for (const [name, webhook, message] of [
    [
      'the secret of the URL is not set',
      { urlFrom: 'MISSING' },
      'notifier ops: the secret MISSING is not set',
    ],
    [
      'the secret of the token is not set',
      { url: 'http://localhost:9/', token: 'MISSING' },
      'notifier ops: the secret MISSING is not set',
    ],
    [
      'the secret holds no URL',
      { urlFrom: 'NO_URL' },
      'notifier ops: NO_URL holds no http or https URL',
    ],
  ] as const) {
    it(`stop a start when ${name}`, () => {
      assert.throws(
        () => createNotifiers(config, settings({ ops: { webhook } })),
        (error) => {
          assert.ok(error instanceof ConfigError);
          assert.equal(error.message, message);
          return true;
        },
      );
    });
  }
});
