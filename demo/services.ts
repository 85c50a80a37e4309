import type Docker from 'dockerode';

const MIB = 2 ** 20;
const SECOND_NS = 1e9;

/** One container of the stack, as a Compose file would describe it. */
export interface Service {
  /** Also the name of its script in services/, and its alias on the network. */
  readonly name: string;
  /** What the `depends_on` label of Compose says. */
  readonly dependsOn?: string;
  readonly health?: Docker.ContainerCreateOptions['Healthcheck'];
  /** Path of a named volume, which survives a recreation. */
  readonly volume?: string;
  readonly limits?: Docker.HostConfig;
  readonly restart?: 'unless-stopped';
}

/**
 * Few health checks, and slow ones: each probe costs the engine as much as twenty of the things
 * that it probes.
 */
function health(url: string, retries: number): NonNullable<Service['health']> {
  return {
    Test: ['CMD-SHELL', `timeout 1 wget -q -O /dev/null ${url}`],
    Interval: SECOND_NS,
    Timeout: 2 * SECOND_NS,
    Retries: retries,
    StartPeriod: 0,
  };
}

/** What runs: each breaks in its own way, and no way breaks another but the database the API. */
export const SERVICES: readonly Service[] = [
  { name: 'db', health: health('http://127.0.0.1:5432/', 2) },
  {
    name: 'api',
    dependsOn: 'db:service_healthy:false',
    // One retry more than the database, so that the deeper cause is seen first, as in life.
    health: health('http://127.0.0.1:8080/cgi-bin/orders', 3),
  },
  { name: 'web' },
  {
    name: 'worker',
    restart: 'unless-stopped',
    limits: { Memory: 24 * MIB, MemorySwap: 24 * MIB },
  },
  { name: 'mailer', volume: '/outbox' },
  { name: 'indexer', limits: { NanoCpus: 0.2e9 } },
  { name: 'ledger' },
];
