import type { BuiltinProvider } from '#core/policy/providers.ts';

/** How the model's answer is kept to the schema, from the firmest hold to the loosest. */
export type StructuredMode = 'json_schema' | 'json_object' | 'prompt';

export interface ModelDefaults {
  readonly name: string;
  readonly fallbacks?: readonly string[];
  readonly usdPerMillionInput?: number;
  readonly usdPerMillionOutput?: number;
}

/** What sets one provider apart from the others that speak the same protocol. */
export interface ProviderProfile {
  /** Absent: the configuration must name it. */
  readonly baseUrl?: string;
  /** Environment variable that may hold the address instead. */
  readonly baseUrlFrom?: string;
  /** Environment variable that holds the key; absent: none is needed. */
  readonly keyFrom?: string;
  /** By alias. Names that existed in October 2026; they go every few months. */
  readonly models: Readonly<Record<string, ModelDefaults>>;
  readonly firstMode: StructuredMode;
  /** What bounds an answer is called differently. */
  readonly tokensField: 'max_tokens' | 'max_completion_tokens';
  /** Reasoning models of OpenAI refuse any temperature but their own. */
  readonly takesTemperature: boolean;
  /** Sent along for models whose names begin so: they think long unless told otherwise. */
  readonly reasoningEffort?: { readonly namePrefix: string; readonly effort: string };
  /** Takes OpenRouter's `provider` and `models`. */
  readonly isRouter: boolean;
  /** `usage.cost` in US dollars. */
  readonly reportsCost: boolean;
  /** Runs on one's own machine: costs nothing unless a price is configured. */
  readonly isFree: boolean;
  /** Of one request, unless the configuration says. */
  readonly timeoutMs: number;
  /** A path that answers 401 to a bad key, where the list of models is public. */
  readonly keyPath?: string;
}

const PLAIN = {
  models: {},
  firstMode: 'json_schema',
  tokensField: 'max_tokens',
  takesTemperature: true,
  isRouter: false,
  reportsCost: false,
  isFree: false,
  timeoutMs: 60_000,
} as const satisfies ProviderProfile;

const GPT_OSS = {
  name: 'gpt-oss-120b',
  usdPerMillionInput: 0.35,
  usdPerMillionOutput: 0.75,
} as const;

const LLAMA_3_3 = 'meta-llama/llama-3.3-70b-instruct';

/** By the name that routes begin with. */
const BUILTIN: Readonly<Record<BuiltinProvider, ProviderProfile>> = {
  cerebras: {
    ...PLAIN,
    baseUrl: 'https://api.cerebras.ai/v1',
    keyFrom: 'CEREBRAS_API_KEY',
    models: { fast: GPT_OSS, deep: GPT_OSS, small: { name: 'qwen-3.8-27b' } },
    // Reserved in full against the tokens of a minute, so callers ask for what they need.
    tokensField: 'max_completion_tokens',
    reasoningEffort: { namePrefix: 'gpt-oss', effort: 'low' },
  },
  openrouter: {
    ...PLAIN,
    baseUrl: 'https://openrouter.ai/api/v1',
    keyFrom: 'OPENROUTER_API_KEY',
    models: {
      deep: { name: 'meta-llama/llama-4-scout', fallbacks: [LLAMA_3_3] },
      fast: { name: LLAMA_3_3 },
    },
    isRouter: true,
    reportsCost: true,
    keyPath: '/key',
  },
  llama: {
    ...PLAIN,
    baseUrlFrom: 'LLAMA_API_BASE',
    keyFrom: 'LLAMA_API_KEY',
  },
  openai: {
    ...PLAIN,
    baseUrl: 'https://api.openai.com/v1',
    baseUrlFrom: 'OPENAI_BASE_URL',
    keyFrom: 'OPENAI_API_KEY',
    tokensField: 'max_completion_tokens',
    takesTemperature: false,
  },
  // Without a graphics card a prompt alone takes a minute.
  local: { ...PLAIN, isFree: true, timeoutMs: 120_000 },
};

const PROFILES: ReadonlyMap<string, ProviderProfile> = new Map(Object.entries(BUILTIN));

/**
 * The profile of a provider: that of its name, else of who lives at its address, else a plain one.
 *
 * @param baseUrl as configured
 */
export function profileOf(name: string, baseUrl: string | undefined): ProviderProfile {
  const byName = PROFILES.get(name);
  if (byName !== undefined) return byName;
  const host = hostOf(baseUrl);
  const byHost = [...PROFILES.values()].find(
    (profile) => host !== undefined && hostOf(profile.baseUrl) === host,
  );
  if (byHost === undefined) return PLAIN;
  // Under a name of one's own it has a key and models of one's own.
  const { keyFrom: _key, baseUrlFrom: _address, ...way } = byHost;
  return { ...way, models: {} };
}

/**
 * Whoever answers at an address of one's own under OpenAI's name takes what most servers take: some
 * ignore OpenAI's newer names, and answer without an end.
 */
export function profileAt(profile: ProviderProfile, baseUrl: string | undefined): ProviderProfile {
  if (profile !== BUILTIN.openai || hostOf(baseUrl) === hostOf(profile.baseUrl)) return profile;
  const { tokensField, takesTemperature } = PLAIN;
  return { ...profile, tokensField, takesTemperature };
}

function hostOf(url: string | undefined): string | undefined {
  return url === undefined ? undefined : (URL.parse(url)?.host ?? undefined);
}
