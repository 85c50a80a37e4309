import type { Registry } from 'prom-client';

/** Removes every series that has this value of this label: a gauge of it would stand still for ever. */
export async function forgetSeries(
  registry: Pick<Registry, 'getMetricsAsArray' | 'getSingleMetric'>,
  label: string,
  value: string,
): Promise<void> {
  for (const { name } of registry.getMetricsAsArray()) {
    const metric = registry.getSingleMetric(name);
    const { values } = (await metric?.get()) ?? { values: [] };
    for (const { labels } of values) {
      // A histogram lists its buckets as series of their own, with a label of their own.
      const { le: _, ...own } = labels as Record<string, string | number>;
      if (own[label] === value) metric?.remove(own);
    }
  }
}
