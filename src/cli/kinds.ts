import type {
  IncidentObject,
  PolicyObject,
  RemediationObject,
  WorkloadObject,
} from '#core/projection/schema.ts';
import { shortened } from '#lib/plain-text.ts';
import { ageOf } from './age.ts';
import { CliError } from './context.ts';
import type { Column } from './table.ts';
import type { Paint } from './terminal.ts';

export type AnyObject = IncidentObject | PolicyObject | RemediationObject | WorkloadObject;

/** One kind of object on the command line. */
export interface Kind {
  readonly name: 'workloads' | 'incidents' | 'policies' | 'remediations';
  readonly aliases: readonly string[];
  /** Query parameters of its list that the command line offers. */
  readonly filters: readonly string[];
  columns(look: Look): readonly Column<AnyObject>[];
}

export interface Look {
  readonly nowMs: number;
  readonly wide: boolean;
  readonly paint: Paint;
}

/** For a look that only the wide table takes. */
function wideOnly<Row>(wide: boolean, ...columns: Column<Row>[]): Column<Row>[] {
  return wide ? columns : [];
}

const INCIDENTS: Kind = kind<IncidentObject>({
  name: 'incidents',
  aliases: ['incident', 'inc'],
  filters: ['open', 'policy', 'workload'],
  columns: ({ nowMs, wide, paint }) => [
    { title: 'NAME', value: ({ metadata }) => metadata.name },
    { title: 'PHASE', value: ({ status }) => status.phase, paint: (cell) => paint.word(cell) },
    { title: 'SEVERITY', value: ({ spec }) => spec.severity, paint: (cell) => paint.word(cell) },
    { title: 'WORKLOAD', value: ({ spec }) => spec.workload.key },
    { title: 'BREACHED', value: ({ status }) => status.breached.join(',') },
    { title: 'CAUSE', value: ({ status }) => causeOf(status) },
    { title: 'AGE', value: ({ metadata }) => ageOf(metadata.creationTimestamp, nowMs) },
    ...wideOnly<IncidentObject>(
      wide,
      { title: 'POLICY', value: ({ spec }) => spec.policy.name },
      { title: 'ATTEMPTS', value: ({ status }) => status.attempts.length },
      { title: 'RESOLUTION', value: ({ status }) => status.resolution },
      { title: 'CONTAINER', value: ({ spec }) => spec.workload.id.slice(0, 12) },
    ),
  ],
});

const WORKLOADS: Kind = kind<WorkloadObject>({
  name: 'workloads',
  aliases: ['workload', 'wl'],
  filters: ['policy'],
  columns: ({ nowMs, wide, paint }) => [
    { title: 'NAME', value: ({ metadata }) => metadata.name },
    { title: 'STATE', value: ({ status }) => status.state, paint: (cell) => paint.word(cell) },
    { title: 'HEALTH', value: ({ status }) => status.health, paint: (cell) => paint.word(cell) },
    {
      title: 'POLICY',
      value: ({ status }) =>
        status.policy ??
        (status.policies === undefined ? undefined : `Conflict: ${status.policies.join(', ')}`),
    },
    { title: 'MODE', value: ({ status }) => status.mode },
    { title: 'INCIDENT', value: ({ status }) => status.incident },
    { title: 'UP', value: ({ status }) => upOf(status, nowMs) },
    ...wideOnly<WorkloadObject>(
      wide,
      {
        title: 'NOTES',
        value: ({ status }) => status.conditions.map(({ type }) => type).join(','),
      },
      { title: 'RESTARTS', value: ({ status }) => status.restarts },
      { title: 'CPU', value: ({ status }) => percent(status.gauges['cpu.utilization']?.value) },
      {
        title: 'MEMORY',
        value: ({ status }) => percent(status.gauges['memory.utilization']?.value),
      },
      { title: 'IMAGE', value: ({ spec }) => spec.image },
      { title: 'CONTAINER', value: ({ metadata }) => metadata.uid.slice(0, 12) },
    ),
  ],
});

