import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Logger } from './logger.ts';
import { createMetrics } from './metrics.ts';
import { type ModelRequestEnd, modelTelemetry } from './model-telemetry.ts';

const SILENT = { warn() {}, info() {} } as unknown as Logger;

function started() {
  const metrics = createMetrics();
  return { metrics, models: modelTelemetry(metrics, SILENT) };
}

function ended(changes: Partial<ModelRequestEnd> = {}): ModelRequestEnd {
  return {
    route: 'cerebras/fast',
    stage: 'rootCause',
    outcome: 'Answered',
    durationMs: 2_000,
    usage: { promptTokens: 900, completionTokens: 100, costUsd: 0.25 },
    ...changes,
  };
}

const FAST = { name: 'cerebras/fast', stages: ['rootCause'] } as const;

async function seriesOf(metric: {
  get(): Promise<{
    values: readonly { labels: Readonly<Record<string, string | number>>; value: number }[];
  }>;
}): Promise<string[]> {
  const { values } = await metric.get();
  return values
    .filter(({ value }) => value !== 0)
    .map(({ labels, value }) => `${Object.values(labels).join(' ')} ${value}`);
}

async function routesOf(metric: Parameters<typeof seriesOf>[0]): Promise<unknown[]> {
  const { values } = await metric.get();
  return [...new Set(values.map(({ labels }) => labels['route']))];
}

describe('the metrics of language models', () => {
  it('count requests, tokens, money and time', async () => {
    const { metrics, models } = started();
    models.onRoutes([FAST]);

    models.onRequest(ended());
    models.onRequest(ended({ outcome: 'TimedOut' }));

    assert.deepEqual(await seriesOf(metrics.llmRequests), [
      'cerebras/fast rootCause Answered 1',
      'cerebras/fast rootCause TimedOut 1',
    ]);
    assert.deepEqual(await seriesOf(metrics.llmTokens), [
      'cerebras/fast in 1800',
      'cerebras/fast out 200',
    ]);
    assert.deepEqual(await seriesOf(metrics.llmCost), ['cerebras/fast 0.5']);
    const { values } = await metrics.llmDuration.get();
    const sum = values.find(({ metricName }) => metricName?.endsWith('_sum') === true);
    assert.deepEqual([sum?.labels.route, sum?.value], ['cerebras/fast', 4]);
  });

  it('leave a cost that nobody knows out of the money', async () => {
    const { metrics, models } = started();
    models.onRoutes([FAST]);

    models.onRequest(ended({ usage: { promptTokens: 1, completionTokens: 1 } }));

    assert.deepEqual(await seriesOf(metrics.llmCost), []);
  });

  it('begin at zero with the policy that names a route, and go with it', async () => {
    const { metrics, models } = started();
    const all = [metrics.llmRequests, metrics.llmTokens, metrics.llmCost, metrics.llmDuration];
    models.onRoutes([FAST]);
    const first = (await metrics.llmRequests.get()).values.map(({ value }) => value);
    models.onRequest(ended());

    models.onRoutes([{ name: 'local/small', stages: ['triage'] }]);
    await setImmediate();

    assert.deepEqual(first, Array(10).fill(0));
    const left = (await Promise.all(all.map(routesOf))).flat();
    assert.deepEqual([...new Set(left)], ['local/small']);
  });

  it('count under one name what comes of routes that are named no more, or are too many', async () => {
    const { metrics, models } = started();
    const many = Array.from({ length: 100 }, (_, index) => ({
      name: `local/m${index}`,
      stages: ['triage'] as const,
    }));
    models.onRoutes([FAST]);
    models.onRoutes([...many, FAST]);

    for (const { name: route } of [...many, FAST]) models.onRequest(ended({ route }));
    models.onRequest(ended({ route: 'gone/away' }));

    const routes = await routesOf(metrics.llmRequests);
    const told = await seriesOf(metrics.llmRequests);
    assert.equal(routes.length, 65);
    assert.ok(routes.includes('cerebras/fast'));
    assert.ok(told.includes('other rootCause Answered 38'), told.join('\n'));
  });
});
