import type { RecordData } from './data.ts';
import type { JournalRecord, RecordType } from './record.ts';
import type { OperatorState } from './state.ts';

/** Where a record stands in time and order, for the reducers of its type. */
export interface RecordPlace {
  readonly seq: number;
  readonly at: string;
  readonly atMs: number;
  readonly incident: string;
  readonly workload: string;
  readonly policy: JournalRecord['policy'];
  readonly actor: string;
}

export type Reducers = {
  readonly [Type in RecordType]?: (
    state: OperatorState,
    data: RecordData[Type],
    place: RecordPlace,
  ) => void;
};
