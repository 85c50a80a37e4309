import type { ModelClientOptions } from '#adapters/llm/model-client.ts';
import type { Config } from '#config.ts';
import { startModelProbes } from '#controller/model-probes.ts';
import type { SentinelConfig } from '#core/policy/config-schema.ts';
import { VERSION } from '#lib/version.ts';
import type { ModelClient } from '#ports/model-client.ts';
import type { PolicySource } from '#ports/policy-source.ts';
import type { Telemetry } from '#telemetry/telemetry.ts';

interface Options extends Pick<ModelClientOptions, 'clock' | 'onRequest'> {
  readonly config: Pick<Config, 'secret'>;
  readonly settings: Pick<SentinelConfig['spec'], 'providers'>;
  /** In place of the network: records, or replays what was recorded. */
  readonly transport?: ModelClientOptions['transport'];
}

/**
 * The models that the policies may ask: probed, and followed by metrics and log lines, until they are
 * disposed of.
 */
export function openModels(
  options: Omit<Options, 'onRequest'> & {
    readonly policies: PolicySource;
    readonly telemetry: Pick<Telemetry, 'log' | 'models'>;
  },
): ModelClient & Disposable {
  const { policies, telemetry, ...rest } = options;
  const { log, models: listener } = telemetry;
  const models = createLazyModels(
    () => loadModels({ ...rest, onRequest: listener.onRequest }),
    (cause) => log.error({ err: cause }, 'what asks language models cannot be loaded'),
  );
  const probes = startModelProbes({ models, policies, clock: options.clock, listener });
  return { ...models, [Symbol.dispose]: () => probes[Symbol.dispose]() };
}

/** By the providers of the SentinelConfig, with the keys that the environment holds now. */
export async function loadModels(options: Options): Promise<ModelClient> {
  const { config, settings, ...rest } = options;
  const [{ createModelClient }, { resolveProviders }, { createTransport }] = await Promise.all([
    import('#adapters/llm/model-client.ts'),
    import('#adapters/llm/settings.ts'),
    import('#adapters/llm/transport.ts'),
  ]);
  return createModelClient({
    ...rest,
    providers: resolveProviders(settings.providers, config.secret),
    transport: rest.transport ?? createTransport(VERSION),
  });
}

/**
 * A client that is loaded when something is asked for the first time: most installations ask no model,
 * and pay nothing for it.
 *
 * @param onFailure told each time that it cannot be loaded; another request tries again
 */
export function createLazyModels(
  load: () => Promise<ModelClient>,
  onFailure: (cause: unknown) => void,
): ModelClient {
  let client: ModelClient | undefined;
  let loading: Promise<ModelClient> | undefined;

  async function loaded(): Promise<ModelClient> {
    loading ??= load();
    try {
      client = await loading;
      return client;
    } catch (cause) {
      loading = undefined;
      onFailure(cause);
      return NOT_LOADED;
    }
  }

  return {
    complete: async (request, signal) => (await loaded()).complete(request, signal),
    probe: async (route, signal) => (await loaded()).probe(route, signal),
    readiness: (route) => client?.readiness(route) ?? { ...NOT_PROBED, message: unasked(route) },
  };
}

const NOT_PROBED = { ready: false, reason: 'NotProbed' } as const;
const unasked = (route: string) => `${route} was not asked yet`;
const FAILED = 'what asks language models could not be loaded; the log says why';

/** Without models Sentinel does less; it does not end. */
const NOT_LOADED: ModelClient = {
  complete: async () => ({
    kind: 'Unavailable',
    reason: 'NoRoute',
    message: FAILED,
    usage: { promptTokens: 0, completionTokens: 0 },
    promptDigest: '',
  }),
  probe: async () => ({ ready: false, reason: 'Unreachable', message: FAILED }),
  readiness: () => ({ ready: false, reason: 'Unreachable', message: FAILED }),
};
