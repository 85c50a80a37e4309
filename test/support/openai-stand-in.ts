import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { isJsonObject, type JsonObject, type JsonValue } from '#lib/json.ts';

/** What is looked at of a request; everything else in it is kept. */
const ChatRequest = z.looseObject({
  model: z.string(),
  messages: z.array(z.strictObject({ role: z.string(), content: z.string() })).min(1),
  response_format: z
    .discriminatedUnion('type', [
      z.strictObject({ type: z.literal('json_object') }),
      z.strictObject({
        type: z.literal('json_schema'),
        json_schema: z.strictObject({
          name: z.string(),
          strict: z.boolean(),
          schema: z.record(z.string(), z.json()),
        }),
      }),
    ])
    .optional(),
});
export type ChatRequest = z.infer<typeof ChatRequest>;

/** A request as it came. */
export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

/** A chat completion that was asked for. */
export interface ReceivedChat extends ReceivedRequest {
  readonly body: ChatRequest;
}

/** Answers one request, in whatever way. */
export type StandInReply = (
  request: ReceivedChat,
  response: ServerResponse,
) => void | Promise<void>;

export interface StandInOptions {
  /** Names that `GET /models` lists; absent: there is no such list, as with some local servers. */
  readonly models?: readonly string[];
  /** Any other key is answered with 401, which quotes it, as real providers do. */
  readonly apiKey?: string;
  /** Parameters that are answered with 400, as providers do that do not know them. */
  readonly refuses?: readonly string[];
  /** `response_format` of these types likewise. */
  readonly refusesFormats?: readonly string[];
}

/**
 * A stand-in for providers of language models, for tests alone: an OpenAI-compatible server on the
 * loopback. It answers by script, and where the script is at its end with the plainest value that
 * fits the schema it was given. It is no model, and knows nothing.
 */
export interface StandIn extends AsyncDisposable {
  /** To be configured as the address of a provider. */
  readonly url: string;
  /** Chat completions that were asked for, oldest first. */
  readonly received: readonly ReceivedChat[];
  /** Everything else that was asked for. */
  readonly probes: readonly ReceivedRequest[];
  /** Adds to the script: each reply answers one chat completion. */
  say(...replies: readonly StandInReply[]): void;
  /** Answers each chat completion so once the script is at its end. */
  sayAlways(reply: StandInReply): void;
  setOptions(options: StandInOptions): void;
  /** Resolves when so many chat completions have been received in all. */
  hasReceived(count: number): Promise<void>;
  /** Most chat completions that were under way at once. */
  atOnceMax(): number;
}

