import { z } from 'zod';
import { DEFAULTS } from '#core/defaults.ts';
import { ConfigError } from '#core/errors.ts';
import type { SentinelConfig } from '#core/policy/config-schema.ts';

/** Digits alone: `Number` also takes a blank for 0, which would be any free port. */
const Port = z
  .string()
  .regex(/^\d{1,5}$/, 'must be a port number')
  .transform(Number)
  .refine((port) => port <= 65_535, 'must be at most 65535');

/** Unknown variables are none of our business. */
const Environment = z.object({
  DOCKER_HOST: z.string().optional(),
  DOCKER_TLS_VERIFY: z.string().optional(),
  DOCKER_CERT_PATH: z.string().optional(),
  REDIS_URL: z.string().optional(),
  MCP_GATEWAY_URL: z.string().optional(),
  MCP_GATEWAY_AUTH_TOKEN: z.string().optional(),
  AUTO_HEAL_ENABLED: z.string().optional(),
  API_HOST: z.string().min(1).default(DEFAULTS.apiHost),
  API_PORT: Port.default(DEFAULTS.apiPort),
  API_TOKENS_FILE: z.string().optional(),
  /** Names, parted by commas, that requests to the API may be for. */
  API_ALLOWED_HOSTS: z
    .string()
    .default('')
    .transform((text) =>
      text
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== ''),
    ),
  SENTINEL_POLICIES: z.string().min(1).default(DEFAULTS.policies),
  SENTINEL_DATA: z.string().min(1).default(DEFAULTS.data),
  SENTINEL_CONFIG: z.string().optional(),
  SENTINEL_HOST: z.string().min(1).optional(),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
});

/** Variables that may also be given as `NAME_FILE`, the path of a file that holds the value. */
const SECRETS = ['REDIS_URL', 'MCP_GATEWAY_AUTH_TOKEN'] as const;

export interface Config {
  /** Named as in the environment: they mean what Docker's own client makes of them. */
  readonly docker: {
    readonly DOCKER_HOST?: string;
    readonly DOCKER_TLS_VERIFY?: string;
    readonly DOCKER_CERT_PATH?: string;
  };
  readonly redisUrl?: string;
  readonly gateway?: { readonly url: string; readonly token?: string };
  readonly api: {
    readonly host: string;
    readonly port: number;
    readonly tokensFile?: string;
    /** Beside the loopback's; none: as `HttpServerOptions` says. */
    readonly allowedHosts: readonly string[];
  };
  readonly policies: string;
  readonly data: string;
  /** Path of the SentinelConfig; absent: none was named. */
  readonly configFile?: string;
  /** The name of this host in workload keys; absent: the daemon's hostname. */
  readonly host?: string;
  readonly logLevel: z.infer<typeof Environment>['LOG_LEVEL'];
  /** AUTO_HEAL_ENABLED is neither unset nor `true`, or the command line says so. */
  readonly shadowAll: boolean;
  /** Looks a secret up that a policy or the SentinelConfig names: `NAME`, or the file of `NAME_FILE`. */
  readonly secret: (name: string) => string | undefined;
}

/** What a command line may say; it goes before everything else. */
export type Overrides = Partial<Pick<Config, 'policies' | 'data' | 'configFile' | 'shadowAll'>>;

/**
 * Reads the environment, once.
 *
 * @param readText reads a secret's file; throws when it cannot
 * @throws {ConfigError} naming the variable and what it should be
 */
export function loadConfig(
  env: Readonly<Record<string, string | undefined>>,
  overrides: Overrides,
  readText: (path: string) => string,
): Config {
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ''),
  );
  const secret = (name: string) => readSecret(given, name, readText);
  for (const name of SECRETS) {
    const value = secret(name);
    if (value !== undefined) given[name] = value;
  }
  const parsed = Environment.safeParse(given);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new ConfigError(`environment variable ${issue?.path.join('.')}: ${issue?.message}`);
  }
  return Object.freeze({ ...toConfig(parsed.data, secret), ...overrides });
}

/**
 * The configuration with what the SentinelConfig says of it, which goes before the environment.
 *
 * @throws {ConfigError} a secret that it names is not set
 */
export function withSettings(
  config: Config,
  overrides: Overrides,
  { redis, data }: Pick<SentinelConfig['spec'], 'redis' | 'data'>,
): Config {
  const redisUrl =
    redis.urlFrom === undefined ? redis.url : secretOrFail(config, 'redis.urlFrom', redis.urlFrom);
  return Object.freeze({
    ...config,
    ...present({ redisUrl: redisUrl ?? config.redisUrl }),
    data: overrides.data ?? data.directory ?? config.data,
  });
}

function secretOrFail({ secret }: Pick<Config, 'secret'>, field: string, name: string): string {
  const value = secret(name);
  if (value === undefined) throw new ConfigError(`${field}: the secret ${name} is not set`);
  return value;
}

function toConfig(env: z.infer<typeof Environment>, secret: Config['secret']): Config {
  return {
    docker: present({
      DOCKER_HOST: env.DOCKER_HOST,
      DOCKER_TLS_VERIFY: env.DOCKER_TLS_VERIFY,
      DOCKER_CERT_PATH: env.DOCKER_CERT_PATH,
    }),
    ...present({
      redisUrl: env.REDIS_URL,
      host: env.SENTINEL_HOST,
      configFile: env.SENTINEL_CONFIG,
    }),
    ...(env.MCP_GATEWAY_URL === undefined
      ? {}
      : {
          gateway: { url: env.MCP_GATEWAY_URL, ...present({ token: env.MCP_GATEWAY_AUTH_TOKEN }) },
        }),
    api: {
      host: env.API_HOST,
      port: env.API_PORT,
      allowedHosts: env.API_ALLOWED_HOSTS,
      ...present({ tokensFile: env.API_TOKENS_FILE }),
    },
    policies: env.SENTINEL_POLICIES,
    data: env.SENTINEL_DATA,
    logLevel: env.LOG_LEVEL,
    shadowAll: !isUnmistakablyOn(env.AUTO_HEAL_ENABLED),
    secret,
  };
}

/** Anything but unset, empty or `true` must not heal. */
function isUnmistakablyOn(value: string | undefined): boolean {
  return /^(?:true)?$/i.test((value ?? '').trim());
}

/** Without the fields that have no value. */
function present<Field extends string>(
  fields: Readonly<Record<Field, string | undefined>>,
): Partial<Record<Field, string>> {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Partial<Record<Field, string>>;
}

function readSecret(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  readText: (path: string) => string,
): string | undefined {
  // A policy may name any secret: `constructor` is one that nobody has set.
  const given = (variable: string) => (Object.hasOwn(env, variable) ? env[variable] : undefined);
  const path = given(`${name}_FILE`);
  const value = given(name);
  if (path === undefined) return value;
  if (value !== undefined) {
    throw new ConfigError(`${name} and ${name}_FILE are both set; set one of them`);
  }
  try {
    return readText(path).trim();
  } catch (cause) {
    throw new ConfigError(`${name}_FILE: ${path} cannot be read`, { cause });
  }
}
