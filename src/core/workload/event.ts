/** The container events that Sentinel subscribes to; everything else is filtered by the daemon. */
export const EVENT_ACTIONS = [
  'create',
  'start',
  'die',
  'stop',
  'kill',
  'pause',
  'unpause',
  'restart',
  'oom',
  'health_status',
  'rename',
  'destroy',
  'update',
] as const;
export type EventAction = (typeof EVENT_ACTIONS)[number];

/** One event of the daemon, as it came. Events name what to look at; they are never the state. */
export interface RuntimeEvent {
  readonly action: EventAction;
  readonly containerId: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /**
   * Nanoseconds on the daemon's clock as decimal digits: a number cannot hold them. Identifies the
   * event together with id and action, and is where a broken stream is resumed.
   */
  readonly timeNano: string;
  /** `die` only. */
  readonly exitCode?: number;
  /** `kill` only: the signal's number or name as Docker reports it. */
  readonly signal?: string;
  /** `rename` only: the name it had, without the slash. */
  readonly oldName?: string;
}

/** Whether decimal nanoseconds come after others: more digits, or as many of them and a later order. */
export function isLaterNano(nano: string, than: string): boolean {
  return nano.length === than.length ? nano > than : nano.length > than.length;
}
