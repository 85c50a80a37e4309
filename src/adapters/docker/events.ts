import { z } from 'zod';
import { EVENT_ACTIONS, type EventAction, type RuntimeEvent } from '#core/workload/event.ts';

/** Everything but container lifecycle is left out by the daemon: each probe would be three events. */
export const EVENT_FILTERS = JSON.stringify({ type: ['container'], event: EVENT_ACTIONS });

const EventBody = z.object({
  Type: z.string().default('container'),
  Action: z.string(),
  /** Digits, kept as text by {@link parseEvent}. */
  timeNano: z.string().regex(/^\d{1,20}$/),
  Actor: z.object({
    ID: z.string(),
    Attributes: z.record(z.string(), z.string()).nullish(),
  }),
});

/** Docker mixes its own attributes with the container's labels, without a mark. */
const OWN_ATTRIBUTES = new Set([
  'name',
  'image',
  'exitCode',
  'execDuration',
  'signal',
  'oldName',
  'containerExitCode',
]);

/**
 * Reads one line of the event stream.
 *
 * @returns `undefined` for an event that nobody asked for, or of an unknown shape: what an event
 *   would have said, the next listing says too, while a stream that broke over it would break again
 *   at each replay
 * @throws {Error} the line is no JSON
 */
export function parseEvent(line: string): RuntimeEvent | undefined {
  // 1764...123456789 nanoseconds do not fit a number: they are quoted before they are parsed. In a
  // JSON string the quotes around the name would be escaped, so labels cannot be mistaken for it.
  const quoted = line.replace(/"timeNano":\s*(\d+)(?=\s*[,}])/, '"timeNano":"$1"');
  const { data: event } = EventBody.safeParse(JSON.parse(quoted));
  if (event === undefined) return undefined;
  const action = toAction(event.Action);
  if (event.Type !== 'container' || action === undefined) return undefined;

  const attributes = event.Actor.Attributes ?? {};
  const labels = Object.entries(attributes).filter(([name]) => !OWN_ATTRIBUTES.has(name));
  const { name = '', exitCode, signal, oldName } = attributes;
  return {
    action,
    containerId: event.Actor.ID,
    name,
    labels: Object.fromEntries(labels),
    timeNano: event.timeNano,
    ...(action === 'die' && isExitCode(exitCode) && { exitCode: Number(exitCode) }),
    ...(action === 'kill' && signal !== undefined && { signal }),
    ...(action === 'rename' && oldName !== undefined && { oldName: oldName.replace(/^\//, '') }),
  };
}

/** A label that is called `exitCode` takes the attribute's place, and may say anything. */
function isExitCode(text: string | undefined): boolean {
  return text !== undefined && /^-?\d{1,10}$/.test(text);
}

/** `health_status: unhealthy` is Docker's way to write a health event. */
function toAction(text: string): EventAction | undefined {
  const word = text.split(':', 1)[0]?.trim();
  return EVENT_ACTIONS.find((action) => action === word);
}

/** Later than any event. */
const NEVER_NANO = '9'.repeat(19);

/**
 * @param oldest the oldest event that the daemon still has, of any kind
 * @returns its time: of what was before, some may have been dropped for room, or by a restart
 */
export function keptSince(oldest: string | undefined): string {
  const nanos = /"timeNano":\s*(?<nanos>\d+)/.exec(oldest ?? '')?.groups?.['nanos'];
  // What cannot be read, or is not there, proves nothing of the past.
  return nanos ?? NEVER_NANO;
}
