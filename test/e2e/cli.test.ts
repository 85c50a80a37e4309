import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createMemoryJournalStorage } from '#adapters/memory/memory-journal-storage.ts';
import { startHttpServer } from '#http/server.ts';
import { apiOptions, OPERATOR_TOKEN } from '../support/api.ts';
import { follow, sentinel, writeJournal } from '../support/cli.ts';
import { SOCKET } from '../support/engine-proxy.ts';
import { MemoryOperator } from '../support/operator.ts';
import { aPolicy } from '../support/scenario.ts';

const CHECK = { intervalMs: 1_000, timeoutMs: 1_000, startPeriodMs: 0, retries: 3 };

/** An operator that has mended one container: its journal tells of it. */
async function anOperatorThatMended(): Promise<MemoryOperator> {
  const operator = await MemoryOperator.open([aPolicy()]);
  await operator.engine.add({
    name: 'web',
    health: CHECK,
    plan: ({ run }) => ({ health: run === 1 ? 'unhealthy' : 'healthy' }),
  });
  await operator.pass(60_000);
  return operator;
}

let root = '';
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'sentinel-cli-'));
});
after(async () => rm(root, { recursive: true, force: true }));

describe('sentinel', () => {
  it('shows its help without a command, and that of every command', async () => {
    const general = await sentinel([]);
    const names = [...general.stdout.matchAll(/^ {2}([a-z]+) {2,}[A-Z]/gm)].map(([, name]) => name);

    assert.equal(general.code, 0);
    assert.ok(names.length >= 16);
    for (const name of names) {
      const help = await sentinel(['help', name ?? '']);

      assert.equal(help.code, 0, name);
      assert.match(help.stdout, new RegExp(`^Usage: sentinel ${name}`), name);
      assert.match(help.stdout, /Example|print the version|Prints/i, name);
    }
  });

  it('suggests the command that was meant, and ends with 2', async () => {
    const { code, stdout, stderr } = await sentinel(['validat', 'x']);

    assert.equal(code, 2);
    assert.equal(stdout, '');
    assert.match(stderr, /^sentinel: unknown command 'validat'\n\(Did you mean validate\?\)/);
  });

  it('ends with 2 for an option that does not exist', async () => {
    const { code, stderr } = await sentinel(['get', 'incidents', '--opne']);

    assert.equal(code, 2);
    assert.match(stderr, /unknown option '--opne'\n\(Did you mean --open\?\)/);
  });

  for (const args of [
    ['version', '-o', 'yaml'],
    ['mcp', 'serve', '--transport', 'http', '--port', 'abc'],
    ['mcp', 'serve', '--transport', 'http', '--port', '65536'],
    ['get', 'policies', '--policy', 'x'],
    ['get', 'workloads', '--workload', 'x'],
    ['get', 'remediations', '--open'],
    ['get', 'incidents', 'inc-x', '--policy', 'x'],
  ]) {
    it(`ends with 2 for: ${args.join(' ')}`, async () => {
      const { code, stdout, stderr } = await sentinel(args);

      const option = args.findLast((word) => word.startsWith('-')) ?? '';
      assert.equal(code, 2, stderr);
      assert.ok(stderr.includes(option), stderr);
      assert.equal(stdout, '');
    });
  }

  it('prints its version, and loads no engine client for it', async () => {
    const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
    const trace = 'process.on("exit",()=>console.error(Object.keys(require.cache).join("\\n")))';
    const preload = join(root, 'trace.cjs');
    await writeFile(preload, trace);

    const { code, stdout, stderr } = await sentinel(['version'], {
      env: { NODE_OPTIONS: `--require ${preload}` },
    });

    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`^sentinel ${version} `));
    assert.doesNotMatch(stderr, /dockerode|modelcontextprotocol|ioredis/);
  });

  it('is not troubled by a reader that has seen enough', async () => {
    const child = spawn('bash', [
      '-c',
      `set -o pipefail; ${process.execPath} ${resolve('src/sentinel.ts')} schema | head -1`,
    ]);
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));

    const code = await new Promise((done) => child.on('close', done));

    assert.equal(code, 0);
    assert.equal(errors, '');
  });
});

