import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);

describe('Prometheus files', () => {
  it('are a valid configuration with valid rules', async () => {
    await run('promtool', ['check', 'config', 'deploy/prometheus/prometheus.yaml']);
  });

  it('have rules that fire and stay silent as their cases say', async () => {
    await run('promtool', ['test', 'rules', 'deploy/prometheus/rules.test.yaml']);
  });
});
