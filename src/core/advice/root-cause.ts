import type { Advice, Diagnosis, Incident } from '#core/incident/incident.ts';
import { cleanLine } from '#core/redaction/foreign-text.ts';
import type { Redactor } from '#core/redaction/redactor.ts';
import { isJsonObject, type JsonValue } from '#lib/json.ts';
import { pack } from './pack.ts';
import { CONFIDENCE, closedObject, GROUND_RULES, type Prompt, text } from './prompt.ts';
import type { Refs } from './refs.ts';
import { type Matter, sectionsOf } from './sections.ts';

/** With instructions and answer within 4,096, where many servers of one's own cut the beginning off. */
const PROMPT_TOKENS_MAX = 3_000;
const REFS_MAX = 32;
const COMPONENTS_MAX = 16;
const CHARS = { rootCause: 160, explanation: 1_200, prevention: 600 } as const;

const SYSTEM = `${GROUND_RULES}
You look for the cause of an incident and advise what to do. Prefer what the evidence shows over what is merely likely. What depends on something broken is not itself the cause.
In "evidenceRefs" cite the ids of the evidence that your conclusion rests on; cite none that is not listed.
In "choice" name the candidate that you would carry out, by its id. Use "none" if the workload should be left alone for now, and "escalate" if no candidate would help and a person is needed.`;

/** In front of the answer: of a long text small models remember the end. */
const QUESTION =
  'What is the cause, which evidence shows it, and which candidate would you carry out? Answer with the JSON object.';

/** What a prompt about an incident says, before a question is added. */
export function matterText(matter: Matter): string {
  const { world } = matter.situation;
  const mark = world.mac(`fence ${matter.incident.uid}`).slice(0, 12);
  return pack(sectionsOf(matter), { tokensMax: PROMPT_TOKENS_MAX, mark });
}

export function rootCauseQuestion(matter: Matter): Prompt {
  const ids = matter.offered.map(({ candidate }) => candidate.id);
  return {
    system: SYSTEM,
    user: `${matterText(matter)}\n\n## Question\n${QUESTION}`,
    schema: closedObject({
      explanation: text(CHARS.explanation, 'What happened and why, step by step, short.'),
      rootCause: text(CHARS.rootCause, 'The cause in one short phrase.'),
      evidenceRefs: {
        type: 'array',
        items: { type: 'string', maxLength: 16 },
        maxItems: REFS_MAX,
        description: 'Ids such as e1.',
      },
      affectedComponents: {
        type: 'array',
        items: { type: 'string', maxLength: 100 },
        maxItems: COMPONENTS_MAX,
        description: 'Containers that suffer, such as c1.',
      },
      choice: {
        type: 'string',
        enum: [...ids, 'none', 'escalate'],
        description: 'Id of the candidate that you would carry out, or none, or escalate.',
      },
      confidence: CONFIDENCE,
      prevention: text(CHARS.prevention, 'What would keep it from happening again.'),
    }),
    maxTokens: 800,
  };
}

/** What a model concluded, fit to be kept: its words are clean, and what it cites exists. */
export type Conclusion = Required<
  Pick<
    Diagnosis,
    | 'rootCause'
    | 'explanation'
    | 'confidence'
    | 'evidenceRefs'
    | 'affectedComponents'
    | 'prevention'
  >
> &
  Pick<Diagnosis, 'advice'>;

export interface ConcludeContext {
  readonly incident: Pick<Incident, 'evidence'>;
  readonly refs: Refs;
  /** Ids of the candidates that it was offered. */
  readonly offered: readonly string[];
  readonly redactor: Pick<Redactor, 'redact'> | undefined;
}

/**
 * Reads an answer. Whoever cites evidence that does not exist, or none at all, has made it up: the
 * confidence is 0. A choice that was not offered is no advice.
 *
 * @returns `undefined` when it is no answer at all
 */
export function conclusionOf(answer: JsonValue, context: ConcludeContext): Conclusion | undefined {
  if (!isJsonObject(answer)) return undefined;
  const words = (name: keyof typeof CHARS): string =>
    modelWords(answer[name], context, CHARS[name]);
  const cited = strings(answer['evidenceRefs']);
  const known = new Set(context.incident.evidence.map(({ id }) => id));
  const isFounded = cited.length > 0 && cited.every((id) => known.has(id));
  const confidence = isFounded ? ratio(answer['confidence']) : 0;
  return {
    rootCause: words('rootCause'),
    explanation: words('explanation'),
    prevention: words('prevention'),
    confidence,
    evidenceRefs: [...new Set(cited)].filter((id) => known.has(id)),
    affectedComponents: strings(answer['affectedComponents'])
      .slice(0, COMPONENTS_MAX)
      .map((name) => modelWords(name, context, 100)),
    ...adviceOf(answer['choice'], confidence, context),
  };
}

function adviceOf(
  choice: JsonValue | undefined,
  confidence: number,
  { offered }: ConcludeContext,
): { readonly advice?: Advice } {
  const isKnown = typeof choice === 'string' && [...offered, 'none', 'escalate'].includes(choice);
  return isKnown ? { advice: { choice, confidence } } : {};
}

/** Two digits, and never more than was said: 0.596 must not become the 0.6 that a policy asks for. */
function ratio(value: JsonValue | undefined): number {
  if (typeof value !== 'number' || Number.isNaN(value)) return 0;
  const bounded = Math.min(1, Math.max(0, value));
  const rounded = Math.round(bounded * 100) / 100;
  return rounded > bounded ? Math.floor(bounded * 100) / 100 : rounded;
}

function strings(value: JsonValue | undefined): string[] {
  return Array.isArray(value)
    ? value.filter((item) => typeof item === 'string').slice(0, REFS_MAX)
    : [];
}

/** Words of a model are foreign text too: it repeats what it was told, and may have been told to. */
export function modelWords(
  value: JsonValue | undefined,
  { refs, redactor }: Pick<ConcludeContext, 'refs' | 'redactor'>,
  charsMax: number,
): string {
  if (typeof value !== 'string') return '';
  const words = cleanLine(refs.named(value.slice(0, charsMax)), redactor).trim();
  // Names are longer than what stands for them, and any number of times as long.
  return words.slice(0, charsMax).toWellFormed();
}