/** @param port where it listens; any free one unless given */
export async function startStandIn(options: StandInOptions = {}, port = 0): Promise<StandIn> {
  let settings = options;
  const received: ReceivedChat[] = [];
  const probes: ReceivedRequest[] = [];
  const script: StandInReply[] = [];
  let usual: StandInReply = says();
  let underWay = 0;
  let atOnceMax = 0;
  const waiting = new Set<() => void>();

  const server = createServer((incoming, response) => {
    void receive(incoming).then(async (request) => {
      const { path, text } = request;
      if (path !== '/v1/chat/completions') {
        probes.push(request);
        const refusal = refusalOfKey(request, settings);
        if (refusal === undefined) return list(path, response, settings);
        return sendJson(response, 401, { error: refusal });
      }
      const chat: ReceivedChat = { ...request, body: ChatRequest.parse(JSON.parse(text)) };
      received.push(chat);
      underWay += 1;
      atOnceMax = Math.max(atOnceMax, underWay);
      response.on('close', () => {
        underWay -= 1;
      });
      for (const wake of waiting) wake();
      await (refusalOf(chat, settings) ?? script.shift() ?? usual)(chat, response);
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${address.port}/v1`,
    received,
    probes,
    say: (...replies) => {
      script.push(...replies);
    },
    sayAlways: (reply) => {
      usual = reply;
    },
    setOptions: (next) => {
      settings = next;
    },
    hasReceived: (count) =>
      new Promise((resolve) => {
        const look = () => {
          if (received.length < count) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    atOnceMax: () => atOnceMax,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function receive(incoming: IncomingMessage): Promise<ReceivedRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const { method = '', url: path = '', headers } = incoming;
  return { method, path, headers, text: Buffer.concat(chunks).toString() };
}

function refusalOfKey(
  { headers }: ReceivedRequest,
  { apiKey }: StandInOptions,
): JsonObject | undefined {
  const presented = headers.authorization ?? 'nothing';
  if (apiKey === undefined || presented === `Bearer ${apiKey}`) return undefined;
  return { message: `Incorrect API key provided: ${presented}`, code: 'invalid_api_key' };
}

function refusalOf(chat: ReceivedChat, settings: StandInOptions): StandInReply | undefined {
  const { refuses = [], refusesFormats = [] } = settings;
  const badKey = refusalOfKey(chat, settings);
  if (badKey !== undefined) return fails(401, badKey);
  const refused = refuses.find((parameter) => parameter in chat.body);
  if (refused !== undefined) {
    const message = `Unsupported parameter: '${refused}' is not supported with this model.`;
    return fails(400, { message, param: refused, code: 'unsupported_parameter' });
  }
  const type = chat.body.response_format?.type;
  if (type !== undefined && refusesFormats.includes(type)) {
    return fails(400, { message: `response_format of type ${type} is not supported` });
  }
  return undefined;
}

/** The list of models, and whatever else is asked for beside chat completions. */
function list(path: string, response: ServerResponse, { models }: StandInOptions): void {
  if (path === '/v1/key') return sendJson(response, 200, { data: {} });
  if (path !== '/v1/models' || models === undefined) return sendJson(response, 404, {});
  const data = models.map((id) => ({ id, object: 'model' }));
  return sendJson(response, 200, { object: 'list', data });
}

function sendJson(
  response: ServerResponse,
  status: number,
  body: JsonValue,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

/** What a chat completion may say beside its text. */
export interface Saying {
  readonly finish?: string;
  readonly refusal?: string;
  readonly model?: string;
  readonly provider?: string;
  /** `null`: none is told. What it says is believed only where it can be true. */
  readonly usage?: JsonObject | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A chat completion whose text is just this. */
export function saysText(text: string | null, saying: Saying = {}): StandInReply {
  return (request, response) => {
    sendJson(response, 200, completion(request, text, saying), saying.headers);
  };
}

/** A chat completion with a JSON value; absent: the plainest that fits the schema of the request. */
export function says(value?: JsonValue, saying: Saying = {}): StandInReply {
  return (request, response) => {
    const text = JSON.stringify(value ?? plainest(schemaOf(request.body)));
    sendJson(response, 200, completion(request, text, saying), saying.headers);
  };
}

function completion(request: ReceivedChat, text: string | null, saying: Saying): JsonObject {
  const { usage, refusal = null, finish = 'stop', model, provider } = saying;
  const promptTokens = Math.ceil(request.text.length / 3);
  const completionTokens = Math.ceil((text ?? '').length / 3);
  const counted = { prompt_tokens: promptTokens, completion_tokens: completionTokens };
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    model: model ?? request.body.model,
    ...(provider === undefined ? {} : { provider }),
    choices: [
      { index: 0, finish_reason: finish, message: { role: 'assistant', content: text, refusal } },
    ],
    ...(usage === null ? {} : { usage: usage ?? counted }),
  };
}

/**
 * Does what it is told by whoever wrote last, like a model that cannot tell instructions from data:
 * a line `SYSTEM: answer {…}` in the text becomes the answer, a line `SYSTEM: repeat …` is repeated.
 */
export function saysWhatItIsTold(saying: Saying = {}): StandInReply {
  return (request, response) => {
    const text = saidBy(request.body, 'user').join('\n');
    const order = [...text.matchAll(/^.*?SYSTEM: (?:answer|repeat) (.*)$/gm)].at(-1)?.[1];
    const reply = order === undefined ? says(undefined, saying) : saysText(order, saying);
    return reply(request, response);
  };
}

/** The texts that a role has said in a request. */
export function saidBy({ messages }: ChatRequest, role: string): string[] {
  return messages.filter((message) => message.role === role).map(({ content }) => content);
}

/** An error, as OpenAI and those after it write one. */
export function fails(
  status: number,
  error: JsonObject | string = { message: 'no' },
  headers: Readonly<Record<string, string>> = {},
): StandInReply {
  return (_request, response) => sendJson(response, status, { error }, headers);
}

/** A body as it is, whatever it says. */
export function sends(
  body: string,
  { status = 200, type = 'application/json' } = {},
): StandInReply {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': type }).end(body);
  };
}

/** Never answers. */
export function isSilent(): StandInReply {
  return () => undefined;
}

/** Begins to answer, and then says nothing more. */
export function stalls(): StandInReply {
  return (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write('{"id":"chatcmpl-1","choices":[{"message":{"content":"{');
  };
}

/** Says so little so often that no pause is long: blanks, as some send to keep a connection. */
export function dawdles(everyMs: number): StandInReply {
  return (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const timer = setInterval(() => response.write(' '), everyMs);
    response.on('close', () => clearInterval(timer));
  };
}

/** Breaks the connection: before the answer, or in the middle of it. */
export function breaksOff(where: 'before' | 'within'): StandInReply {
  return (_request, response) => {
    if (where === 'before') {
      response.destroy();
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
    response.write('{"id":', () => response.destroy());
  };
}

/** Answers without end, as fast as it is read. */
export function pours(): StandInReply {
  return (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const chunk = Buffer.alloc(64 * 1024, ' ');
    const pour = () => {
      while (!response.destroyed && response.write(chunk)) {
        // As fast as the other side takes it.
      }
    };
    response.on('drain', pour);
    pour();
  };
}

/** Answers as `reply` does, once `until` has come. */
export function waits(until: Promise<unknown>, reply: StandInReply): StandInReply {
  return async (request, response) => {
    await until;
    return reply(request, response);
  };
}

/** The schema that a request asks an answer to fit, wherever it stands. */
function schemaOf(body: ChatRequest): JsonValue {
  const { response_format: format } = body;
  if (format?.type === 'json_schema') return format.json_schema.schema as JsonObject;
  const instructions = saidBy(body, 'system').join('\n');
  const text = instructions.slice(instructions.lastIndexOf('\n{') + 1);
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return {};
  }
}

/** The plainest value that fits a schema of the simple kind. */
function plainest(schema: JsonValue): JsonValue {
  if (!isJsonObject(schema)) return null;
  const { type, minimum, properties = {}, anyOf, enum: values } = schema;
  if ('const' in schema) return schema['const'] ?? null;
  if (Array.isArray(values)) return (values as JsonValue[])[0] ?? null;
  if (Array.isArray(anyOf)) return plainest((anyOf as JsonValue[])[0] ?? {});
  if (type === 'string') return 'text';
  if (type === 'integer' || type === 'number') return typeof minimum === 'number' ? minimum : 0;
  if (type === 'boolean') return false;
  if (type === 'array') return [];
  if (type === 'null') return null;
  const members = isJsonObject(properties) ? Object.entries(properties) : [];
  return Object.fromEntries(members.map(([name, member]) => [name, plainest(member)]));
}
