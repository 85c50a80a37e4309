// How well the cause of recorded incidents is named: by the rules, by the newest line of the log that
// looks like an error (the naive way, in the same run) and, where one is at hand, by a language model.
//
//   node bench/rca.ts DIR [--all] [--model PROVIDER/MODEL] [--base-url URL] [--within SECONDS]
//                         [--record FILE | --replay FILE]
//
// DIR holds cases.jsonl (id, symptom, evidence_file, must_mention: each entry alternatives, separated by
// a bar) and the evidence files: a JSON object {evidence: {name: text}}, or a text that is a log. The
// symptom and the evidence are read, nothing else of a case. Keys, addresses and the SentinelConfig are
// those of `sentinel run`: a key in the environment is enough. --base-url asks a server of one's own,
// such as llama.cpp's. --record keeps what was said, redacted; --replay repeats it without a network.
import { parseArgs } from 'node:util';
import { resolveProviders, resolveRoute } from '#adapters/llm/settings.ts';
import { INCIDENT_LOG_LINES } from '#controller/incident-logs.ts';
import { explanationQuestion } from '#core/advice/explanation.ts';
import { tokensOf } from '#core/advice/pack.ts';
import type { Prompt } from '#core/advice/prompt.ts';
import { rootCauseQuestion } from '#core/advice/root-cause.ts';
import { findCauses } from '#core/diagnosis/rules.ts';
import { type Asked, DEFAULT_ROUTES, openAsker, withAnyKey } from './rca/ask.ts';
import { type Case, lastError, missing, readCases } from './rca/cases.ts';
import { matterOf } from './rca/matter.ts';
import { factsOf } from './rca/recorded.ts';

const USAGE = `usage: node bench/rca.ts DIR [--all] [--model PROVIDER/MODEL] [--base-url URL]
         [--within SECONDS] [--record FILE | --replay FILE]`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    all: { type: 'boolean', default: false },
    model: { type: 'string' },
    'base-url': { type: 'string' },
    within: { type: 'string', default: '180' },
    record: { type: 'string' },
    replay: { type: 'string' },
  },
});
const [directory] = positionals;
if (directory === undefined) {
  console.error(USAGE);
  process.exit(2);
}

interface Result {
  readonly first: boolean;
  readonly any: boolean;
  readonly naive: boolean;
  readonly rulesMs: number;
  /** Whether a model could know it from what it is told. */
  readonly told: boolean;
  /** Tokens of the question for plain words. */
  readonly wordsTokens: number;
  readonly prompt: {
    readonly characters: number;
    readonly tokens: number;
    readonly builtMs: number;
  };
  readonly model?: { readonly mentionsAll: boolean; readonly asked: Asked };
}

const cases = await readCases(directory);
const asker = await openAsker(process.env, {
  withinMs: Number(values.within) * 1_000,
  ...(values.model === undefined ? {} : { model: values.model }),
  ...(values['base-url'] === undefined ? {} : { baseUrl: values['base-url'] }),
  ...(values.record === undefined ? {} : { record: values.record }),
  ...(values.replay === undefined ? {} : { replay: values.replay }),
});
console.log(
  'missing' in asker
    ? `${cases.length} recorded incidents; no language model is asked: ${asker.missing}\n`
    : `${cases.length} recorded incidents; ${asker.route} is asked\n`,
);
// So that no case pays for compiling the catalogue of texts.
for (const one of cases) matterOf(one, INCIDENT_LOG_LINES);

const results: Result[] = [];
for (const one of cases) results.push(await measure(one));
summary(results);

async function measure(one: Case): Promise<Result> {
  const facts = factsOf(one.evidence, one.symptom);
  const { result: found, tookMs: rulesMs } = timed(() => findCauses(facts));
  const sentences = found.map(({ cause, explanation }) => `${cause}: ${explanation}`);
  const naive = lastError(one.evidence);
  const matter = matterOf(one, INCIDENT_LOG_LINES);
  const { result: question, tookMs: builtMs } = timed(() => rootCauseQuestion(matter));
  const text = textOf(question);
  const asked = 'missing' in asker ? undefined : await asker.ask(matter);

  const first = missing(one, sentences[0] ?? '').length === 0;
  const any = missing(one, sentences.join('\n'));
  const byNaive = missing(one, naive).length === 0;
  const untold = missing(one, question.user);
  const verdict = first ? 'yes ' : any.length === 0 ? 'late' : 'no  ';
  console.log(`${verdict} ${one.id} (${one.category})`);
  for (const { cause, explanation, confidence } of found.slice(0, values.all ? undefined : 2)) {
    console.log(`       ${confidence.toFixed(2)} ${cause}: ${explanation}`);
  }
  if (found.length === 0) console.log('       no rule explains it');
  if (any.length > 0) console.log(`       not mentioned: ${any.join(', ')}`);
  console.log(`  ${byNaive ? 'yes ' : 'no  '} naive: ${naive.slice(0, 120) || '(no line)'}`);
  if (asked !== undefined) told(one, asked);
  console.log(
    `       prompt: ${text.length} characters, ${tokensOf(text)} tokens or so, the schema included`,
  );
  if (untold.length > 0) console.log(`       does not say: ${untold.join(', ')}`);
  return {
    first,
    any: any.length === 0,
    naive: byNaive,
    told: untold.length === 0,
    rulesMs,
    wordsTokens: tokensOf(textOf(explanationQuestion(matter))),
    prompt: { characters: text.length, tokens: tokensOf(text), builtMs },
    ...(asked === undefined
      ? {}
      : { model: { mentionsAll: missing(one, asked.text).length === 0, asked } }),
  };
}

