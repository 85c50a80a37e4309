import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import type { JournalRecord } from '#core/journal/record.ts';
import { capturedTexts, type ExplainContext, explainIncident } from '#core/projection/explain.ts';
import type { ChoiceRule } from '#core/projection/explain-advice.ts';
import { incidentObject } from '#core/projection/incident-object.ts';
import type { IncidentObject, PolicyObject } from '#core/projection/schema.ts';
import type { ThresholdSpec } from '#core/projection/threshold-words.ts';
import { defined } from '#lib/defined.ts';
import { type ApiClient, type ApiOptions, openApi, withApiOptions } from './api-client.ts';
import { type CliContext, CliError, type ExitCode } from './context.ts';
import { warnOfDamage } from './damage-warning.ts';
import { dataDirectory } from './data-option.ts';
import { fetchIncident } from './order.ts';
import { print } from './terminal.ts';

export function command(context: CliContext, end: (code: ExitCode) => void): Command {
  return withApiOptions(new Command('explain'))
    .argument('<incident>')
    .addHelpText(
      'after',
      `
With --data the journal in that directory is read, whether or not a Sentinel runs; else a running
Sentinel is asked, and SENTINEL_DATA read for what was logged last. No language model is asked: every
sentence comes from what is on record, and what a model said before is quoted as its words.

Examples:
  sentinel explain inc-20261124-k3v9q0m2xa
  sentinel explain inc-20261124-k3v9q0m2xa --data /var/lib/sentinel`,
    )
    .action(async (name: string, options: ApiOptions) => {
      if (options.data !== undefined) {
        end(await explainFromJournal(context, name, options.data));
        return;
      }
      print(context.stdout, await fromApi(context, name, options));
      end(0);
    });
}

async function fromApi(context: CliContext, name: string, options: ApiOptions): Promise<string> {
  const api = await openApi(context, options);
  const incident = await fetchIncident(api, name);
  // Where Sentinel runs on this machine its evidence is at hand: by content, so nobody else's.
  const texts = await textsOf(incident, dataDirectory(context, undefined));
  return explainIncident(incident, {
    ...(await policyContext(api, incident)),
    records: await recordsOf(api, incident),
    ...(texts.size === 0 ? {} : { texts }),
  });
}

/** The policy as it is in force, where it is still the one that the incident was opened under. */
async function policyContext(api: ApiClient, { spec }: IncidentObject): Promise<ExplainContext> {
  const path = `/api/v1/policies/${encodeURIComponent(spec.policy.name)}`;
  const object = await api.get(path).catch((error: unknown) => {
    if (error instanceof CliError && error.exitCode === 1) return undefined;
    throw error;
  });
  const policy = object as PolicyObject | undefined;
  if (policy === undefined || policy.status.digest !== spec.policy.digest) return {};
  const thresholds = policy.spec['thresholds'] as readonly ThresholdSpec[];
  const choice = policy.spec['modelRouting'] as ChoiceRule | undefined;
  return { thresholds, mode: policy.status.mode, ...defined({ choice }) };
}

/** Most pages of the journal that are looked through. */
const PAGES_MAX = 20;
/** Types of records that say more than the incident does. */
const TOLD_TYPES = ['remediation.considered', 'diagnosis.completed'] as const;

async function recordsOf(api: ApiClient, incident: IncidentObject): Promise<JournalRecord[]> {
  const records: JournalRecord[] = [];
  for (const type of TOLD_TYPES) records.push(...(await recordsOfType(api, incident, type)));
  return records;
}

async function recordsOfType(
  api: ApiClient,
  { metadata }: IncidentObject,
  type: (typeof TOLD_TYPES)[number],
): Promise<JournalRecord[]> {
  const records: JournalRecord[] = [];
  // The uid ends with the number of the record that opened it.
  let query: Record<string, string> = {
    from: metadata.uid.slice(metadata.uid.lastIndexOf('-') + 1),
  };
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const page = await api.get('/api/v1/audit', {
      ...query,
      incident: metadata.name,
      type,
      limit: '500',
    });
    records.push(...(page['items'] as JournalRecord[]));
    const { nextCursor, isEnd } = page['metadata'] as { nextCursor: string; isEnd: boolean };
    if (isEnd) break;
    query = { cursor: nextCursor };
  }
  return records;
}

async function explainFromJournal(
  context: CliContext,
  name: string,
  data: string,
): Promise<ExitCode> {
  const archive = await context.wiring.openJournal(data);
  const state = await archive.state();
  const incident = Object.hasOwn(state.incidents, name) ? state.incidents[name] : undefined;
  if (incident === undefined) {
    const code = warnOfDamage(context, archive, data);
    throw unknownIncident(name, Object.keys(state.incidents), code === 0 ? 1 : code);
  }
  const records: JournalRecord[] = [];
  for await (const record of archive.records(incident.openedSeq)) {
    if (record.incident === name) records.push(record);
  }
  const object = incidentObject(incident, state);
  const texts = await textsOf(object, data);
  print(context.stdout, explainIncident(object, { records, texts }));
  return warnOfDamage(context, archive, data);
}

/** What is not kept any more, or is not what was kept, is left out. */
async function textsOf({ spec }: IncidentObject, data: string): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for (const { blob } of capturedTexts(spec.evidence)) {
    const name = blob.digest.replace('sha256:', '');
    const bytes = await readFile(join(data, 'evidence', name)).catch(() => undefined);
    if (bytes === undefined || createHash('sha256').update(bytes).digest('hex') !== name) continue;
    texts.set(blob.digest, bytes.toString());
  }
  return texts;
}

function unknownIncident(name: string, known: readonly string[], code: ExitCode): CliError {
  const newest = known.slice(-5);
  const remedy =
    newest.length === 0 ? 'The journal has no incident.' : `The newest are: ${newest.join(', ')}`;
  return new CliError(code, `there is no incident ${name} in this journal`, remedy);
}
