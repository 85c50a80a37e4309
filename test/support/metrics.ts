import type { SentinelProcess } from './sentinel-process.ts';

/** The sum over all series of a metric whose labels contain the text. */
export async function metricOf(
  operator: SentinelProcess,
  name: string,
  labels = '',
): Promise<number> {
  const { body } = await operator.get('/metrics');
  return String(body)
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .filter((line) => line.includes(labels))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
