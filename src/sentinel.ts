#!/usr/bin/env node
import { runCli } from '#cli/cli.ts';
import { createCliWiring } from '#entry/cli-wiring.ts';

// `| head` closes the pipe when it has seen enough: that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const interrupted = new AbortController();
const [name] = process.argv.slice(2);
// The operator has its own orderly stop; every other command just ends.
if (name !== 'run' && name !== 'mcp') {
  process.once('SIGINT', () => interrupted.abort());
}

process.exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  signal: interrupted.signal,
  wiring: createCliWiring(process.env),
});
