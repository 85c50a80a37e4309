// A recorded incident as models are asked about it: an incident of the core, with a policy, the
// evidence that its state gives and the diagnosis of the rules.
import { createHash } from 'node:crypto';
import { Refs } from '#core/advice/refs.ts';
import type { Matter } from '#core/advice/sections.ts';
import { diagnose, diagnoseAgain } from '#core/diagnosis/diagnose.ts';
import type { RawLogLine } from '#core/diagnosis/evidence-text.ts';
import type { Evidence } from '#core/incident/incident.ts';
import { consider } from '#core/remediation/act.ts';
import { isOffered } from '#core/remediation/advised.ts';
import { situationOf } from '#core/remediation/decide.ts';
import type { ObservedContainer } from '#core/workload/container.ts';
import type { WorkloadKey } from '#core/workload/key.ts';
import { defined } from '#lib/defined.ts';
import { aContainer, aPolicy, HOST, Scenario } from '../../test/support/scenario.ts';
import type { Case } from './cases.ts';
import { type Described, logLines, troubledIn } from './recorded.ts';

/** What engines tell is judged; actions are there to be chosen, and none is carried out. */
const POLICY = {
  thresholds: [
    { name: 'unhealthy', signal: 'health', equals: 'unhealthy', severity: 'critical' },
    { name: 'ended', signal: 'state', equals: 'exited', severity: 'critical' },
    { name: 'restarting', signal: 'state', equals: 'restarting', severity: 'critical' },
  ],
  remediation: {
    mode: 'Approve',
    allowed: [
      { name: 'restart', tool: 'docker/restart_container' },
      { name: 'start', tool: 'docker/start_container' },
    ],
  },
};
/** Of trouble that no threshold can see: what people said of it. */
const REPORTED = 'reported';
const SYMPTOM_CHARS_MAX = 300;

/**
 * @param linesMax newest lines of the log that are at hand, as in the product
 * @param log in place of the recorded lines
 */
export function matterOf(
  one: Pick<Case, 'evidence' | 'symptom'>,
  linesMax: number,
  log: readonly string[] = logLines(one.evidence),
): Matter {
  const { described, it } = troubledIn(one.evidence, one.symptom);
  const scenario = new Scenario(aPolicy(POLICY, 'recorded'));
  // Unlike any word of a log, and the same in each run, so that answers can be replayed.
  scenario.over = { mac: (text) => createHash('sha256').update(text).digest('hex') };
  for (const other of described) {
    if (other.observed !== undefined && other !== it) scenario.put(other.observed);
  }
  const key = scenario.put(containerOf(it));
  if (it?.exitCode !== undefined) scenario.observe(key, 'die', { exitCode: it.exitCode });
  if (it?.container.oomKilled === true) scenario.observe(key, 'oom');
  openIncident(scenario, key, { symptom: one.symptom, it });

  const raw = log.slice(-linesMax).map(rawLine);
  for (const name of [diagnose, diagnoseAgain]) {
    const world = { ...scenario.world(), logOf: () => raw };
    const situation = situationOf(world, key);
    for (const draft of situation === undefined ? [] : name(situation, situation.incident)) {
      scenario.append(draft);
    }
  }
  const situation = situationOf(scenario.world(), key);
  if (situation === undefined) throw new Error('the incident did not open');
  const { incident } = situation;
  const offered = consider(situation, incident).filter(isOffered);
  return { situation, incident, refs: new Refs(), log: raw, offered, looks: [] };
}

function rawLine(text: string): RawLogLine {
  return { timestamp: '', stream: 'stdout', text, truncated: false };
}

function containerOf(it: Described | undefined): ObservedContainer {
  if (it?.observed !== undefined) return it.observed;
  const name = it?.names[0] ?? 'workload';
  if (it === undefined) return aContainer(name);
  const { health, ...facts } = it.container;
  return aContainer(name, {
    ...facts,
    ...defined({ health }),
    error: it.errors.join('\n'),
    image: it.image ?? '',
    engineRestartCount: it.restarts,
  });
}

/** With what its thresholds see as evidence, and what was reported where they see nothing. */
function openIncident(
  scenario: Scenario,
  key: WorkloadKey,
  { symptom, it }: { readonly symptom: string; readonly it: Described | undefined },
): void {
  const { container } = scenario.views.get(key) ?? {};
  const [policy] = scenario.policies;
  if (policy === undefined) throw new Error('there is no policy');
  const facts: (readonly [string, Evidence['value']])[] = [
    ...(it?.exitCode === undefined ? [] : [['exit', it.exitCode] as const]),
    ...(it?.container.oomKilled === true ? [['container.oomKilled', true] as const] : []),
    ...(container === undefined || container.state === 'running'
      ? []
      : [['state', container.state] as const]),
    ...(container?.health === undefined ? [] : [['health', container.health.status] as const]),
  ];
  const reported = [['reported', symptom.slice(0, SYMPTOM_CHARS_MAX)] as const];
  const at = new Date(scenario.wallMs).toISOString();
  const breached = facts.flatMap(([signal, value]) =>
    POLICY.thresholds
      .filter((threshold) => threshold.signal === signal && threshold.equals === value)
      .map(({ name }) => name),
  );
  const { name, digest, commit } = policy;
  scenario.append({
    type: 'incident.opened',
    workload: key,
    policy: { name, digest, commit },
    data: {
      workload: {
        key,
        host: HOST,
        container: container?.name ?? '',
        id: container?.id ?? '',
        image: container?.image ?? '',
      },
      policyGeneration: 1,
      threshold: breached[0] ?? REPORTED,
      severity: 'critical',
      breached: breached.length === 0 ? [REPORTED] : breached,
      evidence: (facts.length === 0 ? reported : facts).map(([signal, value], index) => ({
        id: `e${index + 1}`,
        signal,
        value,
        at,
      })),
      fingerprint: key,
      message: 'recorded',
    },
  });
}
