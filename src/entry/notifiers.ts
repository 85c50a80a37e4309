import { createWebhookNotifier } from '#adapters/webhook/webhook-notifier.ts';
import type { Config } from '#config.ts';
import type { OperatorJournal } from '#controller/journal-state.ts';
import {
  type Notifications,
  type NotifierEntry,
  startNotifications,
} from '#controller/notifications.ts';
import { ConfigError } from '#core/errors.ts';
import type { SentinelConfig } from '#core/policy/config-schema.ts';
import { VERSION } from '#lib/version.ts';
import type { Clock } from '#ports/clock.ts';
import type { PolicySource } from '#ports/policy-source.ts';
import type { Telemetry } from '#telemetry/telemetry.ts';

type Settings = SentinelConfig['spec'];

/**
 * The notifiers of the SentinelConfig, ready to send: for the operator, and for a test of each.
 *
 * @throws {ConfigError} a secret that one names is not set, or holds no URL
 */
export function createNotifiers(
  { secret }: Pick<Config, 'secret'>,
  { notifiers }: Pick<Settings, 'notifiers'>,
): NotifierEntry[] {
  return Object.entries(notifiers).map(([name, { webhook, level }]) => {
    const required = (secretName: string) =>
      secret(secretName) ?? fail(name, `the secret ${secretName} is not set`);
    const url = webhook.urlFrom === undefined ? (webhook.url ?? '') : required(webhook.urlFrom);
    if (!/^https?:/.test(url) || !URL.canParse(url)) {
      fail(name, `${webhook.urlFrom ?? 'url'} holds no http or https URL`);
    }
    const token = webhook.token === undefined ? {} : { token: required(webhook.token) };
    const { timeout: timeoutMs } = webhook;
    const notifier = createWebhookNotifier({ url, ...token, timeoutMs, version: VERSION });
    return { name, level, notifier };
  });
}

function fail(name: string, why: string): never {
  throw new ConfigError(`notifier ${name}: ${why}`);
}

/** Tells people what the journal records. */
export function notify(options: {
  readonly config: Config;
  readonly settings: Settings;
  readonly journal: OperatorJournal;
  readonly policies: PolicySource;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}): Notifications {
  const { config, settings, journal, policies, clock, telemetry } = options;
  const { log } = telemetry;
  return startNotifications({
    journal,
    clock,
    notifiers: createNotifiers(config, settings),
    notifiersOf: (policy) =>
      policies.current().policies.find(({ name }) => name === policy)?.spec.notify ?? [],
    events: {
      onAvailability(notifier, reason) {
        if (reason === undefined) log.info({ notifier }, 'the notifier works again');
        else log.warn({ notifier, reason }, 'the notifier fails');
      },
      onDropped({ notifier, count, reason }) {
        log.warn({ notifier, count, reason }, 'notifications were dropped');
      },
      onWarning(message, cause) {
        log.warn({ err: cause }, message);
      },
    },
  });
}
