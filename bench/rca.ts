// How well the rules name the cause of recorded incidents: `node bench/rca.ts [--all] DIR`. DIR holds
// cases.jsonl (id, symptom, evidence_file, must_mention: each entry alternatives, separated by a bar)
// and the evidence files: a JSON object {evidence: {name: text}}, or a text that is a log. Only the
// symptom and the evidence are read by the rules. Beside them, in the same run, the naive way: the
// newest line of the log that looks like an error.
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { findCauses } from '#core/diagnosis/rules.ts';
import { factsOf, logLines, type Recorded } from './rca/recorded.ts';

const Case = z.object({
  id: z.string(),
  category: z.string().default(''),
  symptom: z.string().default(''),
  must_mention: z.array(z.string()).default([]),
  evidence_file: z.string(),
});
type Case = z.infer<typeof Case>;
const Evidence = z.object({ evidence: z.record(z.string(), z.string()) });

const showsAll = process.argv.includes('--all');
const [directory] = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
if (directory === undefined) {
  console.error('usage: node bench/rca.ts [--all] DIR');
  process.exit(2);
}

const cases = (await readFile(join(directory, 'cases.jsonl'), 'utf8'))
  .split('\n')
  .filter((line) => line.trim() !== '')
  .map((line) => Case.parse(JSON.parse(line)));

console.log(`${cases.length} recorded incidents; no language model was asked: there is none yet\n`);
const scores = { first: 0, any: 0, naive: 0 };
let milliseconds = 0;
for (const one of cases) {
  const evidence = await evidenceOf(directory, one);
  const facts = factsOf(evidence, one.symptom);
  const begun = process.cpuUsage();
  const found = findCauses(facts);
  const { user, system } = process.cpuUsage(begun);
  milliseconds += (user + system) / 1_000;

  const sentences = found.map(({ cause, explanation }) => `${cause}: ${explanation}`);
  const naive = lastError(logLines(evidence)) ?? '';
  const first = missing(one, sentences[0] ?? '');
  const any = missing(one, sentences.join('\n'));
  const byNaive = missing(one, naive);
  scores.first += Number(first.length === 0);
  scores.any += Number(any.length === 0);
  scores.naive += Number(byNaive.length === 0);

  console.log(
    `${first.length === 0 ? 'yes ' : any.length === 0 ? 'late' : 'no  '} ${one.id} (${one.category})`,
  );
  for (const { cause, explanation, confidence } of found.slice(0, showsAll ? undefined : 2)) {
    console.log(`       ${confidence.toFixed(2)} ${cause}: ${explanation}`);
  }
  if (found.length === 0) console.log('       no rule explains it');
  if (any.length > 0) console.log(`       not mentioned: ${any.join(', ')}`);
  console.log(
    `  ${byNaive.length === 0 ? 'yes ' : 'no  '} naive: ${naive.slice(0, 120) || '(no line)'}`,
  );
}

const share = (count: number) =>
  `${count} of ${cases.length} (${(count / cases.length).toFixed(3)})`;
console.log(`\neverything that must be mentioned is
  in the first hypothesis of the rules   ${share(scores.first)}
  in any hypothesis of the rules         ${share(scores.any)}
  in the newest error line of the log    ${share(scores.naive)}
  by a language model                    not measured
processor time of the rules: ${(milliseconds / Math.max(1, cases.length)).toFixed(1)} ms a case, compiling the catalogue included`);

/** The path may be given from the folder above. */
async function evidenceOf(folder: string, { evidence_file: file }: Case): Promise<Recorded> {
  const text = await readFile(join(folder, basename(file)), 'utf8').catch(() =>
    readFile(join(folder, file), 'utf8'),
  );
  if (!file.endsWith('.json')) return { 'logs.txt': text };
  const parsed: unknown = JSON.parse(text);
  const evidence = Evidence.safeParse(parsed);
  return evidence.success ? evidence.data.evidence : { 'inspect.json': text };
}

function missing({ must_mention: wanted }: Case, text: string): string[] {
  const lower = text.toLowerCase().replaceAll('"', "'");
  return wanted.filter(
    (entry) => !entry.split('|').some((one) => lower.includes(one.trim().toLowerCase())),
  );
}

function lastError(lines: readonly string[]): string | undefined {
  return (
    lines.findLast((line) => /error|fail|fatal|exception|panic|refused|denied/i.test(line)) ??
    lines.at(-1)
  );
}
