import type { RecordData } from '#core/journal/data.ts';
import { builtinTool } from '#core/remediation/tools.ts';
import type { ActionCall } from '#ports/action-runner.ts';
import type { MemoryOperator } from './operator.ts';
import { isPermitted, withoutModels } from './without-models.ts';

/**
 * Holds what an operator does against what it may do, from now on.
 *
 * @returns what it did that it may not, in words; filled as it goes on
 */
export function watchConduct(operator: MemoryOperator): readonly string[] {
  const offences: string[] = [];
  operator.journal.subscribe((records) => {
    for (const { type, data, workload, incident, actor } of records) {
      if (type === 'remediation.intended') {
        const intended = data as RecordData['remediation.intended'];
        const without = withoutModels(operator.controller.worlds().build());
        const isOurs = isPermitted(without, workload, intended, { ownIntent: intended.intent });
        // What is taken back is permitted by what was intended first.
        if (intended.rollbackOf === undefined && !isOurs) {
          offences.push(`${intended.tool} on ${workload} is not permitted without a model`);
        }
      }
      if (/^approval\.(?:granted|denied)$|^pause\./.test(type) && actor === 'sentinel') {
        offences.push(`${type} by nobody`);
      }
      if (type === 'incident.resolved' && !isWell(operator, incident)) {
        offences.push(`${workload} is called well and is not`);
      }
    }
  });
  return offences;
}

function isWell({ journal, engine }: MemoryOperator, incident: string): boolean {
  return engine.isWell(journal.state().incidents[incident]?.workload.container ?? '');
}

/** Calls that changed something, or tried to. */
export function acting({ calls }: Pick<MemoryOperator, 'calls'>): ActionCall[] {
  return calls.filter(({ tool }) => builtinTool(tool)?.readOnly !== true);
}

/** From when an incident of the workload opened to its first attempt, milliseconds. */
export function firstAttemptAfterMs(
  { records }: Pick<MemoryOperator, 'records'>,
  workload: string,
): number | undefined {
  const timeOf = (type: string) =>
    Date.parse(
      records.find((record) => record.type === type && record.workload === workload)?.time ?? '',
    );
  const ms = timeOf('remediation.intended') - timeOf('incident.opened');
  return Number.isNaN(ms) ? undefined : ms;
}