describe('bin/sentinel.mjs', () => {
  it('says in one sentence which Node it needs', async () => {
    const older = `Object.defineProperty(process, 'versions', { value: { node: '20.1.0' } })`;

    const { status, stderr } = spawnSync(
      process.execPath,
      ['--import', `data:text/javascript,${older}`, 'bin/sentinel.mjs', 'version'],
      { encoding: 'utf8' },
    );

    assert.equal(status, 3);
    assert.match(stderr, /^sentinel: needs Node 24\.12 or newer, and this is 20\.1\.0; .*\n$/);
  });

  it('needs the Node that package.json asks for, and no name that an older one lacks', async () => {
    const source = await readFile('bin/sentinel.mjs', 'utf8');
    const { engines } = JSON.parse(await readFile('package.json', 'utf8')) as {
      engines: { node: string };
    };

    assert.ok(source.includes(`needs Node ${engines.node.replace('>=', '')} or newer`));
    assert.doesNotMatch(source, /import \{[^}]*\} from 'node:(?:fs|module)'/);
  });

  for (const [name, breakIt] of [
    [
      'the mark that it is filled cannot be written',
      async (checkout: string, temporary: string) => {
        await mkdir(join(checkout, '.cache/compile/filled'), { recursive: true });
        return temporary;
      },
    ],
    [
      'there is a file in its place',
      async (checkout: string, temporary: string) => {
        await writeFile(join(checkout, '.cache'), '');
        return temporary;
      },
    ],
    [
      'there is no folder for temporary files',
      async (_checkout: string, temporary: string) => join(temporary, 'nowhere'),
    ],
  ] as const) {
    it(`starts all the same where the cache cannot be filled: ${name}`, async () => {
      const checkout = await mkdtemp(join(root, 'checkout-'));
      const temporary = await mkdtemp(join(root, 'tmp-'));
      await mkdir(join(checkout, 'bin'));
      await mkdir(join(checkout, 'src'));
      await copyFile('bin/sentinel.mjs', join(checkout, 'bin/sentinel.mjs'));
      // The rehearsal of this one ends at once, and well.
      const entry = `if (process.env.SENTINEL_FILL_CACHE === '1') process.exit(0); console.log('ran');`;
      await writeFile(join(checkout, 'src/sentinel.ts'), entry);
      const TMPDIR = await breakIt(checkout, temporary);

      const { status, stdout, stderr } = spawnSync(
        process.execPath,
        [join(checkout, 'bin/sentinel.mjs'), 'run'],
        { encoding: 'utf8', env: { TMPDIR } },
      );

      assert.deepEqual([status, stdout, stderr], [0, 'ran\n', '']);
      assert.deepEqual(await readdir(temporary), []);
    });
  }
});

