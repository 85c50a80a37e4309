import { z } from 'zod';
import { API_VERSION, PositiveDuration as Duration, Name } from './schema-values.ts';

const HttpUrl = z.url({ protocol: /^https?$/, message: 'must be an http or https URL' });
/** The environment variable, or with `_FILE` the file, that holds a secret. */
const SecretName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of an environment variable')
  .describe('Environment variable that holds it; NAME_FILE names a file instead.');

const Model = z
  .strictObject({
    name: z.string().min(1).describe('What the provider calls the model.'),
    fallbacks: z.array(z.string().min(1)).max(8).default([]).describe('For OpenRouter.'),
    usdPerMillionInput: z
      .number()
      .min(0)
      .optional()
      .describe('Price of a million tokens in; a high one is assumed unless given or reported.'),
    usdPerMillionOutput: z.number().min(0).optional().describe('Price of a million tokens out.'),
    maxTokens: z.int().min(16).max(131_072).optional().describe('Most tokens of an answer.'),
  })
  .describe('A model under an alias: names change every few months, policies should not.');

const Provider = z
  .strictObject({
    baseUrl: HttpUrl.optional().describe('The provider’s own unless given.'),
    apiKey: SecretName.optional(),
    models: z
      .record(Name, Model)
      .prefault({})
      .describe('Alias → model; policies name `provider/alias`, or the model by its own name.'),
    order: z
      .array(z.string().min(1))
      .max(16)
      .optional()
      .describe('OpenRouter: providers in this order.'),
    dataCollection: z.enum(['deny', 'allow']).default('deny').describe('OpenRouter.'),
    timeout: Duration.optional().describe(
      'Of one request; 60s unless given, 2m for local. What waits for an answer has bounds of its own.',
    ),
    maxConcurrent: z.int().min(1).max(64).default(2).describe('Requests at once.'),
  })
  .describe('An OpenAI-compatible endpoint.');

export const McpServer = z
  .strictObject({
    command: z.array(z.string()).min(1).max(64).optional().describe('Started as a child, stdio.'),
    environment: z.record(z.string(), SecretName).optional().describe('Variable → secret.'),
    url: HttpUrl.optional().describe('Streamable HTTP.'),
    token: SecretName.optional().describe('Bearer token for the URL.'),
    // A gateway may have to start a container first.
    timeout: Duration.prefault('60s').describe('Of one call.'),
    maxConcurrent: z
      .int()
      .min(1)
      .default(1)
      .describe('Calls at once; more than 1 is not built yet.'),
  })
  .refine(({ command, url }) => (command === undefined) !== (url === undefined), {
    message: 'needs either command or url',
  });

export const RedisSettings = z
  .strictObject({
    url: z
      .string()
      .regex(/^rediss?:\/\/\S+$/, 'must be a redis:// or rediss:// URL')
      .optional()
      .describe('Without a password; else urlFrom.'),
    urlFrom: SecretName.optional(),
    maxStreamLength: z
      .int()
      .min(100)
      .max(10_000_000)
      .default(100_000)
      .describe('Entries that each stream keeps, about.'),
    resolvedTtl: Duration.prefault('7d').describe('How long a resolved incident is kept.'),
  })
  .refine(({ url, urlFrom }) => url === undefined || urlFrom === undefined, {
    message: 'takes either url or urlFrom',
  });

const Notifier = z.strictObject({
  webhook: z
    .strictObject({
      url: HttpUrl.optional().describe('Receives a JSON object by POST.'),
      urlFrom: SecretName.optional().describe('For a URL that is a secret.'),
      token: SecretName.optional(),
      timeout: Duration.prefault('5s').describe('Of one attempt.'),
    })
    .refine(({ url, urlFrom }) => (url === undefined) !== (urlFrom === undefined), {
      message: 'needs either url or urlFrom',
    }),
  level: z
    .enum(['all', 'warning', 'critical', 'escalated'])
    .default('warning')
    .describe('The mildest that is sent: every change, or incidents of that severity and up.'),
});

const Host = z.strictObject({
  url: z
    .string()
    .regex(/^(unix|tcp|http|https|ssh):\/\/\S+$/, 'must be an endpoint such as tcp://10.0.0.2:2376')
    .describe('As DOCKER_HOST.'),
  tls: z
    .strictObject({ ca: z.string().min(1), cert: z.string().min(1), key: z.string().min(1) })
    .optional()
    .describe('Paths of PEM files.'),
});

/** The second key: what the operator of this process allows, whatever the policies say. */
export const SentinelConfig = z.strictObject({
  apiVersion: z.literal(API_VERSION),
  kind: z.literal('SentinelConfig'),
  metadata: z.strictObject({ name: Name.default('sentinel') }).prefault({}),
  spec: z
    .strictObject({
      hosts: z
        .record(Name, Host)
        .optional()
        .describe('Docker endpoints by name. Not built yet: the one is that of DOCKER_HOST.'),
      redis: RedisSettings.prefault({}).describe(
        'Where incidents are published; REDIS_URL unless given.',
      ),
      data: z
        .strictObject({
          directory: z
            .string()
            .min(1)
            .optional()
            .describe(
              'SENTINEL_DATA unless given. Commands beside run and doctor do not look here: tell them with --data or SENTINEL_DATA.',
            ),
          retention: Duration.prefault('31d').describe('Oldest segments of the journal go.'),
          evidenceBytesMax: z
            .int()
            .min(1_048_576)
            .default(1_073_741_824)
            .describe('Oldest evidence goes beyond it.'),
          observationBytesMax: z.int().min(1_048_576).optional().describe('Not built yet.'),
        })
        .prefault({})
        .describe('Journal and evidence on this host.'),
      providers: z.record(Name, Provider).prefault({}).describe('Where models are asked, by name.'),
      mcp: z
        .strictObject({
          servers: z
            .record(Name, McpServer)
            .refine((servers) => !Object.hasOwn(servers, 'docker'), {
              message: 'docker is the built-in server; choose another name',
            })
            .prefault({})
            .describe('By the name that policies put before the slash.'),
        })
        .prefault({})
        .describe('Tools of other servers.'),
      tools: z
        .strictObject({
          enable: z
            .array(z.string().regex(/^[a-z0-9][-a-z0-9]*\/\S+$/, 'must be server/tool'))
            .max(64)
            .default([])
            .describe('Tools that can change what runs; a policy alone cannot use them.'),
        })
        .prefault({})
        .describe('The second key to the strongest tools.'),
      maxActions: z
        .strictObject({
          max: z.int().min(1).max(1000).default(10).describe('Actions.'),
          per: Duration.prefault('10m').describe('A rolling window.'),
        })
        .prefault({})
        .describe('Most actions on one host, above all policies.'),
      redaction: z
        .strictObject({
          readSecretFiles: z
            .boolean()
            .default(true)
            .describe(
              'Reads the files of Docker secrets in observed containers, so that what they hold is taken out of what the containers say.',
            ),
        })
        .prefault({})
        .describe('What Sentinel knows of the secrets that it takes out.'),
      lease: z
        .enum(['none', 'redis'])
        .default('none')
        .describe('redis: act only while holding the lease of the engine. Not built yet.'),
      notifiers: z.record(Name, Notifier).prefault({}).describe('By the name that notify uses.'),
    })
    .prefault({}),
});
export type SentinelConfig = z.infer<typeof SentinelConfig>;
