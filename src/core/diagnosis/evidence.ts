import type { Verdict } from '#core/health/threshold.ts';
import type { Evidence } from '#core/incident/incident.ts';
import type { CompiledThreshold } from '#core/policy/compile.ts';
import { cleanLine } from '#core/redaction/foreign-text.ts';
import type { JudgedSituation } from '#core/remediation/step.ts';
import type { ObservedContainer } from '#core/workload/container.ts';
import { forecasts, triaged, unusualGauges, unusualLines } from './findings.ts';

/**
 * What speaks for the incident now: the breached signals, what one inspect says beside them, and what
 * the local detectors found.
 *
 * @param first number of the first of them
 */
export function evidenceFor(situation: JudgedSituation, first: number): Evidence[] {
  const { policy, breached, verdicts, world } = situation;
  const at = new Date(world.wallMs).toISOString();
  const facts = [
    ...policy.thresholds
      .filter(({ name }) => breached.includes(name))
      .map((threshold) => ofThreshold(threshold, verdicts.get(threshold.name), situation)),
    ...ofContainer(situation),
    ...forecasts(situation.view),
    ...unusualGauges(situation.view, world.nowMs),
    ...unusualLines(situation.view, world.nowMs),
    ...triaged(situation.view, world.nowMs),
  ];
  return facts.map((fact, index) => ({ id: `e${first + index}`, ...fact, at }));
}

type Fact = Omit<Evidence, 'id' | 'at'>;

function ofThreshold(
  threshold: CompiledThreshold,
  verdict: Verdict | undefined,
  { view }: JudgedSituation,
): Fact {
  const value = verdict?.kind === 'Breached' ? verdict.value : null;
  const message = view.probes[threshold.name]?.message ?? '';
  const place = placeOf(threshold, harmless(message, view.container));
  return {
    signal: threshold.signal ?? `when ${threshold.when ?? ''}`,
    value,
    note: `threshold ${threshold.name}${place === '' ? '' : `: ${place}`}`,
  };
}

/** Where it was looked, which the value does not say, and what went wrong there last. */
function placeOf({ signal, path = '/', probe }: CompiledThreshold, message: string): string {
  if (signal === 'disk.writable') return path;
  if (probe === undefined) return '';
  const asked =
    signal === 'probe.http' ? `GET ${probe.path} on port ${probe.port}` : `port ${probe.port}`;
  return message === '' ? asked : `${asked}, ${message}`;
}

function ofContainer({ view, history }: JudgedSituation): Fact[] {
  const { container } = view;
  if (container === undefined) return [];
  const facts: Fact[] = [{ signal: 'container.state', value: container.state }];
  if (container.health !== undefined) {
    facts.push({
      signal: 'container.health',
      value: container.health.status,
      note: `failing streak ${container.health.failingStreak} of ${container.health.check.retries}`,
    });
  }
  const { exit } = history;
  // What befell another container of the workload says nothing of this one.
  if (exit !== undefined && (exit.container === container.id || exit.container === '')) {
    facts.push({
      signal: 'container.exitCode',
      value: exit.exitCode,
      note: `at ${exit.at}`,
    });
  }
  if (container.oomKilled) facts.push({ signal: 'container.oomKilled', value: true });
  if (container.error !== '')
    facts.push({ signal: 'container.error', value: harmless(container.error, container) });
  if (container.limits.memoryBytes !== undefined) {
    facts.push({ signal: 'container.memoryLimit', value: container.limits.memoryBytes });
  }
  if (container.engineRestartCount > 0) {
    facts.push({ signal: 'container.engineRestarts', value: container.engineRestartCount });
  }
  return facts;
}

const TEXT_CHARS_MAX = 500;

/** Docker's words may quote a command line or a label: foreign text, with what people put there. */
function harmless(text: string, container: ObservedContainer | undefined): string {
  return cleanLine(text, container?.secrets?.redactor).slice(0, TEXT_CHARS_MAX);
}
