// Recorded incidents on disk: cases.jsonl and the evidence files beside it.
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { logLines, type Recorded } from './recorded.ts';

const CaseLine = z.object({
  id: z.string(),
  category: z.string().default(''),
  symptom: z.string().default(''),
  /** Each entry alternatives, separated by a bar. */
  must_mention: z.array(z.string()).default([]),
  evidence_file: z.string(),
});
const Evidence = z.object({ evidence: z.record(z.string(), z.string()) });

export interface Case extends z.infer<typeof CaseLine> {
  readonly evidence: Recorded;
}

/** @throws {Error} a file cannot be read, or a line is no case */
export async function readCases(folder: string): Promise<Case[]> {
  const text = await readFile(join(folder, 'cases.jsonl'), 'utf8');
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return Promise.all(
    lines.map(async (line) => {
      const one = CaseLine.parse(JSON.parse(line));
      return { ...one, evidence: await evidenceOf(folder, one.evidence_file) };
    }),
  );
}

/** The path may be given from the folder above. */
async function evidenceOf(folder: string, file: string): Promise<Recorded> {
  const text = await readFile(join(folder, basename(file)), 'utf8').catch(() =>
    readFile(join(folder, file), 'utf8'),
  );
  if (!file.endsWith('.json')) return { 'logs.txt': text };
  const parsed: unknown = JSON.parse(text);
  const evidence = Evidence.safeParse(parsed);
  return evidence.success ? evidence.data.evidence : { 'inspect.json': text };
}

/** What must be mentioned and is not. */
export function missing({ must_mention: wanted }: Pick<Case, 'must_mention'>, text: string) {
  return wanted.filter((entry) => !mentions(text, entry));
}

/** @param entry alternatives, separated by a bar */
export function mentions(text: string, entry: string): boolean {
  const lower = text.toLowerCase().replaceAll('"', "'");
  return entry.split('|').some((one) => lower.includes(one.trim().toLowerCase()));
}

/** The naive way: the newest line of the log that looks like an error. */
export function lastError(evidence: Recorded): string {
  const lines = logLines(evidence);
  return (
    lines.findLast((line) => /error|fail|fatal|exception|panic|refused|denied/i.test(line)) ??
    lines.at(-1) ??
    ''
  );
}
