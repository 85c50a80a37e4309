import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { watchPolicyFolder } from '#adapters/files/policy-source.ts';
import { createSystemClock } from '#adapters/system/system-clock.ts';
import { BUILTIN_TOOL_NAMES, builtinTool } from '#core/remediation/tools.ts';
import { startOnPolicies } from '#entry/wiring.ts';
import type { PolicySet } from '#ports/policy-source.ts';
import { createTelemetry } from '#telemetry/telemetry.ts';
import { apiOptions, ask } from '../support/api.ts';
import { sentinel } from '../support/cli.ts';
import { eventually } from '../support/engine.ts';
import { MemoryOperator } from '../support/operator.ts';
import { aPolicy } from '../support/scenario.ts';
import { SentinelProcess } from '../support/sentinel-process.ts';

const NO_ENGINE = { DOCKER_HOST: 'unix:///nonexistent/docker.sock' };
const POLICY = JSON.stringify(aPolicy());
const BROKEN = 'kind: [';

describe('the policies of a start', () => {
  let root = '';
  let folder = '';
  let lastGoodFile = '';
  const warnings: string[] = [];

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'sentinel-start-'));
    folder = join(root, 'policies');
    lastGoodFile = join(root, 'policies.last-good.json');
    warnings.length = 0;
    await mkdir(folder);
  });
  afterEach(async () => rm(root, { recursive: true, force: true }));

  const write = async (name: string, text: string) => writeFile(join(folder, name), text);
  const open = async (path = folder) =>
    watchPolicyFolder({
      path,
      context: () => ({ tool: builtinTool, builtinTools: BUILTIN_TOOL_NAMES }),
      clock: createSystemClock(),
      lastGoodFile,
      onWarning: (message) => warnings.push(message),
    });

  /** A run that found good policies, and is over. */
  async function anEarlierRun(): Promise<PolicySet> {
    await write('web.yaml', POLICY);
    await using source = await open();
    return source.current();
  }

  it('are those of the earlier run while a file is broken, and are told to be', async () => {
    const before = await anEarlierRun();
    await write('broken.yaml', BROKEN);

    await using source = await open();

    const { keptSince, ...set } = source.current();
    assert.deepEqual(
      set.policies.map(({ digest }) => digest),
      before.policies.map(({ digest }) => digest),
    );
    assert.deepEqual([set.isKnown, set.loadedOk], [true, false]);
    assert.equal(set.problems[0]?.file, join(folder, 'broken.yaml'));
    assert.ok(Math.abs(Date.parse(keptSince ?? '') - Date.now()) < 60_000);
  });

  it('are those of the earlier run when the folder is gone, or named wrongly', async () => {
    await anEarlierRun();

    await using source = await open(join(root, 'polices'));

    assert.deepEqual(
      source.current().policies.map(({ name }) => name),
      ['web'],
    );
    assert.equal(source.current().problems[0]?.message, 'cannot be read: ENOENT');
  });

  it('are the new ones as soon as all are good', async () => {
    await anEarlierRun();
    await write('broken.yaml', BROKEN);
    await using source = await open();

    await rm(join(folder, 'broken.yaml'));
    const set = await source.reload();

    assert.deepEqual([set.loadedOk, set.keptSince], [true, undefined]);
  });

  it('are unknown, not none, when the first set ever is bad', async () => {
    await write('broken.yaml', BROKEN);
    await write('web.yaml', POLICY);

    await using source = await open();
    const first = source.current();
    await rm(join(folder, 'broken.yaml'));
    const second = await source.reload();

    assert.deepEqual([first.isKnown, first.policies], [false, []]);
    assert.deepEqual([second.isKnown, second.policies.length], [true, 1]);
  });

  it('are unknown when the kept ones were damaged, which is said', async () => {
    await anEarlierRun();
    await writeFile(lastGoodFile, '{"version":1');
    await write('broken.yaml', BROKEN);

    await using source = await open();

    assert.equal(source.current().isKnown, false);
    const messages = source.current().problems.map(({ message }) => message);
    assert.match(messages.join('\n'), /the last good policies cannot be read/);
  });

  it('are none, with a doubt, in an empty folder', async () => {
    await using source = await open();

    const { isKnown, loadedOk, warnings: doubts } = source.current();
    assert.deepEqual([isKnown, loadedOk], [true, true]);
    assert.match(doubts[0]?.message ?? '', /holds no policy/);
  });

  it('are kept for their owner alone, and written only when they change', async () => {
    await anEarlierRun();
    const first = await stat(lastGoodFile);
    await anEarlierRun();
    const second = await stat(lastGoodFile);
    await write('web.yaml', `${POLICY}\n`);
    await (await open())[Symbol.asyncDispose]();
    const third = await stat(lastGoodFile);

    assert.equal(first.mode & 0o777, 0o600);
    assert.equal(second.ino, first.ino);
    assert.notEqual(third.ino, first.ino);
    assert.match(await readFile(lastGoodFile, 'utf8'), /web\.yaml/);
  });

  it('are in force also when they cannot be kept', async () => {
    await write('web.yaml', POLICY);
    lastGoodFile = join(root, 'nowhere/policies.json');

    await using source = await open();

    assert.equal(source.current().policies.length, 1);
    assert.match(warnings.join(), /are not kept/);
  });

  it('start nothing before they are known', async () => {
    await write('broken.yaml', BROKEN);
    await using source = await open();
    let starts = 0;
    const controller = { start: () => void (starts += 1) };
    const telemetry = createTelemetry('silent');

    startOnPolicies({ policies: source, controller, telemetry, once: false });
    const before = starts;
    await write('web.yaml', POLICY);
    await source.reload();
    const whileBroken = starts;
    await rm(join(folder, 'broken.yaml'));
    await source.reload();
    await write('web.yaml', `${POLICY}\n`);
    await source.reload();

    assert.deepEqual([before, whileBroken, starts], [0, 0, 1]);
  });

  it('are the reason why an operator without them is not ready', async () => {
    const operator = await MemoryOperator.open([]);
    await using source = await open(join(root, 'polices'));
    const { sources, ...rest } = apiOptions(operator);
    const options = { ...rest, sources: { ...sources, policies: () => source.current() } };
    const { createApp } = await import('#http/server.ts');

    const { status, body } = await ask(operator, '/readyz', createApp(options));

    assert.equal(status, 503);
    assert.deepEqual(
      body.checks.find(({ name }: { name: string }) => name === 'policies'),
      { name: 'policies', ok: false, message: 'no policies could be loaded' },
    );
    await operator.stop();
  });

  it('end a single look with 2 when there are none', async () => {
    const args = ['run', '--once', '--policies', join(root, 'polices'), '--data', join(root, 'd')];

    const { code, stderr } = await sentinel(args, {
      env: { ...NO_ENGINE, SENTINEL_HOST: 'box', API_PORT: '0' },
    });

    assert.equal(code, 2, stderr);
    assert.match(stderr, /sentinel: no policies could be loaded: .*polices:1:1: error: .*ENOENT/);
  });

  it('are waited for by a running operator, and survive its restart', async () => {
    await using operator = await SentinelProcess.start({
      policies: [],
      env: NO_ENGINE,
      until: 'serving',
    });
    await operator.stop();
    await rm(join(operator.data, 'policies.last-good.json'));
    await writeFile(operator.policyFile('broken'), BROKEN);
    const said = (text: RegExp, level: string) => () =>
      operator.logs.some(({ msg, level: of }) => text.test(msg) && of === level);

    await operator.start();
    const unready = await operator.get('/readyz');
    const isLoud = said(/^no policies could be loaded/, 'error')();
    await writeFile(operator.policyFile('broken'), POLICY);
    await eventually(async () => {
      const { body } = await operator.get('/readyz');
      return body.checks.find(({ name }: { name: string }) => name === 'policies').ok === true;
    });
    await operator.stop();
    await writeFile(operator.policyFile('broken'), BROKEN);
    await operator.start();
    await eventually(said(/those of an earlier run are in force/, 'warn'));

    assert.deepEqual([unready.status, isLoud], [503, true]);
    const { policies } = await operator.state();
    assert.deepEqual(Object.keys(policies), ['web']);
  });
});