describe('sentinel validate', () => {
  it('names file, line, column, path and what was probably meant, and ends with 1', async () => {
    const file = join(root, 'wrong.yaml');
    await writeFile(
      file,
      `apiVersion: sre-sentinel.io/v1alpha1
kind: SentinelPolicy
metadata: { name: web }
spec:
  selector: { names: [web] }
  thresholds:
    - { name: sick, signal: helth, severity: critical }
  remediation: { mod: Auto }
`,
    );

    const { code, stdout } = await sentinel(['validate', file]);

    assert.equal(code, 1);
    const lines = stdout.split('\n');
    assert.match(
      lines[0] ?? '',
      /wrong\.yaml:7:29: error: spec\.thresholds\[0\]\.signal: .*did you mean health\?$/,
    );
    assert.match(
      lines[1] ?? '',
      /wrong\.yaml:8:18: error: spec\.remediation\.mod: unknown field mod; did you mean mode\?$/,
    );
    assert.equal(lines[2], '2 errors');
  });

  it('is content with the policies that come with it, and says so in JSON too', async () => {
    const text = await sentinel(['validate', 'policies']);
    const json = await sentinel(['validate', '-o', 'json', 'policies']);

    assert.equal(text.code, 0, text.stdout);
    assert.match(text.stdout, /\d+ policies in \d+ files: valid/);
    const { problems } = JSON.parse(json.stdout) as { problems: { severity: string }[] };
    assert.deepEqual(
      problems.filter(({ severity }) => severity === 'error'),
      [],
    );
  });

  it('counts a file once that is named by itself and by its folder', async () => {
    const folder = join(root, 'twice');
    await mkdir(folder);
    const file = join(folder, 'a.yaml');
    await writeFile(file, JSON.stringify(aPolicy()));

    const { code, stdout } = await sentinel(['validate', folder, file]);

    assert.equal(stdout, '1 policy in 1 file: valid\n');
    assert.equal(code, 0);
  });

  it('finds a policy that two files define, and a path that is not there', async () => {
    const folder = join(root, 'double');
    await mkdir(folder);
    await writeFile(join(folder, 'a.yaml'), JSON.stringify(aPolicy()));
    await writeFile(join(folder, 'b.yaml'), JSON.stringify(aPolicy()));

    const double = await sentinel(['validate', folder]);
    const nowhere = await sentinel(['validate', join(root, 'nowhere')]);

    assert.deepEqual([double.code, nowhere.code], [1, 1]);
    assert.match(double.stdout, /policy web is already defined in .*a\.yaml/);
    assert.match(nowhere.stdout, /cannot be read: ENOENT/);
  });

  it('does not call nothing valid, unless that is allowed', async () => {
    const folder = join(root, 'empty');
    await mkdir(folder);

    const refused = await sentinel(['validate', folder]);
    const allowed = await sentinel(['validate', '--allow-empty', folder]);

    assert.deepEqual([refused.code, allowed.code], [2, 0]);
    assert.match(refused.stderr, /there is no policy in .*empty\nName the file/);
  });

  it('refuses a secret in a policy', async () => {
    const file = join(root, 'secret.yaml');
    const token = `ghp_${'a1B2c3'.repeat(6)}`;
    const remediation = {
      allowed: [
        { name: 'x', tool: 'docker/exec_command', arguments: { command: ['login', token] } },
      ],
    };
    await writeFile(file, JSON.stringify(aPolicy({ remediation })));

    const { code, stdout } = await sentinel(['validate', file]);

    assert.equal(code, 1);
    assert.match(stdout, /secret/i);
    assert.doesNotMatch(stdout, /ghp_/);
  });
});

