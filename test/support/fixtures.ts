import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The path of a recorded file or tree under `test/fixtures`. */
export function fixturePath(path: string): string {
  return fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url));
}

/** A recorded answer of an engine, parsed. */
export function readFixture(path: string): unknown {
  return JSON.parse(readFileSync(fixturePath(path), 'utf8'));
}
