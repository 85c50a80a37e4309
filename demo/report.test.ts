import assert from 'node:assert/strict';
import { it } from 'node:test';
import { metricsExcerpt } from './report.ts';

it('shows the series that say what happened, and none at 0', () => {
  const exposition = [
    '# HELP sentinel_remediations_total Actions that ended, by outcome',
    'sentinel_remediations_total{policy="a",action="restart",outcome="Succeeded"} 1',
    'sentinel_remediations_total{policy="a",action="restart",outcome="Failed"} 0',
    'sentinel_time_to_resolve_seconds_bucket{le="1"} 1',
    'sentinel_time_to_resolve_seconds_count 10',
  ].join('\n');

  const lines = metricsExcerpt(exposition);

  assert.deepEqual(lines, [
    'sentinel_remediations_total{policy="a",action="restart",outcome="Succeeded"} 1',
    'sentinel_time_to_resolve_seconds_count 10',
  ]);
});