describe('sentinel on a journal', () => {
  let data = '';
  let incident = '';
  before(async () => {
    const operator = await anOperatorThatMended();
    incident = operator.incidents()[0]?.name ?? '';
    await operator.stop();
    data = join(root, 'data');
    await writeJournal(data, operator.storage.files());
  });

  it('verifies it, and against a head that was kept elsewhere', async () => {
    const { code, stdout } = await sentinel(['audit', 'verify', '--data', data]);
    const head = /^head (\S+)$/m.exec(stdout)?.[1] ?? '';

    const kept = await sentinel(['audit', 'verify', '--data', data, '--head', head]);
    const older = await sentinel([
      'audit',
      'verify',
      '--data',
      data,
      '--head',
      head.replace(':', ' '),
    ]);
    const help = await sentinel(['audit', 'verify', '--help']);
    const later = head.replace(/^\d+/, '99999');
    const cut = await sentinel(['audit', 'verify', '--data', data, '--head', later]);

    assert.deepEqual([code, kept.code, older.code, cut.code], [0, 0, 0, 1]);
    assert.match(help.stdout, /sentinel:outbox:<journalId>:head/);
    assert.match(stdout, /^the chain is whole: \d+ records in 1 segment$/m);
    assert.match(cut.stdout, /the head kept elsewhere is record 99999/);
    assert.match(
      cut.stdout,
      /^the journal was damaged: 1 finding; good: \d+ records in 1 segment$/m,
    );
  });

  it('takes an emptied journal for damaged where a Sentinel has run', async () => {
    const emptied = join(root, 'emptied');
    await writeJournal(emptied, new Map([['000000000001.jsonl', Buffer.of()]]));

    const fresh = await sentinel(['audit', 'verify', '--data', emptied]);
    await writeFile(join(emptied, 'api-token'), 'a token');
    const used = await sentinel(['audit', 'verify', '--data', emptied]);

    assert.deepEqual([fresh.code, used.code], [0, 1]);
    assert.match(used.stdout, /the segment holds no record, yet there is an API token/);
  });

  it('names the record that was changed, and ends with 1', async () => {
    const copy = join(root, 'tampered');
    const [name = ''] = await readNames(join(data, 'journal'));
    const text = await readFile(join(data, 'journal', name), 'utf8');
    const changed = text.replace('"outcome":"Succeeded"', '"outcome":"Forgotten"');
    assert.notEqual(changed, text);
    const line = text.split('\n').findIndex((one) => one.includes('"outcome":"Succeeded"')) + 1;
    await writeJournal(copy, new Map([[name, Buffer.from(changed)]]));

    const verified = await sentinel(['audit', 'verify', '--data', copy]);
    const explained = await sentinel(['explain', incident, '--data', copy]);

    assert.equal(verified.code, 1);
    assert.match(
      verified.stdout,
      new RegExp(`:${line}: record ${line}: the content does not match its hash`),
    );
    assert.equal(explained.code, 3);
    assert.match(explained.stdout, new RegExp(`^${incident}\nweb \\(box/web\\)`));
    assert.match(explained.stderr, damageAt(join(copy, 'journal', name), line));
  });

  it('reads a damaged journal up to the damage, warns, and ends with 3', async () => {
    const copy = join(root, 'damaged');
    const [name = ''] = await readNames(join(data, 'journal'));
    const lines = (await readFile(join(data, 'journal', name), 'utf8')).trimEnd().split('\n');
    const place = lines.findIndex((line) => line.includes('"type":"verification.passed"'));
    const damaged = lines.with(place, '{"seq":nonsense}').map((line) => `${line}\n`);
    await writeJournal(copy, new Map([[name, Buffer.from(damaged.join(''))]]));

    const tail = await sentinel(['audit', 'tail', '-n', '2', '-o', 'json', '--data', copy]);
    const filtered = await sentinel(['audit', 'tail', '-f', '--type', 'started', '--data', copy]);
    const exported = await sentinel(['audit', 'export', '--data', copy]);
    const unknown = await sentinel(['explain', 'inc-none', '--data', copy]);

    const warning = damageAt(join(copy, 'journal', name), place + 1);
    for (const { code, stderr } of [tail, filtered, exported, unknown]) {
      assert.equal(code, 3);
      assert.match(stderr, warning);
    }
    const good = lines.slice(0, place).map((line) => JSON.parse(line) as unknown);
    assert.deepEqual(parseLines(tail.stdout), good.slice(-2));
    assert.deepEqual(parseLines(exported.stdout), good);
    assert.match(filtered.stdout, /#1 .*started/);
  });

  it('reads up to damage in an older segment, and before a newest one without a good record', async () => {
    const storage = createMemoryJournalStorage();
    const operator = await MemoryOperator.open([aPolicy()], { storage });
    await operator.journal.renew('journal-b');
    await operator.journal.renew('journal-c');
    await operator.stop();
    const files = [...storage.files()];
    const spoil = (at: number) =>
      new Map(files.map(([name, text], index) => [name, index === at ? spoilt(text) : text]));
    await writeJournal(join(root, 'older'), spoil(1));
    await writeJournal(join(root, 'newest'), spoil(files.length - 1));

    const older = await sentinel(['audit', 'export', '--data', join(root, 'older')]);
    const newest = await sentinel(['audit', 'export', '--data', join(root, 'newest')]);

    const lengths = files.map(([, text]) => text.toString().trimEnd().split('\n').length);
    const all = lengths.reduce((sum, length) => sum + length, 0);
    assert.deepEqual([older.code, newest.code], [3, 3]);
    assert.equal(parseLines(older.stdout).length, lengths[0]);
    assert.equal(parseLines(newest.stdout).length, all - (lengths.at(-1) ?? 0));
    const fileOf = (copy: string, at: number) =>
      join(root, copy, 'journal', files.at(at)?.[0] ?? '');
    assert.match(older.stderr, damageAt(fileOf('older', 1), 1));
    assert.match(newest.stderr, damageAt(fileOf('newest', -1), 1));
  });

  it('explains an incident without a running Sentinel', async () => {
    const { code, stdout } = await sentinel(['explain', incident, '--data', data]);

    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`^${incident}\nweb \\(box/web\\): unhealthy, critical`));
    assert.match(stdout, /Sentinel mended it \(restart worked\)/);
    assert.match(stdout, /restart \(docker\/restart_container\) because of unhealthy/);
    assert.match(stdout, /Considered: restart /);
  });

  it('shows what the container logged last, but nothing that is not what was kept', async () => {
    const crash = { name: 'crash', signal: 'exit', nonZero: true, severity: 'critical' };
    const storage = createMemoryJournalStorage();
    const operator = await MemoryOperator.open([aPolicy({ thresholds: [crash] })], { storage });
    const id = await operator.engine.add({ name: 'web' });
    await operator.pass(25_000);
    operator.engine.writeLog(id, 'FATAL no database', 'stderr');
    operator.engine.crash(id);
    await operator.pass(60_000);
    const [told = assert.fail('no incident')] = operator.incidents();
    const { blob = assert.fail('no log') } =
      told.evidence.find(({ signal }) => signal === 'logs.tail') ?? {};
    const digest = blob.digest.replace('sha256:', '');
    const text = (await operator.evidence.get(digest)) ?? assert.fail('no text');
    const directory = join(root, 'said');
    const file = join(directory, 'evidence', digest);
    await mkdir(join(directory, 'evidence'), { recursive: true });
    await writeFile(file, text);
    await using server = await startHttpServer(apiOptions(operator));

    const asked = ['explain', told.name, '--server', server.url];
    const here = await sentinel(asked, { env: { SENTINEL_DATA: directory } });
    const elsewhere = await sentinel(asked, { env: { SENTINEL_DATA: root } });
    await operator.stop();
    await writeJournal(directory, storage.files());
    const shown = await sentinel(['explain', told.name, '--data', directory]);
    await writeFile(file, 'something else');
    const changed = await sentinel(['explain', told.name, '--data', directory]);

    assert.match(here.stdout, /stderr FATAL no database\n/);
    assert.ok(elsewhere.stdout.includes(`sentinel explain ${told.name} --data DIRECTORY`));
    assert.match(
      shown.stdout,
      /What it said last:\n {2}Its log at .*\n.* stderr FATAL no database\n/,
    );
    assert.doesNotMatch(changed.stdout, /something else|FATAL/);
    assert.match(changed.stdout, /Its log at .*: no longer kept\n/);
  });

  it('says which incidents there are when there is none of the name', async () => {
    const { code, stderr } = await sentinel(['explain', 'inc-none', '--data', data]);

    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`there is no incident inc-none .*\n.*${incident}`));
  });

  it('prints its tail, and exports it as it is', async () => {
    const tail = await sentinel(['audit', 'tail', '-n', '2', '--data', data]);
    const exported = await sentinel(['audit', 'export', '--data', data]);
    const some = await sentinel(['audit', 'export', '--type', 'verification', '--data', data]);

    const [name = ''] = await readNames(join(data, 'journal'));
    const lines = (await readFile(join(data, 'journal', name), 'utf8')).trimEnd().split('\n');
    assert.deepEqual(
      exported.stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
      lines.map((line) => JSON.parse(line) as unknown),
    );
    assert.match(
      tail.stdout,
      /incident\.resolved .*Remediated: restart worked\n.*stopped {2}test\n$/,
    );
    assert.equal(tail.stdout.trimEnd().split('\n').length, 2);
    assert.match(some.stdout, /"type":"verification\.passed"/);
    assert.equal(some.stdout.trimEnd().split('\n').length, 1);
  });

  it('ends with 3 where there is no journal', async () => {
    const { code, stderr } = await sentinel(['audit', 'verify', '--data', join(root, 'empty')]);

    assert.equal(code, 3);
    assert.match(stderr, /^sentinel: there is no journal in .*\nName the data directory/);
  });
});

