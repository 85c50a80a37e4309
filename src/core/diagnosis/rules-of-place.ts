import { formatDuration } from '#lib/duration.ts';
import type { Change, DiagnosisFacts, Finding, Rule } from './facts.ts';

function dependency({ dependency: down }: DiagnosisFacts): Finding | undefined {
  if (down === undefined) return undefined;
  const way = down.by.length === 0 ? '' : ` by way of ${down.by.join(' and ')}`;
  return {
    cause: 'DependencyDown',
    explanation: `${down.name}, which it depends on${way}, is ${down.state}.`,
    confidence: down.behindHealthy ? 0.5 : 0.85,
    cites: ['container.health', 'container.state'],
    adds: [{ signal: 'dependency.state', value: down.state, note: down.name }],
  };
}

const CHANGE_WORDS: Readonly<Record<Change['what'], string>> = {
  image: 'its image was changed',
  env: 'its environment variables were changed',
  config: 'its Compose configuration was changed',
  limits: 'its limits were changed',
  deploy: 'it was created anew',
};
const CHANGE_CONFIDENCE: Readonly<Record<Change['what'], number>> = {
  image: 0.65,
  env: 0.62,
  config: 0.58,
  limits: 0.55,
  deploy: 0.4,
};
const CHANGE_REMEDIES: Readonly<Record<Change['what'], readonly string[]>> = {
  image: ['docker/rollback_image'],
  env: ['docker/update_env_vars'],
  config: [],
  limits: ['docker/update_resources'],
  deploy: ['docker/rollback_image'],
};

function recentChange(facts: DiagnosisFacts): Finding | undefined {
  const [first, ...others] = [...facts.changes].sort(
    (a, b) => CHANGE_CONFIDENCE[b.what] - CHANGE_CONFIDENCE[a.what],
  );
  if (first === undefined) return undefined;
  const all = [first, ...others.filter(({ what }) => what !== 'deploy')];
  const words = all.map(({ what, detail }) => {
    return `${CHANGE_WORDS[what]}${detail === '' ? '' : ` (${detail})`}`;
  });
  const before = formatDuration(Math.max(1_000, Math.round(first.beforeMs / 1_000) * 1_000));
  return {
    cause: 'RecentChange',
    explanation: `${before} before the trouble began, ${words.join(', and ')}.`,
    confidence: CHANGE_CONFIDENCE[first.what],
    cites: [],
    adds: all.map(({ what, detail }) => ({
      signal: 'container.changed',
      value: what,
      note: detail === '' ? `${before} before` : `${detail}, ${before} before`,
    })),
    remedies: CHANGE_REMEDIES[first.what],
  };
}

const TOGETHER_MIN = 3;

function engine(facts: DiagnosisFacts): Finding | undefined {
  const { failing, of } = facts.together;
  const together = failing >= TOGETHER_MIN && failing * 2 > of;
  if (!facts.engineSettles && !together) return undefined;
  const why = together
    ? `${failing} of ${of} workloads began to fail at about the same time`
    : 'The engine was restarted, or lost from sight, a moment ago';
  return {
    cause: 'EngineTrouble',
    explanation: `${why}: what they have in common (the engine, the host, a disk, the network) is more likely than each by itself.`,
    confidence: facts.engineSettles ? 0.65 : 0.55,
    cites: [],
    adds: [
      {
        signal: 'engine.state',
        value: together ? failing : 'settling',
        note: together ? `failing at about the same time, of ${of}` : 'the engine',
      },
    ],
  };
}

/** What a slow operation may be about: the only words of it that are repeated. */
const SUBJECTS =
  'database query sql request transaction checkpoint email mail job upstream api call task page backup'.split(
    ' ',
  );
const TOOK =
  /\b(?:took|completed in|finished in|done in|executed in|duration:?|elapsed:?|rendered in) ?(\d{1,9}(?:\.\d{1,9})?) ?(ms|s|sec|secs|seconds|milliseconds)\b/i;
const SLOW_SECONDS = 2;
const LINES_MAX = 300;

/** Not of a word about what: of a number that is the container's own. */
function slow(facts: DiagnosisFacts): Finding | undefined {
  const found = new Map<string, number[]>();
  for (const raw of (facts.texts.log ?? []).slice(-LINES_MAX)) {
    const line = raw.slice(0, 2_000);
    const match = TOOK.exec(line);
    if (match === null) continue;
    const seconds = Number(match[1]) / ((match[2] ?? '').toLowerCase().startsWith('m') ? 1_000 : 1);
    const subject = SUBJECTS.find((word) => line.toLowerCase().includes(word));
    if (subject === undefined || seconds < SLOW_SECONDS) continue;
    found.set(subject, [...(found.get(subject) ?? []), seconds]);
  }
  const [best] = [...found].sort(([a], [b]) => SUBJECTS.indexOf(a) - SUBJECTS.indexOf(b));
  if (best === undefined) return undefined;
  const [subject, seconds] = best;
  const range = [Math.min(...seconds), Math.max(...seconds)].map((one) => one.toFixed(1));
  return {
    cause: 'SlowOperation',
    explanation: `Its log tells of ${subject} operations that take ${[...new Set(range)].join(' to ')} seconds.`,
    confidence: 0.43,
    cites: [],
    adds: [
      {
        signal: 'log.text',
        value: 'SlowOperation',
        note: `${seconds.length} lines, of ${subject}`,
      },
    ],
  };
}

/** Rules about what surrounds the container, and what came before. */
export const RULES_OF_PLACE: readonly Rule[] = [dependency, recentChange, engine, slow];
