// A log watched by the minute, as the log of one container is.
import { createMemoryModelClient } from '#adapters/memory/memory-model-client.ts';
import { VirtualClock } from '#adapters/memory/virtual-clock.ts';
import { AnomalyWatch } from '#controller/signals/anomaly-watch.ts';
import { TriageDesk } from '#controller/signals/triage.ts';
import { tokensOf } from '#core/advice/pack.ts';
import type { LogAnomaly } from '#core/detection/log-anomaly.ts';
import { LOG_MINER_LIMITS } from '#core/detection/log-miner.ts';
import type { ModelClient, ModelRequest } from '#ports/model-client.ts';
import { aPolicy, compile } from '../../test/support/scenario.ts';
import type { Minutes } from './minutes.ts';

export interface Watched {
  readonly unusual: readonly LogAnomaly[];
  /** A model was asked about this minute. */
  readonly isAsked: boolean;
  /** Of that question, about, without an answer; 0 where nothing was asked. */
  readonly promptTokens: number;
}

const MINUTE_MS = 60_000;
const STATE = { isJudged: true, cutMs: undefined };
const NEVER = new AbortController().signal;
const ANSWER = {
  value: { summary: '', type: 'none', severity: 'low', isAnomaly: false, confidence: 1 },
};

/** What is found in each minute, those without lines included, and which of them is asked about. */
export async function watch({ count, lines }: Minutes): Promise<Watched[]> {
  const clock = new VirtualClock();
  const memory = createMemoryModelClient(clock);
  const models: Pick<ModelClient, 'complete'> = {
    complete(request, signal) {
      memory.say(ANSWER);
      return memory.complete(request, signal);
    },
  };
  const desk = new TriageDesk({ clock, models, mac: () => 'c0ffee123456' });
  const watcher = new AnomalyWatch(() => clock.bootMs(), LOG_MINER_LIMITS);
  const [policy] = compile(aPolicy({ modelRouting: { triage: ['local/any'] } }));
  if (policy === undefined) throw new Error('there is no policy');
  watcher.tick(STATE);

  const watched: Watched[] = [];
  for (let minute = 0; minute < count; minute += 1) {
    for (const line of lines.get(minute) ?? []) watcher.add(line);
    await clock.advance(MINUTE_MS);
    const window = watcher.tick(STATE);
    if (window === undefined) throw new Error('the minute did not end');
    const { anomalies: unusual, durationMs, endedAtMs } = window;
    const asked = { key: 'box/web', policy, redactor: undefined, unusual, durationMs, endedAtMs };
    const before = memory.requests.length;
    await desk.judge(asked, NEVER);
    const [question] = memory.requests.slice(before);
    const promptTokens = question === undefined ? 0 : sizeOf(question);
    watched.push({ unusual, isAsked: question !== undefined, promptTokens });
  }
  return watched;
}

function sizeOf({ system, user, schema }: ModelRequest): number {
  return tokensOf([system, user, JSON.stringify(schema)].join('\n'));
}
