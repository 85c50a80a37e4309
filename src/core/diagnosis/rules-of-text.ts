import { isOwnDecision } from './exit-codes.ts';
import { type DiagnosisFacts, type Finding, isAbout, type TextSource } from './facts.ts';
import { clauseOf, LINES_MAX, type Mention, scan } from './scan.ts';

/** Of one source, so that a flood of words does not become a flood of hypotheses. */
const FINDINGS_MAX = 5;

/**
 * How much a text weighs. What Docker itself says of a failed start is a fact. What the container
 * says explains a fact of Docker's (it exited, its check fails) and is weighed with it; alone it is
 * less than anything that Docker tells, whoever can write into the log.
 */
const CONFIDENCE = { error: 0.9, sameAsExit: 0.85, exit: 0.72, health: 0.64, alone: 0.4 } as const;
/** The words of one who ended by itself are the newest that there are. */
const LAST_LINES = 10;

/** What texts say: of Docker first, then of the health check, then of the log. */
export function findingsOfTexts(facts: DiagnosisFacts): Finding[] {
  return (['error', 'probe', 'log'] as const).flatMap((source) =>
    scan(facts.texts[source] ?? [])
      // What a check calls is not what the container runs: see the rules of health.
      .filter(({ of }) => source !== 'probe' || of.cause !== 'CommandNotFound')
      .map((mention) => findingOf(facts, source, mention))
      .sort((a, b) => b.confidence - a.confidence)
      .slice(0, FINDINGS_MAX),
  );
}

function findingOf(facts: DiagnosisFacts, source: TextSource, mention: Mention): Finding {
  const { of, count } = mention;
  const support = supportOf(facts, source, mention);
  const read = Math.min(LINES_MAX, facts.texts[source]?.length ?? 0);
  const fresh = source === 'log' && mention.linesSince < LAST_LINES ? 0.02 : 0;
  return {
    cause: of.cause,
    explanation: `${lead(facts, source, support)} that ${clauseOf(mention)}.`,
    confidence: CONFIDENCE[support] + of.weight / 100 + fresh,
    cites: CITES[support],
    adds:
      source === 'error'
        ? []
        : [
            {
              signal: source === 'log' ? 'log.text' : 'health.text',
              value: of.cause,
              note: `in ${count} of the newest ${read} lines`,
            },
          ],
    // A service that its own check finds mute may only need to be started again.
    remedies: source === 'probe' ? [...of.remedies, 'docker/restart_container'] : of.remedies,
  };
}

type Support = keyof typeof CONFIDENCE;

const CITES: Readonly<Record<Support, readonly string[]>> = {
  error: ['container.error', 'container.state'],
  sameAsExit: ['exit', 'container.exitCode', 'restarts'],
  exit: ['exit', 'container.exitCode', 'restarts'],
  health: ['health', 'container.health', 'probe.http', 'probe.tcp'],
  alone: [],
};

function supportOf(facts: DiagnosisFacts, source: TextSource, { of }: Mention): Support {
  if (source === 'error') return 'error';
  const { exit } = facts;
  if (source === 'log' && exit !== undefined && saysWhy(facts, exit)) {
    return of.exitCodes?.includes(exit.code) === true ? 'sameAsExit' : 'exit';
  }
  // What is breached was breached by Docker's word: it counts also when an action has come since.
  return isAbout(facts, 'health', 'probe.http', 'probe.tcp') ? 'health' : 'alone';
}

/** The kernel's word, or a signal, explains the exit without any of the container's. */
function saysWhy(
  facts: DiagnosisFacts,
  { code, byPerson }: NonNullable<DiagnosisFacts['exit']>,
): boolean {
  if (byPerson) return false;
  if (facts.oom || facts.container?.oomKilled === true) return false;
  return isOwnDecision(code) && isAbout(facts, 'exit', 'restarts', 'state');
}

function lead(facts: DiagnosisFacts, source: TextSource, support: Support): string {
  if (source === 'error') return 'Docker could not start it, and says';
  if (source === 'probe') return 'Its health check says';
  if (support === 'health') return 'It does not answer as it should, and its log says';
  if (support === 'alone' || facts.exit === undefined) return 'Its log says';
  return `It exited with code ${facts.exit.code}, and its log says`;
}
