import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { Command } from 'commander';
import { completionScript } from './completion-script.ts';

const run = promisify(execFile);

function aProgram(): Command {
  const program = new Command('sentinel').option('--version', 'print it');
  const get = new Command('get').description('list').option('-w, --watch', "it's live");
  const mcp = new Command('mcp').addCommand(new Command('serve').option('--read-only', 'reads'));
  return program.addCommand(get).addCommand(mcp);
}

/** What bash would offer after these words. */
async function completed(...words: string[]): Promise<string[]> {
  const script = `${completionScript('bash', aProgram())}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')})
COMP_CWORD=${words.length - 1}
_sentinel
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await run('bash', ['-c', script], { cwd: '/var/empty' }).catch(async () =>
    run('bash', ['-c', script], { cwd: '/' }),
  );
  return stdout.split('\n').filter((line) => line !== '');
}

describe('completionScript', () => {
  it('offers commands, then the options and commands below them', async () => {
    assert.deepEqual(await completed('sentinel', ''), ['get', 'mcp', '--version', '--help']);
    assert.deepEqual(await completed('sentinel', 'get', '--'), ['--watch', '--help']);
    assert.deepEqual(await completed('sentinel', 'mcp', ''), ['serve', '--help']);
    assert.deepEqual(await completed('sentinel', 'mcp', 'serve', '--r'), ['--read-only']);
  });

  it('quotes descriptions for fish', () => {
    const script = completionScript('fish', aProgram());

    assert.match(script, /-l watch -d 'it\\'s live'/);
    assert.match(script, /__fish_seen_subcommand_from mcp; and __fish_seen_subcommand_from serve/);
  });
});