describe('sentinel as a client', () => {
  it('ends with 3 when nothing listens, in two lines and without a stack', async () => {
    const { code, stdout, stderr } = await sentinel(['get', 'incidents'], {
      env: { API_PORT: String(await freePort()) },
    });

    assert.equal(code, 3);
    assert.equal(stdout, '');
    assert.match(
      stderr,
      /^sentinel: cannot reach Sentinel at .*: nothing listens there\nIs Sentinel/,
    );
    assert.equal(stderr.trimEnd().split('\n').length, 2);
  });

  it('shows, describes and explains what a running Sentinel knows', async () => {
    const operator = await anOperatorThatMended();
    await using server = await startHttpServer(apiOptions(operator));
    const { name } = operator.incidents()[0] ?? assert.fail('no incident');
    const ask = async (...args: string[]) => sentinel([...args, '--server', server.url]);

    const table = await ask('get', 'incidents');
    const wide = await ask('get', 'wl', '-o', 'wide');
    const yaml = await ask('get', 'policy', 'web', '-o', 'yaml');
    const json = await ask('get', 'remediations', '-o', 'json');
    const described = await ask('describe', 'incident', name);
    const explained = await ask('explain', name);
    const missing = await ask('get', 'incidents', 'inc-none');

    assert.match(table.stdout, /^NAME +PHASE +SEVERITY +WORKLOAD +BREACHED +CAUSE +AGE\n/);
    assert.match(table.stdout, new RegExp(`\n${name} +Resolved +critical +box/web +unhealthy`));
    assert.match(wide.stdout, /box\/web +running +healthy +web +Auto/);
    assert.match(yaml.stdout, /^kind: SentinelPolicy$/m);
    const { items } = JSON.parse(json.stdout) as { items: { spec: { incident: string } }[] };
    assert.deepEqual(
      items.map(({ spec }) => spec.incident),
      [name],
    );
    assert.match(described.stdout, /Conditions:\n +TYPE +STATUS/);
    assert.match(explained.stdout, /web, generation 1, mode Auto/);
    assert.deepEqual(
      [missing.code, missing.stderr],
      [1, 'sentinel: there is no incident inc-none\n'],
    );
    for (const { code } of [table, wide, yaml, json, described, explained]) assert.equal(code, 0);
  });

  it('pauses with the token of the data directory, and not without', async () => {
    const operator = await MemoryOperator.open([aPolicy()]);
    await using server = await startHttpServer(apiOptions(operator));
    const data = join(root, 'token');
    await mkdir(data);
    const args = ['pause', '--all', '--reason', 'test', '--server', server.url, '--data', data];

    const without = await sentinel(args);
    await writeFile(join(data, 'api-token'), `${OPERATOR_TOKEN}\n`);
    const pausing = sentinel(args);
    // The journal writes by the operator's own clock.
    const paused = await withClock(operator, pausing);
    const usage = await sentinel(['pause', '--reason', 'x', '--server', server.url]);

    assert.equal(without.code, 3);
    assert.match(without.stderr, /a bearer token is needed\nGive one with --token/);
    assert.deepEqual(
      [paused.code, paused.stdout],
      [0, 'paused: everything on this host, until it is resumed\n'],
    );
    assert.equal(operator.journal.state().pauses['all:']?.by, 'operator:ann');
    assert.equal(usage.code, 2);
  });
});

