import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { scanText } from './scan.ts';

/** A text that counts how many of its characters are read. */
class CountedText extends String {
  reads = 0;

  override charCodeAt(index: number): number {
    this.reads += 1;
    return super.charCodeAt(index);
  }

  override charAt(index: number): string {
    this.reads += 1;
    return super.charAt(index);
  }

  override slice(from?: number, to?: number): string {
    const part = super.slice(from, to);
    this.reads += part.length;
    return part;
  }

  override startsWith(search: string, from?: number): boolean {
    this.reads += search.length;
    return super.startsWith(search, from);
  }

  override indexOf(search: string, from = 0): number {
    const found = super.indexOf(search, from);
    this.reads += (found < 0 ? this.length : found) - from + 1;
    return found;
  }

  override lastIndexOf(search: string, from = this.length): number {
    const found = super.lastIndexOf(search, from);
    this.reads += from - found + 1;
    return found;
  }
}

/** How often a scan reads each character, on average. */
function readsPerCharacter(text: string): number {
  const counted = new CountedText(text);
  scanText(counted as unknown as string, true);
  return counted.reads / text.length;
}

const BEGINNINGS = [
  'password',
  'key',
  'Cookie: a=b\n',
  'stripe',
  'ghp_',
  'SK',
  'eyJ',
  'Bearer ',
  '://',
  '-us',
  'openssl',
  'identified by',
  '-----BEGIN PRIVATE KEY-----',
];
const BEHIND = ['', '=', ': ', '="', '\n', ':#@', ': |\n', ' \\\n', '%22', '&quot;', ' a '];
/** What reads the text anew from each of its places reads each character half as often as that. */
const LENGTH = 6_000;
/** A name's value is up to 4,096 long, a command's argument up to 1,000 away. */
const READS_MAX = 200;

describe('a scan', () => {
  it('reads each character of a hostile text only so often', () => {
    const reads = BEGINNINGS.flatMap((beginning) =>
      BEHIND.map((behind) => {
        const unit = beginning + behind;
        return { unit, count: readsPerCharacter(unit.repeat(Math.ceil(LENGTH / unit.length))) };
      }),
    );

    const worst = reads.toSorted((one, other) => other.count - one.count)[0];

    assert.ok((worst?.count ?? 0) < READS_MAX, JSON.stringify(worst));
  });
});
