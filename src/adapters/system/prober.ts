import http from 'node:http';
import https from 'node:https';
import { BlockList, connect, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { HttpProbeTarget, ProbeOutcome, Prober, ProbeTarget } from '#ports/prober.ts';

export interface ProberOptions {
  /**
   * Where services of containers with `network_mode: host` are found. Default 127.0.0.1, which is
   * right for a process on the host's network.
   */
  readonly hostAddress?: string;
}

/** Of an answer's body, before the connection is cut: a server that is cut off at once complains. */
const BODY_BYTES_MAX = 64 * 2 ** 10;
const UNREACHABLE: ReadonlySet<string> = new Set(['ENETUNREACH', 'EHOSTUNREACH', 'EADDRNOTAVAIL']);

/** Probes over this process's own network. */
export function createProber({ hostAddress = '127.0.0.1' }: ProberOptions = {}): Prober {
  const place = ({ addresses, port }: ProbeTarget): Place => {
    const address = addresses === 'Host' ? hostAddress : chooseAddress(addresses);
    return { address, port, label: `${isIPv6(address) ? `[${address}]` : address}:${port}` };
  };
  return {
    http: (target, signal) => probeHttp(place(target), target, signal),
    tcp: (target, signal) => probeTcp(place(target), target, signal),
  };
}

interface Place {
  readonly address: string;
  readonly port: number;
  readonly label: string;
}

/** One that is reached without a router, if there is one: Docker's networks do not route. */
function chooseAddress(addresses: readonly string[]): string {
  const neighbours = neighbourhood();
  return addresses.find((address) => isIn(neighbours, address)) ?? addresses[0] ?? '';
}

async function probeTcp(
  place: Place,
  { timeoutMs }: ProbeTarget,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  return new Promise((resolve) => {
    const socket = connect({ host: place.address, port: place.port, signal: limit });
    const end = (outcome: ProbeOutcome) => {
      socket.destroy();
      resolve(outcome);
    };
    socket.once('connect', () => end({ kind: 'Success' }));
    // Stays: an error after the end must not go unheard.
    socket.on('error', (error) => end(failure(place, error, { timeoutMs, connected: false })));
  });
}

async function probeHttp(
  place: Place,
  target: HttpProbeTarget,
  signal: AbortSignal,
): Promise<ProbeOutcome> {
  const { timeoutMs } = target;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  return new Promise((resolve) => {
    let connected = false;
    const request = (target.scheme === 'https' ? https : http).request({
      host: place.address,
      port: place.port,
      path: target.path,
      method: 'GET',
      headers: { 'user-agent': 'sre-sentinel', accept: '*/*' },
      agent: false,
      rejectUnauthorized: false,
      signal: limit,
    });
    request.once('socket', (socket) => {
      socket.once('connect', () => {
        connected = true;
      });
    });
    request.once('response', (response) => {
      resolve(judgeStatus(response.statusCode ?? 0, target.status));
      drain(response);
    });
    request.on('error', (error) => resolve(failure(place, error, { timeoutMs, connected })));
    request.end();
  });
}

function judgeStatus(status: number, accepted: readonly number[] | undefined): ProbeOutcome {
  const isGood = accepted === undefined ? status >= 200 && status < 400 : accepted.includes(status);
  if (isGood) return { kind: 'Success' };
  return { kind: 'Failure', reason: 'BadStatus', message: `answered with status ${status}` };
}

/** Reads on until the end or the bound; the time limit of the probe still holds. */
function drain(response: http.IncomingMessage): void {
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) response.destroy();
  });
  response.on('error', () => response.destroy());
}

function failure(
  { address, label }: Place,
  error: Error,
  { timeoutMs, connected }: { readonly timeoutMs: number; readonly connected: boolean },
): ProbeOutcome {
  const code = codeOf(error);
  const timedOut = code === 'ABORT_ERR' || code === 'ETIMEDOUT';
  const foreign = !connected && !isIn(neighbourhood(), address);
  // Docker drops what comes from another of its networks: no answer looks like a slow one.
  if (foreign && (timedOut || UNREACHABLE.has(code))) {
    return { kind: 'Failure', reason: 'NoRoute', message: `no route to ${label}` };
  }
  if (timedOut) {
    const step = connected ? 'no answer' : 'no connection';
    const message = `${step} from ${label} within ${timeoutMs} ms`;
    return { kind: 'Failure', reason: 'TimedOut', message };
  }
  if (code === 'ECONNREFUSED') {
    return { kind: 'Failure', reason: 'Refused', message: `${label} refused the connection` };
  }
  return { kind: 'Failure', reason: 'Broken', message: `${label}: ${code}` };
}

/** Codes are Node's own words; a message may hold bytes that the service sent. */
function codeOf(error: Error): string {
  const code: unknown = 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : error.name;
}

/** The networks that this process is on. Read afresh: Docker makes and removes bridges. */
function neighbourhood(): BlockList {
  const list = new BlockList();
  for (const found of Object.values(networkInterfaces())) {
    for (const { cidr, family } of found ?? []) {
      const [network, bits] = cidr?.split('/') ?? [];
      if (network === undefined || bits === undefined) continue;
      list.addSubnet(network, Number(bits), family === 'IPv6' ? 'ipv6' : 'ipv4');
    }
  }
  return list;
}

function isIn(list: BlockList, address: string): boolean {
  return list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
