import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { load } from 'js-yaml';
import { labelValues } from '#telemetry/label-values.ts';
import { createMetrics } from '#telemetry/metrics.ts';

const FILES = ['rules.yaml', 'rules.test.yaml'];
/** What Prometheus itself adds to each series that it scrapes. */
const OF_PROMETHEUS = ['job', 'instance'];
const OF_HISTOGRAMS = /_(?:bucket|sum|count)$/;
const NAME = /\b(?:sentinel|controller_runtime|workqueue)_\w+/g;
const SELECTOR = /\b(?<name>(?:sentinel|controller_runtime|workqueue)_\w+)\{(?<matchers>[^}]*)\}/g;
const MATCHER = /(?<label>\w+)\s*(?<operator>=~|!~|!=|=)\s*"(?<value>[^"]*)"/g;

interface Described {
  readonly labelNames: readonly string[];
  readonly isHistogram: boolean;
}

async function describedMetrics(): Promise<ReadonlyMap<string, Described>> {
  const { registry } = createMetrics();
  const all = await registry.getMetricsAsJSON();
  return new Map(
    all.map(({ name, type }) => {
      const { labelNames } = registry.getSingleMetric(name) as unknown as Described;
      // prom-client names the types by number in its declarations, by word in what it gives.
      return [name, { labelNames, isHistogram: String(type) === 'histogram' }];
    }),
  );
}

/** Every text of a file save its comments: only the parsed document has no comments. */
async function textsOf(file: string): Promise<readonly string[]> {
  return stringsIn(load(await readFile(`deploy/prometheus/${file}`, 'utf8')));
}

function stringsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(stringsIn);
}

function problemsOf(text: string, metrics: ReadonlyMap<string, Described>): string[] {
  const find = (series: string) => {
    const whole = metrics.get(series);
    const histogram = metrics.get(series.replace(OF_HISTOGRAMS, ''));
    return whole ?? (histogram?.isHistogram === true ? histogram : undefined);
  };
  const unknown = [...text.matchAll(NAME)]
    .filter(([name]) => find(name) === undefined)
    .map(([name]) => `${name} is no metric`);

  const wrong = [...text.matchAll(SELECTOR)].flatMap(({ groups = {} }) => {
    const { name = '', matchers = '' } = groups;
    const metric = find(name);
    if (metric === undefined) return [];
    const known = [...metric.labelNames, ...OF_PROMETHEUS, ...(metric.isHistogram ? ['le'] : [])];
    return [...matchers.matchAll(MATCHER)].flatMap((match) => {
      const { label = '', operator = '', value = '' } = match.groups ?? {};
      if (!known.includes(label)) return [`${name} has no label ${label}`];
      const possible = labelValues(name, label);
      const values = operator.endsWith('~') ? value.split('|') : [value];
      return values
        .filter((one) => possible?.includes(one) === false)
        .map((one) => `${label} of ${name} is never ${one}`);
    });
  });
  return [...unknown, ...wrong];
}

describe('Prometheus rules', () => {
  for (const file of FILES) {
    it(`ask for metrics, labels and values that there are, in ${file}`, async () => {
      const metrics = await describedMetrics();

      const texts = await textsOf(file);

      assert.ok(texts.some((text) => text.includes('sentinel_mcp_calls_total{')));
      assert.deepEqual(
        texts.flatMap((text) => problemsOf(text, metrics)),
        [],
      );
    });
  }

  it('each have a case', async () => {
    const { groups } = load(await readFile('deploy/prometheus/rules.yaml', 'utf8')) as {
      readonly groups: readonly { readonly rules: readonly { readonly alert: string }[] }[];
    };
    const cases = await textsOf('rules.test.yaml');

    const without = groups
      .flatMap(({ rules }) => rules.map(({ alert }) => alert))
      .filter((alert) => !cases.some((text) => new RegExp(`\\b${alert}\\b`).test(text)));

    assert.deepEqual(without, []);
  });

  it('would be told what no code emits', async () => {
    const metrics = await describedMetrics();

    const problems = problemsOf(
      'rate(sentinel_mcp_calls_total{outcome!="success", route="a"}[5m]) / sentinel_gone_total' +
        ' + sentinel_escalations_total{reason=~"NoAction|Nothing"} + sentinel_docker_up_bucket',
      metrics,
    );

    assert.deepEqual(problems, [
      'sentinel_gone_total is no metric',
      'sentinel_docker_up_bucket is no metric',
      'outcome of sentinel_mcp_calls_total is never success',
      'sentinel_mcp_calls_total has no label route',
      'reason of sentinel_escalations_total is never Nothing',
    ]);
  });
});
