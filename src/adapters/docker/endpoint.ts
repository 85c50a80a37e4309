import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '#core/errors.ts';

/** The variables that Docker's own client reads, as given: nothing here reads the environment. */
export interface DockerEndpointOptions {
  /** `unix:///path`, `tcp://host[:port]` or `http(s)://…`; absent or empty: Docker's default socket. */
  readonly DOCKER_HOST?: string | undefined;
  /** Any value but the empty one turns TLS on, as in Docker's client. */
  readonly DOCKER_TLS_VERIFY?: string | undefined;
  /** Folder with ca.pem, cert.pem, key.pem; absent: `~/.docker`. */
  readonly DOCKER_CERT_PATH?: string | undefined;
}

export interface TlsFiles {
  readonly ca: Buffer;
  /** Both or neither: without them the client shows no certificate. */
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

export type DockerEndpoint =
  | { readonly kind: 'unix'; readonly socketPath: string; readonly label: string }
  | {
      readonly kind: 'tcp';
      readonly host: string;
      readonly port: number;
      /** Before every API path, without a slash at the end; mostly empty. */
      readonly basePath: string;
      readonly tls?: TlsFiles;
      readonly label: string;
    };

const DEFAULT_HOST = 'unix:///var/run/docker.sock';
const PORT = 2375;
const TLS_PORT = 2376;
const NO_SSH =
  'DOCKER_HOST: ssh is not supported; forward the socket ' +
  '(ssh -L /path/docker.sock:/var/run/docker.sock HOST) and name that socket instead';
const UNPRINTABLE = /\p{Cc}/u;

/**
 * Reads where the engine is.
 *
 * @throws {ConfigError} an address or certificate that cannot be used
 */
export function parseEndpoint(options: DockerEndpointOptions): DockerEndpoint {
  const given = options.DOCKER_HOST || DEFAULT_HOST;
  if (given.startsWith('ssh://')) throw new ConfigError(NO_SSH);
  // Before any message or label repeats the address: what stands there may be a password.
  if (given.includes('@') && !given.startsWith('unix:///')) {
    throw new ConfigError('DOCKER_HOST: credentials in the address are not used');
  }
  if (UNPRINTABLE.test(given)) throw new ConfigError('DOCKER_HOST holds a control character');
  const text = given.includes('://') ? given : `tcp://${given}`;
  const scheme = text.slice(0, text.indexOf('://'));
  switch (scheme) {
    case 'unix':
      return unixEndpoint(text);
    case 'tcp':
    case 'http':
    case 'https':
      return tcpEndpoint(text, scheme, options);
    default:
      throw new ConfigError(`DOCKER_HOST=${given}: expected unix://, tcp://, http:// or https://`);
  }
}

function unixEndpoint(text: string): DockerEndpoint {
  const socketPath = text.slice('unix://'.length) || DEFAULT_HOST.slice('unix://'.length);
  if (!socketPath.startsWith('/')) {
    throw new ConfigError(`DOCKER_HOST=${text}: the socket needs an absolute path`);
  }
  return { kind: 'unix', socketPath, label: `unix://${socketPath}` };
}

function tcpEndpoint(
  text: string,
  scheme: 'tcp' | 'http' | 'https',
  options: DockerEndpointOptions,
): DockerEndpoint {
  // As http, the URL parser knows the parts of the address; the scheme says nothing more here.
  const address = `http${text.slice(scheme.length)}`;
  if (!URL.canParse(address)) throw new ConfigError(`DOCKER_HOST=${text} is no address`);
  const { hostname, port, pathname, search, hash } = new URL(address);
  if (search !== '' || hash !== '') {
    throw new ConfigError(`DOCKER_HOST=${text}: an address ends with its path`);
  }

  const secure = scheme === 'https' || (options.DOCKER_TLS_VERIFY ?? '') !== '';
  // The URL parser drops port 80, its default for http.
  const written = port || (/^http:\/\/[^/]*:0*80(?:\/|$)/.test(address) ? '80' : '');
  return {
    kind: 'tcp',
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: written === '' ? (secure ? TLS_PORT : PORT) : Number(written),
    basePath: pathname.replace(/\/+$/, ''),
    ...(secure && { tls: readTlsFiles(options.DOCKER_CERT_PATH || join(homedir(), '.docker')) }),
    label: text,
  };
}

function readTlsFiles(folder: string): TlsFiles {
  const ca = readOptional(join(folder, 'ca.pem'));
  const cert = readOptional(join(folder, 'cert.pem'));
  const key = readOptional(join(folder, 'key.pem'));
  if (ca === undefined) {
    throw new ConfigError(`Docker over TLS needs ${join(folder, 'ca.pem')} (DOCKER_CERT_PATH)`);
  }
  if ((cert === undefined) !== (key === undefined)) {
    throw new ConfigError(`${folder} needs both cert.pem and key.pem, or neither`);
  }
  return { ca, ...(cert !== undefined && { cert }), ...(key !== undefined && { key }) };
}

function readOptional(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new ConfigError(`${path} cannot be read`, { cause });
  }
}