function told(one: Case, { text, use, tookMs }: Asked): void {
  const left = missing(one, text);
  const words = text === '' ? `${use.outcome}: ${use.message ?? ''}` : text;
  console.log(`  ${left.length === 0 ? 'yes ' : 'no  '} model: ${words}`);
  if (text !== '' && left.length > 0) console.log(`       not mentioned: ${left.join(', ')}`);
  const cost = use.costUsd === undefined ? 'price not known' : `$${use.costUsd.toFixed(6)}`;
  console.log(
    `       ${Math.round(tookMs)} ms, ${use.promptTokens} tokens in, ${use.completionTokens} out, ${cost}`,
  );
}

function summary(all: readonly Result[]): void {
  const share = (is: (result: Result) => boolean) => {
    const count = all.filter(is).length;
    return `${count} of ${all.length} (${(count / Math.max(1, all.length)).toFixed(3)})`;
  };
  const isByModel = ({ model }: Result) => model?.mentionsAll === true;
  console.log(`\neverything that must be mentioned is
  in the first hypothesis of the rules   ${share(({ first }) => first)}
  in any hypothesis of the rules         ${share(({ any }) => any)}
  in the newest error line of the log    ${share(({ naive }) => naive)}
  in the prompt of a language model      ${share(({ told: isTold }) => isTold)}
  in a language model's cause            ${'missing' in asker ? 'not measured' : share(isByModel)}
processor time: rules ${mean(all.map(({ rulesMs }) => rulesMs))} ms a case, building the question ${mean(all.map(({ prompt }) => prompt.builtMs))} ms`);
  const tokens = all.map(({ prompt }) => prompt.tokens).toSorted((a, b) => a - b);
  const characters = all.map(({ prompt }) => prompt.characters).toSorted((a, b) => a - b);
  console.log(
    `a prompt: ${middle(characters)} characters and ${middle(tokens)} tokens or so in the middle, ${characters.at(-1)} and ${tokens.at(-1)} at the largest`,
  );
  const words = all.map(({ wordsTokens }) => wordsTokens).toSorted((a, b) => a - b);
  console.log(
    `and for plain words: ${middle(words)} tokens or so in the middle, ${words.at(-1)} at the largest`,
  );
  if ('missing' in asker) listPrices(tokens);
  else totals(all.flatMap(({ model }) => model?.asked ?? []));
}

/** What it would cost by the prices that are built in, with an answer as long as is allowed. */
function listPrices(tokens: readonly number[]): void {
  const providers = resolveProviders(
    {},
    withAnyKey(() => undefined),
  );
  const [matter] = cases.map((one) => matterOf(one, INCIDENT_LOG_LINES));
  const out = matter === undefined ? 0 : rootCauseQuestion(matter).maxTokens;
  for (const name of DEFAULT_ROUTES) {
    const route = resolveRoute(name, providers);
    if ('ready' in route) continue;
    const { name: model, usdPerMillionInput: usdIn, usdPerMillionOutput: usdOut } = route.model;
    if (usdIn === undefined || usdOut === undefined) {
      console.log(
        `${name} (${model}): no price is built in; the provider tells the cost of each answer`,
      );
      continue;
    }
    const usd = (count: number) => ((count * usdIn + out * usdOut) / 1e6).toFixed(5);
    console.log(
      `${name} (${model}, $${usdIn} and $${usdOut} a million): $${usd(middle(tokens))} for the one in the middle, $${usd(tokens.at(-1) ?? 0)} for the largest, an answer of ${out} tokens, the most, included`,
    );
  }
}

function totals(all: readonly Asked[]): void {
  const sum = (of: (asked: Asked) => number) => all.reduce((total, one) => total + of(one), 0);
  const took = all.map(({ tookMs }) => Math.round(tookMs)).toSorted((a, b) => a - b);
  const priced = all.filter(({ use }) => use.costUsd !== undefined);
  console.log(
    `model: ${sum(({ use }) => use.requests)} questions, ${sum(({ use }) => use.promptTokens)} tokens in, ${sum(({ use }) => use.completionTokens)} out; ${middle(took)} ms in the middle, ${took.at(-1)} ms at most`,
  );
  const usd = priced.reduce((total, { use }) => total + (use.costUsd ?? 0), 0);
  console.log(
    `cost: ${priced.length === 0 ? 'not known' : `$${usd.toFixed(6)}, of ${priced.length} answers`}`,
  );
}

/** All that is sent. */
function textOf({ system, user, schema }: Prompt): string {
  return [system, user, JSON.stringify(schema)].join('\n');
}

function timed<Of>(run: () => Of): { readonly result: Of; readonly tookMs: number } {
  const begun = process.cpuUsage();
  const result = run();
  const { user, system } = process.cpuUsage(begun);
  return { result, tookMs: (user + system) / 1_000 };
}

function mean(numbers: readonly number[]): string {
  const sum = numbers.reduce((total, number) => total + number, 0);
  return (sum / Math.max(1, numbers.length)).toFixed(1);
}

function middle(sorted: readonly number[]): number {
  return sorted[sorted.length >> 1] ?? Number.NaN;
}
