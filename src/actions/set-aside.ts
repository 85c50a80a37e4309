import { type ContainerSummary, LABEL } from '#core/workload/container.ts';

/**
 * How the containers of a replacement are told apart by the engine's state alone, after any crash:
 * the new one carries the intent's label from its creation, and until it takes the old one's name,
 * the intent in its name; the old one gets a name of its own when it is set aside.
 */
export const REPLACEMENT_LABEL = {
  intent: LABEL.intent,
  /** The id of the container that it replaces. */
  replaces: 'sre-sentinel.replaces',
  /** Whether that one was running: only then is it started again on the way back. */
  wasRunning: 'sre-sentinel.replaced-running',
} as const;

export function madeName(name: string, intentId: string): string {
  return `${name}.sentinel-${intentId}`;
}

export function setAsideName(name: string, intentId: string): string {
  return `${name}.sentinel-${intentId}-old`;
}

/** Everything of one replaced container that is left on the engine. */
export interface Replacement {
  /** The name that the workload has when nothing is under way. */
  readonly name: string;
  readonly made?: ContainerSummary;
  /** The old container: set aside, or still (or again) under its own name. */
  readonly old?: ContainerSummary;
}

/** What a listing shows of an intent's replacements, in the order of the listing. */
export function findReplacements(
  all: readonly ContainerSummary[],
  intentId: string,
): readonly Replacement[] {
  const suffixes = [setAsideName('', intentId), madeName('', intentId)];
  const baseOf = (name: string): string => {
    const suffix = suffixes.find((candidate) => name.endsWith(candidate));
    return suffix === undefined ? name : name.slice(0, -suffix.length);
  };
  const isMade = ({ labels }: ContainerSummary) => labels[LABEL.intent] === intentId;
  const isSetAside = ({ name }: ContainerSummary) => name.endsWith(setAsideName('', intentId));

  const names = new Set(
    all.filter((it) => isMade(it) || isSetAside(it)).map(({ name }) => baseOf(name)),
  );
  return [...names].map((name) => {
    const made = all.find((it) => isMade(it) && !isSetAside(it) && baseOf(it.name) === name);
    const old = all.find(
      (it) =>
        it.name === setAsideName(name, intentId) ||
        // Under its own name anybody may have made another one since.
        it.id === made?.labels[REPLACEMENT_LABEL.replaces],
    );
    return {
      name,
      ...(made === undefined ? {} : { made }),
      ...(old === undefined ? {} : { old }),
    };
  });
}
