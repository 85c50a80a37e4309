import { createHash } from 'node:crypto';
import { canonicalJson } from '#core/journal/record.ts';
import type { CandidateVerdict, Denial, Incident } from './incident.ts';

type Call = Pick<CandidateVerdict, 'id' | 'action' | 'variant' | 'tool' | 'arguments'>;

/** The same for the same tool with the same arguments, whatever its action is called. */
export function callDigest(tool: string, args: unknown): string {
  return createHash('sha256')
    .update(canonicalJson([tool, args]))
    .digest('hex')
    .slice(0, 16);
}

/**
 * A no is to the action and not to a size, and lasts until the incident is opened again or a person
 * says yes; the same call under the name of another action is what was denied, too.
 */
export function isDenied({ denied = [] }: Pick<Incident, 'denied'>, one: Call): boolean {
  return denied.some((denial) => concerns(denial, one));
}

export function concerns({ candidate, action, variant, call }: Denial, one: Call): boolean {
  if (candidate === one.id) return true;
  if (action === one.action && variant === (one.variant ?? 0)) return true;
  // What has no arguments is no call.
  return (
    call !== undefined && one.arguments !== null && call === callDigest(one.tool, one.arguments)
  );
}
