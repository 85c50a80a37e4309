import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { it } from 'node:test';
import { promisify } from 'node:util';
import { sentinel } from '../support/cli.ts';

const run = promisify(execFile);
/** About two minutes on two cores that are busy with other tests. */
const SEEDS = 150;
/** Of everything that happens in one simulated hour of seed 7; changes with whatever Sentinel does. */
const HASH = '030b2dff769e0afa3e7188fc581135915a745c29c3962f90afed26d8706f59d9';

it(`${SEEDS} hosts break no invariant`, { timeout: 900_000 }, async () => {
  const { code, stdout } = await sentinel(['simulate', '--seeds', String(SEEDS), '--seed', '1']);

  assert.equal(code, 0, stdout);
});

it('the same seed gives the same run, whatever the machine’s zone and language', async () => {
  const script = `
    const { simulate } = await import(${JSON.stringify(new URL('../../src/simulation/simulate.ts', import.meta.url).href)});
    const { hash } = await simulate(7, { hours: 1, workloads: 4 });
    console.log(hash);`;
  const hashIn = async (env: Readonly<Record<string, string>>) => {
    const args = ['--input-type=module', '-e', script];
    const { stdout } = await run(process.execPath, args, { env: { ...process.env, ...env } });
    return stdout.trim();
  };

  const hashes = await Promise.all([
    hashIn({ TZ: 'UTC', LANG: 'C' }),
    hashIn({ TZ: 'Asia/Kathmandu', LANG: 'tr_TR.UTF-8' }),
  ]);

  assert.deepEqual(
    hashes,
    [HASH, HASH],
    'if Sentinel is meant to do other than before, write it here',
  );
});