describe('the token of a client', () => {
  it('is no hindrance to a reader on this machine where an old one was left over', async () => {
    const operator = await MemoryOperator.open([aPolicy()]);
    await using server = await startHttpServer(apiOptions(operator));
    const data = join(root, 'old-token');
    await mkdir(data);
    await writeFile(join(data, 'api-token'), 'of-a-sentinel-that-was-here\n');
    const env = { API_PORT: new URL(server.url).port, SENTINEL_DATA: data };

    const found = await sentinel(['get', 'policies'], { env });
    const given = await sentinel(['get', 'policies', '--token', 'wrong'], { env });
    const ordering = await sentinel(['pause', '--all', '--reason', 'test'], { env });

    assert.deepEqual([found.code, given.code, ordering.code], [0, 3, 3]);
    assert.match(found.stdout, /^NAME .*\nweb /);
    assert.match(ordering.stderr, /is not known\nThe token is another Sentinel’s, or old\./);
  });

  it('may stand in a file', async () => {
    const operator = await MemoryOperator.open([aPolicy()]);
    await using server = await startHttpServer(apiOptions(operator));
    const file = join(root, 'a-token');
    await writeFile(file, `${OPERATOR_TOKEN}\n`);
    const args = ['pause', '--all', '--reason', 'test', '--server', server.url];

    const inFile = sentinel(args, { env: { SENTINEL_TOKEN_FILE: file } });
    const paused = await withClock(operator, inFile);
    const missing = await sentinel(args, { env: { SENTINEL_TOKEN_FILE: `${file}.not` } });
    const both = await sentinel(args, {
      env: { SENTINEL_TOKEN_FILE: file, SENTINEL_TOKEN: OPERATOR_TOKEN },
    });

    assert.equal(paused.code, 0, paused.stderr);
    assert.equal(operator.journal.state().pauses['all:']?.by, 'operator:ann');
    assert.deepEqual([missing.code, both.code], [2, 2]);
  });
});

