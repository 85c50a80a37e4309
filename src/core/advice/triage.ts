import type { LogAnomaly } from '#core/detection/log-anomaly.ts';
import { TRIAGE_SEVERITIES, TRIAGE_TYPES, type Triage } from '#core/incident/incident.ts';
import { cleanLine } from '#core/redaction/foreign-text.ts';
import type { Redactor } from '#core/redaction/redactor.ts';
import { isJsonObject, type JsonValue } from '#lib/json.ts';
import { pack } from './pack.ts';
import { CONFIDENCE, closedObject, GROUND_RULES, type Prompt, text } from './prompt.ts';
import { Refs } from './refs.ts';
import { modelWords } from './root-cause.ts';

const PROMPT_TOKENS_MAX = 1_500;
const SUMMARY_CHARS_MAX = 300;
/** It speaks of one container, and names none. */
const NO_REFS = new Refs();
const LINE_CHARS_MAX = 400;

const SYSTEM = `${GROUND_RULES}
You are shown lines of a container's log that are unusual for it, with how often they came and how often is usual. Say whether they are a sign of trouble that a person on call should know of. Starts, stops, new versions, new users and other work are none.`;

/** What is asked about: what the local detector found unusual in one window of one log. */
export interface TriageMatter {
  /** Raw. */
  readonly unusual: readonly LogAnomaly[];
  readonly windowMs: number;
  readonly redactor: Pick<Redactor, 'redact'> | undefined;
  /** Nobody who writes into a log can know it. */
  readonly mark: string;
}

export function triageQuestion({ unusual, windowMs, redactor, mark }: TriageMatter): Prompt {
  const clean = (line: string) => cleanLine(line.slice(0, LINE_CHARS_MAX), redactor);
  const items = unusual.map(({ kind, count, expected, template, example }, index) => ({
    text: `${kind}, ${count} times where ${Number(expected.toPrecision(2))} are usual: ${clean(example ?? template)}`,
    worth: unusual.length - index,
  }));
  const title = `Unusual lines of ${Math.round(windowMs / 1_000)} s, the gravest first`;
  return {
    system: SYSTEM,
    user: pack([{ title, isForeign: true, items }], { tokensMax: PROMPT_TOKENS_MAX, mark }),
    schema: closedObject({
      summary: text(SUMMARY_CHARS_MAX, 'What the lines mean, in one sentence.'),
      type: { enum: [...TRIAGE_TYPES] },
      severity: { enum: [...TRIAGE_SEVERITIES] },
      isAnomaly: { type: 'boolean', description: 'Whether it is a sign of trouble.' },
      confidence: CONFIDENCE,
    }),
    maxTokens: 300,
  };
}

/** @returns `undefined` when it is no answer */
export function triageOf(
  value: JsonValue,
  redactor: Pick<Redactor, 'redact'> | undefined,
): Triage | undefined {
  if (!isJsonObject(value)) return undefined;
  const { isAnomaly, confidence, type, severity, summary } = value;
  const knownType = TRIAGE_TYPES.find((one) => one === type);
  const knownSeverity = TRIAGE_SEVERITIES.find((one) => one === severity);
  if (typeof isAnomaly !== 'boolean' || typeof confidence !== 'number') return undefined;
  if (knownType === undefined || knownSeverity === undefined) return undefined;
  return {
    isAnomaly,
    confidence: Math.min(1, Math.max(0, confidence)),
    type: knownType,
    severity: knownSeverity,
    summary: modelWords(summary, { refs: NO_REFS, redactor }, SUMMARY_CHARS_MAX),
  };
}
