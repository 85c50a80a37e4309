import { ConfigError } from '#core/errors.ts';
import type { SentinelConfig } from '#core/policy/config-schema.ts';
import { BUILTIN_PROVIDERS } from '#core/policy/providers.ts';
import { defined } from '#lib/defined.ts';
import type { RouteReadiness } from '#ports/model-client.ts';
import { type ProviderProfile, profileAt, profileOf } from './profiles.ts';

type ConfiguredProviders = SentinelConfig['spec']['providers'];
type ConfiguredProvider = ConfiguredProviders[string];

export interface ModelSettings {
  /** What the provider calls it. */
  readonly name: string;
  readonly fallbacks: readonly string[];
  /** Price of a million tokens; absent: not known. */
  readonly usdPerMillionInput?: number;
  readonly usdPerMillionOutput?: number;
  /** Most tokens of an answer, whatever is asked for. */
  readonly maxTokens?: number;
}

export interface ProviderSettings {
  readonly name: string;
  readonly profile: ProviderProfile;
  /** Without a slash at its end; absent: nobody named one. */
  readonly baseUrl?: string;
  readonly apiKey?: string;
  /** The variable that the key comes from; absent: none is needed. */
  readonly keyFrom?: string;
  /** Why its address or its key cannot be used; holds no part of either. */
  readonly problem?: string;
  /** By alias. */
  readonly models: Readonly<Record<string, ModelSettings>>;
  readonly order?: readonly string[];
  readonly dataCollection: 'deny' | 'allow';
  /** Of one request. */
  readonly timeoutMs: number;
  /** Requests at once. */
  readonly maxConcurrent: number;
}

/** A route that can be asked. */
export interface Route {
  /** As policies write it. */
  readonly name: string;
  readonly provider: ProviderSettings & { readonly baseUrl: string };
  readonly model: ModelSettings;
}

type NotReady = Extract<RouteReadiness, { readonly ready: false }>;

/** As the SentinelConfig has it for a provider of which it names no more than the models. */
const UNCONFIGURED: ConfiguredProvider = {
  models: {},
  dataCollection: 'deny',
  maxConcurrent: 2,
};

/**
 * The providers of the SentinelConfig, over those that are built in, with their keys. One that cannot
 * be used is no reason to go without the others: it has a `problem`.
 *
 * @param secret looks up `NAME`, or the file of `NAME_FILE`; throws a ConfigError when it cannot
 */
export function resolveProviders(
  configured: ConfiguredProviders,
  secret: (name: string) => string | undefined,
): ReadonlyMap<string, ProviderSettings> {
  const names = new Set([...BUILTIN_PROVIDERS, ...Object.keys(configured)]);
  return new Map(
    [...names].map((name) => [
      name,
      resolveProvider(name, configured[name] ?? UNCONFIGURED, secret),
    ]),
  );
}

function resolveProvider(
  name: string,
  configured: ConfiguredProvider,
  secret: (name: string) => string | undefined,
): ProviderSettings {
  const { models, dataCollection, maxConcurrent, order } = configured;
  const named = profileOf(name, configured.baseUrl);
  const access = accessTo(name, configured, named, secret);
  const profile = profileAt(named, access.baseUrl);
  return {
    name,
    profile,
    models: { ...defaultModels(profile), ...configuredModels(models) },
    dataCollection,
    timeoutMs: configured.timeout ?? profile.timeoutMs,
    maxConcurrent,
    ...defined({ ...access, order }),
  };
}

function accessTo(
  name: string,
  configured: ConfiguredProvider,
  profile: ProviderProfile,
  secret: (name: string) => string | undefined,
): Pick<ProviderSettings, 'baseUrl' | 'apiKey' | 'keyFrom' | 'problem'> {
  try {
    return defined({
      baseUrl: addressOf(name, configured.baseUrl, profile, secret),
      ...keyOf(name, configured.apiKey ?? profile.keyFrom, secret),
    });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { problem: error.message };
  }
}

/** The SentinelConfig goes before the environment, and that before what is built in. */
function addressOf(
  name: string,
  configured: string | undefined,
  { baseUrl, baseUrlFrom }: ProviderProfile,
  secret: (name: string) => string | undefined,
): string | undefined {
  const given = baseUrlFrom === undefined ? undefined : secret(baseUrlFrom);
  const address = configured ?? given ?? baseUrl;
  return address === undefined ? undefined : checkedUrl(name, address);
}

function keyOf(
  name: string,
  keyFrom: string | undefined,
  secret: (name: string) => string | undefined,
) {
  const key = keyFrom === undefined ? '' : (secret(keyFrom) ?? '').trim();
  return { keyFrom, apiKey: key === '' ? undefined : checkedKey(name, keyFrom ?? '', key) };
}

/** `fetch` would refuse it as a header, and say so by quoting it. */
function checkedKey(provider: string, keyFrom: string, key: string): string {
  if (/^[\x21-\x7e]{1,4096}$/.test(key)) return key;
  throw new ConfigError(
    `provider ${provider}: ${keyFrom} holds characters that cannot stand in a header`,
  );
}

function checkedUrl(provider: string, text: string): string {
  const url = URL.parse(text.trim());
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new ConfigError(`provider ${provider}: its address is no http or https URL`);
  }
  if (url.username !== '' || url.password !== '' || url.search !== '') {
    throw new ConfigError(
      `provider ${provider}: its address holds a user, a password or a query; a key belongs into apiKey`,
    );
  }
  return url.href.replace(/\/+$/, '');
}

function defaultModels({ models }: ProviderProfile): Record<string, ModelSettings> {
  const entries = Object.entries(models).map(([alias, model]) => [
    alias,
    { fallbacks: [], ...model },
  ]);
  return Object.fromEntries(entries) as Record<string, ModelSettings>;
}

function configuredModels(models: ConfiguredProvider['models']): Record<string, ModelSettings> {
  const entries = Object.entries(models).map(([alias, model]) => [alias, defined(model)] as const);
  return Object.fromEntries(entries);
}

/**
 * What a route stands for. What is no alias of its provider is taken for the model's own name.
 *
 * @returns why it cannot be asked, where that is known without asking
 */
export function resolveRoute(
  name: string,
  providers: ReadonlyMap<string, ProviderSettings>,
): Route | NotReady {
  const slash = name.indexOf('/');
  const provider = providers.get(name.slice(0, slash));
  if (slash < 0 || provider === undefined) {
    return notReady('ProviderUnknown', `the SentinelConfig names no provider for ${name}`);
  }
  const { baseUrl, apiKey, keyFrom, problem } = provider;
  if (problem !== undefined) return notReady('ProviderInvalid', problem);
  if (baseUrl === undefined) {
    const from = provider.profile.baseUrlFrom;
    const hint = from === undefined ? 'set its baseUrl' : `set its baseUrl or ${from}`;
    return notReady('AddressMissing', `provider ${provider.name} has no address: ${hint}`);
  }
  if (keyFrom !== undefined && apiKey === undefined) {
    return notReady('KeyMissing', `provider ${provider.name} needs a key: ${keyFrom} is not set`);
  }
  const asked = name.slice(slash + 1);
  const model = Object.hasOwn(provider.models, asked)
    ? provider.models[asked]
    : { name: asked, fallbacks: [] };
  if (model === undefined || model.name === '') {
    return notReady('ModelUnknown', `${name} names no model`);
  }
  return { name, provider: { ...provider, baseUrl }, model };
}

function notReady(reason: NotReady['reason'], message: string): NotReady {
  return { ready: false, reason, message };
}
