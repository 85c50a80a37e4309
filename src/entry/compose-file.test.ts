import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { createTelemetry } from '#telemetry/telemetry.ts';
import { aPolicy, compile } from '../../test/support/scenario.ts';
import { readComposeFile } from './compose-file.ts';

it('reads the Compose file beside a policy, and asks without one that is not there', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sentinel-compose-'));
  const telemetry = createTelemetry('silent');
  const named = (composeFile: string) => {
    const [policy = assert.fail()] = compile(aPolicy({ diagnosis: { composeFile } }));
    return { ...policy, file: join(folder, 'policies', 'web.yaml') };
  };
  try {
    await writeFile(join(folder, 'compose.yaml'), 'services: {}\n'.padEnd(100_000, '# nothing\n'));

    const found = await readComposeFile(named('../compose.yaml'), telemetry);
    const missing = await readComposeFile(named('../none.yml'), telemetry);

    assert.match(found ?? '', /^services: \{\}\n/);
    assert.ok(found !== undefined && found.length > 65_000 && found.length <= 65_536);
    assert.ok(found.endsWith('# nothing\n'), 'ends within a line');
    assert.equal(missing, undefined);
  } finally {
    await rm(folder, { recursive: true });
  }
});
