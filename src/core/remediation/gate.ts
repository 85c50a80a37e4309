import type { GuardContext, Guards } from './guard.ts';
import { PEOPLE_GUARDS } from './guards-people.ts';
import { RATE_GUARDS } from './guards-rate.ts';
import { TARGET_GUARDS } from './guards-target.ts';
import { TOOL_GUARDS } from './guards-tool.ts';
import { REFUSAL_REASONS, type Refusal } from './refusal.ts';

const GUARDS: Guards = { ...TARGET_GUARDS, ...PEOPLE_GUARDS, ...RATE_GUARDS, ...TOOL_GUARDS };

/** Asks every guard, in order. An empty list is permission. */
export function refusals(context: GuardContext): Refusal[] {
  return REFUSAL_REASONS.flatMap((reason) => {
    const no = GUARDS[reason]?.(context);
    return no === undefined ? [] : [{ reason, ...no }];
  });
}
