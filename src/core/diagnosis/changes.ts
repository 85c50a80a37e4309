import { LABEL, type ObservedContainer } from '#core/workload/container.ts';
import type { Change } from './facts.ts';

/** What is changed longer before the trouble is hardly its cause. */
export const CHANGE_MS = 15 * 60_000;
/** Clocks of two machines, and the time that it takes to see a trouble. */
const SLACK_MS = 5_000;
const NAMES_MAX = 5;

/** What is remembered of a container for those that replace it. */
export type Replaced = Pick<
  ObservedContainer,
  'image' | 'imageId' | 'envNames' | 'labels' | 'limits' | 'secrets'
>;

/**
 * How a container differs from the one that it replaced.
 *
 * @param beforeMs how long before the trouble it was made; what came after is no cause
 * @returns empty when it is too long ago, or when nothing is known of another before it
 */
export function changesSince(
  now: ObservedContainer,
  before: Replaced | undefined,
  beforeMs: number | undefined,
): Change[] {
  if (beforeMs === undefined || beforeMs < -SLACK_MS || beforeMs > CHANGE_MS) return [];
  const agoMs = Math.max(0, beforeMs);
  const deployed: Change = { what: 'deploy', beforeMs: agoMs, detail: '' };
  if (before === undefined) return [deployed];
  const differences = [
    ...imageChange(now, before),
    ...envChange(now, before),
    ...limitChange(now, before),
  ];
  const hash = LABEL.composeConfigHash;
  const hasOtherConfig =
    now.labels[hash] !== undefined &&
    before.labels[hash] !== undefined &&
    now.labels[hash] !== before.labels[hash];
  if (differences.length === 0 && hasOtherConfig) {
    differences.push({ what: 'config', detail: '' });
  }
  return [...differences.map((one) => ({ ...one, beforeMs: agoMs })), deployed];
}

type Difference = Pick<Change, 'what' | 'detail'>;

function imageChange(now: ObservedContainer, before: Replaced): Difference[] {
  if (now.image !== before.image) {
    return [{ what: 'image', detail: `${plain(before.image)} to ${plain(now.image)}` }];
  }
  return now.imageId === before.imageId ? [] : [{ what: 'image', detail: plain(now.image) }];
}

function envChange(now: ObservedContainer, before: Replaced): Difference[] {
  const added = now.envNames.filter((name) => !before.envNames.includes(name));
  const removed = before.envNames.filter((name) => !now.envNames.includes(name));
  const names = [
    ...removed.map((name) => `${plain(name)} removed`),
    ...added.map((name) => `${plain(name)} added`),
  ];
  if (names.length > 0) return [{ what: 'env', detail: names.slice(0, NAMES_MAX).join(', ') }];
  const { secrets } = now;
  if (secrets === undefined || before.secrets === undefined) return [];
  return secrets.isSameAs(before.secrets) ? [] : [{ what: 'env', detail: 'values' }];
}

function limitChange(now: ObservedContainer, before: Replaced): Difference[] {
  const names = (['memoryBytes', 'nanoCpus', 'pids'] as const).filter(
    (name) => now.limits[name] !== before.limits[name],
  );
  return names.length === 0 ? [] : [{ what: 'limits', detail: names.join(', ') }];
}

/** Names of images and variables are foreign text: of a narrow alphabet, and short. */
function plain(text: string): string {
  return text.replaceAll(/[^\w./:@-]/g, '?').slice(0, 120);
}