const POLICIES: Kind = kind<PolicyObject>({
  name: 'policies',
  aliases: ['policy', 'pol'],
  filters: [],
  columns: ({ wide }) => [
    { title: 'NAME', value: ({ metadata }) => metadata.name },
    { title: 'READY', value: ({ status }) => conditionOf(status.conditions, 'Ready') },
    { title: 'MODE', value: ({ status }) => status.mode },
    { title: 'WORKLOADS', value: ({ status }) => status.workloads },
    { title: 'OPEN', value: ({ status }) => status.openIncidents },
    {
      title: 'STATUS',
      value: ({ status }) =>
        status.conditions
          .filter(({ type, status: value }) => NEWS[type] === value)
          .map(({ type, status: value }) => (value === 'True' ? type : `${type}=${value}`))
          .join(','),
    },
    { title: 'REVISION', value: ({ status }) => shortRevision(status.lastAppliedRevision) },
    ...wideOnly<PolicyObject>(
      wide,
      { title: 'GENERATION', value: ({ metadata }) => metadata.generation },
      { title: 'DIGEST', value: ({ status }) => status.digest.slice(0, 19) },
      { title: 'FILE', value: ({ status }) => status.file },
    ),
  ],
});

/** Conditions, with the status that is news. That it is not Ready has a column of its own. */
const NEWS: Readonly<Record<string, 'True' | 'False'>> = {
  Stalled: 'True',
  Paused: 'True',
  StormActive: 'True',
  BudgetExhausted: 'True',
  ModelRouteReady: 'False',
  Conflict: 'True',
};

const REMEDIATIONS: Kind = kind<RemediationObject>({
  name: 'remediations',
  aliases: ['remediation', 'rem'],
  filters: ['policy', 'workload', 'incident'],
  columns: ({ nowMs, wide, paint }) => [
    { title: 'NAME', value: ({ metadata }) => metadata.name },
    { title: 'ACTION', value: ({ spec }) => spec.action },
    { title: 'WORKLOAD', value: ({ spec }) => spec.workload.key },
    {
      title: 'OUTCOME',
      value: ({ status }) => status.outcome ?? status.phase,
      paint: (cell) => paint.word(cell),
    },
    {
      title: 'VERIFIED',
      value: ({ status }) => status.verification.state,
      paint: (cell) => paint.word(cell),
    },
    { title: 'AGE', value: ({ metadata }) => ageOf(metadata.creationTimestamp, nowMs) },
    ...wideOnly<RemediationObject>(
      wide,
      { title: 'TOOL', value: ({ spec }) => spec.tool },
      { title: 'TRIGGER', value: ({ spec }) => spec.trigger },
      { title: 'INCIDENT', value: ({ spec }) => spec.incident },
    ),
  ],
});

export const KINDS: readonly Kind[] = [WORKLOADS, INCIDENTS, POLICIES, REMEDIATIONS];

/** @throws {CliError} there is no such kind */
export function findKind(word: string): Kind {
  const found = KINDS.find(({ name, aliases }) => name === word || aliases.includes(word));
  if (found !== undefined) return found;
  throw new CliError(
    2,
    `there is no kind ${word}; there are: ${KINDS.map(({ name }) => name).join(', ')}`,
  );
}

/** The columns read only their own kind's objects; a list holds no others. */
function kind<Item extends AnyObject>(definition: {
  readonly name: Kind['name'];
  readonly aliases: readonly string[];
  readonly filters: readonly string[];
  columns(look: Look): readonly Column<Item>[];
}): Kind {
  return {
    ...definition,
    columns: (look) =>
      definition.columns(look).map((column) => ({
        ...column,
        value: (row) => column.value(row as Item),
      })),
  };
}

const MODEL_CAUSE_CHARS_MAX = 32;

/** A model writes what it likes, and as much. */
function causeOf({ diagnosis }: IncidentObject['status']): string | undefined {
  return diagnosis?.source === 'model'
    ? `${shortened(diagnosis.rootCause, MODEL_CAUSE_CHARS_MAX)} (model)`
    : diagnosis?.rootCause;
}

function conditionOf(
  conditions: readonly { readonly type: string; readonly status: string }[],
  wanted: string,
): string | undefined {
  return conditions.find(({ type }) => type === wanted)?.status;
}

function upOf(status: WorkloadObject['status'], nowMs: number): string | undefined {
  return status.state === 'running' ? ageOf(status.startedAt, nowMs) : undefined;
}

function percent(value: number | null | undefined): string | undefined {
  return value === null || value === undefined ? undefined : `${Math.round(value * 100)}%`;
}

/** `main@sha1:0123abc+dirty`: as much of a commit as people read. */
function shortRevision(revision: string): string {
  return revision.replace(/(sha1:[0-9a-f]{7})[0-9a-f]*/, '$1');
}
