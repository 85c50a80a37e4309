import {
  type DigestNotification,
  gravity,
  type IncidentNotification,
  type NotificationKind,
  notificationText,
} from './notification.ts';

const INCIDENTS_MAX = 50;
/** Texts that are quoted; a person reads no more of them in a chat. */
const QUOTED_MAX = 5;

/**
 * Makes one of several.
 *
 * @param all oldest first, not empty
 * @param dropped how many more there were, of which nothing is known any more
 */
export function digestOf(
  all: readonly [IncidentNotification, ...IncidentNotification[]],
  dropped: number,
): DigestNotification {
  const last = all.at(-1) ?? all[0];
  const gravest = all.toSorted((a, b) => gravity(b) - gravity(a) || b.seq - a.seq);
  const counts: Partial<Record<NotificationKind, number>> = {};
  for (const { kind } of all) counts[kind] = (counts[kind] ?? 0) + 1;
  const quoted = gravest.slice(0, QUOTED_MAX);
  return {
    kind: 'digest',
    level: gravest[0]?.level ?? last.level,
    count: all.length + dropped,
    dropped,
    counts,
    incidents: gravest
      .slice(0, INCIDENTS_MAX)
      .map(({ kind, incident, workload, policy, phase, severity, seq }) => ({
        kind,
        incident,
        workload,
        policy,
        phase,
        severity,
        seq,
      })),
    text: notificationText([
      `${all.length + dropped} changes at once on ${last.host}: ${countWords(counts, dropped)}.`,
      ...quoted.map(({ text }) => `- ${text.split('\n', 1)[0]}`),
      'All of them: sentinel get incidents.',
    ]),
    host: last.host,
    journal: last.journal,
    seq: last.seq,
    time: last.time,
    head: last.head,
  };
}

function countWords(
  counts: Readonly<Partial<Record<NotificationKind, number>>>,
  dropped: number,
): string {
  const words = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`);
  return [...words, ...(dropped === 0 ? [] : [`${dropped} dropped`])].join(', ');
}