describe('sentinel, following', () => {
  it('shows an incident again when it changes, until it is interrupted', async () => {
    const operator = await MemoryOperator.open([aPolicy()]);
    await using server = await startHttpServer(apiOptions(operator));
    const following = follow(['get', 'incidents', '-w', '--server', server.url]);
    await following.until('no incidents');

    await operator.engine.add({ name: 'web', health: CHECK, plan: { health: 'unhealthy' } });
    await operator.pass(30_000);
    await following.until(' box/web ');
    const { code, output } = await following.interrupt();

    assert.equal(code, 0);
    assert.match(output, /^no incidents\ninc-\S+ +\S+ +critical +box\/web/);
  });

  it('prints the records that come, until it is interrupted', async () => {
    const data = join(root, 'followed');
    const operator = await anOperatorThatMended();
    await writeJournal(data, operator.storage.files());
    const following = follow(['audit', 'tail', '-f', '-n', '1', '--data', data]);
    await following.until('incident.resolved');

    await operator.stop();
    await writeJournal(data, operator.storage.files());
    await following.until('stopped');
    const { code, output } = await following.interrupt();

    assert.equal(code, 0);
    assert.match(output, /incident\.resolved .*\n.*stopped {2}test\n$/);
    assert.equal(output.trimEnd().split('\n').length, 2);
  });
});

describe('sentinel doctor and mcp', () => {
  it('finds the engine that runs here, and says so in JSON', async () => {
    const env = {
      // Where no engine runs by itself, that of the tests is at another place than the usual one.
      DOCKER_HOST: `unix://${SOCKET}`,
      SENTINEL_DATA: join(root, 'doctor'),
      API_PORT: String(await freePort()),
    };

    const { stdout } = await sentinel(['doctor', '-o', 'json'], { env });

    const findings = JSON.parse(stdout) as { check: string; level: string; message: string }[];
    for (const check of ['socket', 'docker', 'permissions', 'data', 'api']) {
      const found = findings.filter((finding) => finding.check === check);
      const bad = found.filter(({ level }) => level !== 'ok').map(({ message }) => message);
      assert.ok(found.length > 0, `nothing is said of ${check}`);
      assert.deepEqual(bad, [], check);
    }
  });

  it('ends with 3 when there is no engine, and says where to look', async () => {
    const env = { DOCKER_HOST: `unix://${join(root, 'none.sock')}` };

    const { code, stdout } = await sentinel(['doctor'], { env });

    assert.equal(code, 3);
    assert.match(stdout, /^fail {2}socket: there is no .*none\.sock\n {6}Start Docker/m);
    assert.match(stdout, /^fail {2}docker: /m);
  });

  it('lists the built-in tools with the calls that a proxy must allow', async () => {
    const { code, stdout } = await sentinel(['mcp', 'tools', '-o', 'wide']);

    assert.equal(code, 0);
    assert.match(stdout, /^docker\/restart_container +acts .*POST \/containers\/.*\/restart/m);
  });

  it('gives the schema of what a policy may say to each built-in tool', async () => {
    const { stdout } = await sentinel(['mcp', 'tools', '-o', 'json']);

    const [docker] = JSON.parse(stdout) as {
      tools: { name: string; arguments: { properties: object } }[];
    }[];
    const limits = docker?.tools.find(({ name }) => name === 'docker/update_resources');
    assert.deepEqual(Object.keys(limits?.arguments.properties ?? {}), ['memory', 'cpus', 'pids']);
  });

  it('has nothing to pin without other servers', async () => {
    const { code, stderr } = await sentinel(['mcp', 'pin']);

    assert.equal(code, 2);
    assert.match(stderr, /there is no server to pin/);
  });

  it('serves nothing over HTTP without a token', async () => {
    const { code, stderr } = await sentinel(['mcp', 'serve', '--transport', 'http']);

    assert.equal(code, 2);
    assert.match(stderr, /needs a bearer token\nSet SENTINEL_MCP_TOKEN/);
  });
});

