import http from 'node:http';
import { createInterface } from 'node:readline';
import { type EngineProxy, SOCKET, startEngineProxy } from './engine-proxy.ts';

/** The engine on a machine whose clock is wrong, and may be set anew: all that it says is so dated. */
export interface WronglyDatedEngine extends AsyncDisposable {
  readonly proxy: EngineProxy;
  /** Sets its clock: from now on it is so far from the true one. What has happened stays dated as it is. */
  set(shiftMs: number): void;
}

const STAMP = /"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)"/g;
/** In listings; nothing is created before 2001, when seconds had nine digits. */
const CREATED = /"Created":(\d{10})\b/g;
const EVENT_TIMES = /"time":(\d{10}),"timeNano":(\d{19})/;
const NANOS_PER_MS = 1_000_000n;

export async function startWronglyDatedEngine(shiftMs: number): Promise<WronglyDatedEngine> {
  /** Since when, by the true clock, which shift holds; oldest first. */
  const shifts = [{ sinceMs: Number.NEGATIVE_INFINITY, shiftMs }];
  const shiftAt = (trueMs: number): number =>
    shifts.findLast(({ sinceMs }) => sinceMs <= trueMs)?.shiftMs ?? 0;

  const redate = (text: string): string =>
    text
      .replace(STAMP, (whole, seconds: string, fraction = '', zone: string) => {
        const trueMs = Date.parse(`${seconds}${zone}`);
        // The year 1 stands for "never".
        if (trueMs < 0) return whole;
        const exactMs = trueMs + Math.floor(Number(`0${fraction}`) * 1_000);
        const told = new Date(trueMs + shiftAt(exactMs)).toISOString().slice(0, 19);
        return `"${told}${fraction}Z"`;
      })
      .replace(CREATED, (_, seconds: string) => {
        const trueMs = Number(seconds) * 1_000;
        return `"Created":${Math.floor((trueMs + shiftAt(trueMs)) / 1_000)}`;
      });

  const redateEvent = (line: string): { readonly nano: bigint; readonly line: string } => {
    const [, , nanos = ''] = EVENT_TIMES.exec(line) ?? [];
    const trueNano = BigInt(nanos);
    const shift = BigInt(shiftAt(Number(trueNano / NANOS_PER_MS)));
    const nano = trueNano + shift * NANOS_PER_MS;
    const times = `"time":${nano / 1_000_000_000n},"timeNano":${nano}`;
    return { nano, line: line.replace(EVENT_TIMES, times) };
  };

  const answer = (request: http.IncomingMessage, response: http.ServerResponse): boolean => {
    const { method, headers } = request;
    const url = new URL(request.url ?? '', 'http://engine');
    if (method !== 'GET' || !/\/(info|events|containers\/.*json)$/.test(url.pathname)) return false;
    const isOfEvents = url.pathname.endsWith('/events');
    const since = url.searchParams.get('since');
    const until = url.searchParams.get('until');
    if (isOfEvents && since !== null) {
      // All that it still knows, by the true clock; which of it was asked for is sorted out here.
      url.searchParams.set('since', '1');
      url.searchParams.set('until', String(Date.now() / 1_000));
    }
    const path = url.pathname + url.search;
    const upstream = http.request({ socketPath: SOCKET, path, headers, agent: false }, (from) => {
      const { 'content-length': _, ...kept } = from.headers;
      response.writeHead(from.statusCode ?? 502, kept);
      response.flushHeaders();
      if (isOfEvents) {
        void relayEvents(from, response, (line) => {
          const event = redateEvent(line);
          const isAskedFor =
            since === null || (event.nano > nanosOf(since) && event.nano < nanosOf(until ?? since));
          return isAskedFor ? event.line : undefined;
        });
        return;
      }
      void textOf(from).then(
        (text) => response.end(redate(text)),
        () => response.destroy(),
      );
    });
    upstream.on('error', () => response.destroy());
    response.on('close', () => upstream.destroy());
    upstream.end();
    return true;
  };

  const proxy = await startEngineProxy({ answer });
  return {
    proxy,
    set: (next) => shifts.push({ sinceMs: Date.now(), shiftMs: next }),
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
  };
}

async function relayEvents(
  from: http.IncomingMessage,
  response: http.ServerResponse,
  translate: (line: string) => string | undefined,
): Promise<void> {
  try {
    for await (const line of createInterface({ input: from })) {
      const translated = line.trim() === '' ? undefined : translate(line);
      if (translated !== undefined) response.write(`${translated}\n`);
    }
    response.end();
  } catch {
    response.destroy();
  }
}

async function textOf(from: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of from) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** `1790000000.000000001` */
function nanosOf(seconds: string): bigint {
  const [whole = '0', fraction = ''] = seconds.split('.');
  return BigInt(whole) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0').slice(0, 9));
}
