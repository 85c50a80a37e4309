import { isJsonObject, type JsonValue } from '#lib/json.ts';
import { type PromptSection, pack } from './pack.ts';
import { closedObject, GROUND_RULES, type Prompt, text } from './prompt.ts';
import { type ConcludeContext, modelWords } from './root-cause.ts';
import { type Matter, refOf } from './sections.ts';

const PROMPT_TOKENS_MAX = 2_000;
const SUMMARY_CHARS_MAX = 700;

const SYSTEM = `${GROUND_RULES}
You explain the cause of an incident to people who are no engineers: two to four plain sentences, no jargon, no ids. Say what is affected and what probably went wrong. Say nothing about what was or will be done: others do.`;

/** Asks for the cause in plain words, from the diagnosis and the evidence alone. */
export function explanationQuestion({ situation, incident, refs }: Matter): Prompt {
  const { diagnosis, evidence } = incident;
  const item = (line: string, worth: number) => ({ text: refs.hidden(line), worth });
  const sections: PromptSection[] = [
    {
      title: 'What is wrong',
      isForeign: true,
      items: [
        item(`${refOf(refs, situation.view)}: ${incident.breached.join(', ')}`, 100),
        item(`cause: ${diagnosis?.rootCause ?? 'not known'}`, 100),
        item(`in detail: ${diagnosis?.explanation ?? ''}`, 90),
      ],
    },
    {
      title: 'Evidence',
      isForeign: true,
      items: evidence.map(({ signal, value, note = '' }) =>
        item(`${signal} = ${String(value)} ${note}`, 50),
      ),
    },
  ];
  const mark = situation.world.mac(`fence ${incident.uid} explain`).slice(0, 12);
  return {
    system: SYSTEM,
    user: pack(sections, { tokensMax: PROMPT_TOKENS_MAX, mark }),
    schema: closedObject({ summary: text(SUMMARY_CHARS_MAX, 'Two to four plain sentences.') }),
    maxTokens: 400,
  };
}

/** @returns the words, fit to be kept; empty when there are none */
export function summaryOf(
  value: JsonValue,
  context: Pick<ConcludeContext, 'refs' | 'redactor'>,
): string {
  return isJsonObject(value) ? modelWords(value['summary'], context, SUMMARY_CHARS_MAX) : '';
}