describe('sentinel redact, schema and completion', () => {
  it('takes secrets out of what passes through', async () => {
    const { code, stdout } = await sentinel(['redact'], {
      input:
        'one\nDB_PASSWORD=hunter2\n-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\nlast',
    });

    assert.equal(code, 0);
    assert.equal(stdout, 'one\nDB_PASSWORD=[redacted:password#1]\n[redacted:private-key#2]\nlast');
  });

  it('finds a secret whose key is in another colour', async () => {
    const { stdout } = await sentinel(['redact'], {
      input: 'DB_PASSWORD\x1b[0m=\x1b[31msupersecret1\x1b[0m\n',
    });

    assert.equal(stdout, 'DB_PASSWORD=[redacted:password#1]\n');
  });

  it('tells where the secrets are, in characters of what came in', async () => {
    const input = 'é😀 DB_PASSWORD\x1b[0m=\x1b[31mhunter2\x1b[0m\nagain pwd=hunter2 pass=tr0ub4dor';

    const { stdout } = await sentinel(['redact', '--json'], { input });

    const characters = Array.from(input);
    const { spans } = JSON.parse(stdout) as {
      spans: { start: number; end: number; kind: string; id: number }[];
    };
    assert.deepEqual(
      spans.map(({ start, end, kind, id }) => [characters.slice(start, end).join(''), kind, id]),
      [
        ['hunter2', 'password', 1],
        ['hunter2', 'password', 1],
        ['tr0ub4dor', 'password', 2],
      ],
    );
  });

  it('says with --json that there is none', async () => {
    const { stdout } = await sentinel(['redact', '--json'], { input: 'all is well\n' });

    assert.deepEqual(JSON.parse(stdout), { spans: [] });
  });

  it('prints schemas that are what they say', async () => {
    const policy = await sentinel(['schema']);
    const config = await sentinel(['schema', '--config']);
    const crd = await sentinel(['schema', '--crd']);

    assert.equal((JSON.parse(policy.stdout) as { title: string }).title, 'SentinelPolicy');
    assert.equal((JSON.parse(config.stdout) as { title: string }).title, 'SentinelConfig');
    assert.match(crd.stdout, /^kind: CustomResourceDefinition$/m);
  });

  it('prints a script that the shell accepts', async () => {
    const { code, stdout } = await sentinel(['completion', 'bash']);
    const check = spawn('bash', ['-n']);
    check.stdin.end(stdout);

    const checked = await new Promise((done) => check.on('close', done));

    assert.deepEqual([code, checked], [0, 0]);
    assert.match(stdout, /'mcp serve'\) words=/);
  });
});

function damageAt(file: string, line: number): RegExp {
  return new RegExp(
    `^sentinel: WARNING: the journal is damaged: ${file}:${line}: record \\d+: .*\n[^]*sentinel audit verify --data `,
  );
}

function parseLines(text: string): unknown[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as unknown);
}

/** The text of a segment with nonsense in its first line. */
function spoilt(text: Uint8Array): Uint8Array {
  return Buffer.from(`!${Buffer.from(text).toString().slice(1)}`);
}

async function readNames(directory: string): Promise<string[]> {
  const { readdir } = await import('node:fs/promises');
  return (await readdir(directory)).sort();
}

/** A port that nothing listens on. */
async function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => done(typeof address === 'object' ? (address?.port ?? 0) : 0));
    });
  });
}

/** Lets the operator's clock go on until the work is done. */
async function withClock<Value>(operator: MemoryOperator, work: Promise<Value>): Promise<Value> {
  let isDone = false;
  const watched = work.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    await operator.pass(100);
    await new Promise((next) => setTimeout(next, 5));
  }
  return watched;
}
