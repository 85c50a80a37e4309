import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { ADVICE, LASTING, TEXT_CAUSES } from './catalogue.ts';
import { PLAIN_CAUSES, plainCause } from './plain-causes.ts';

/** Causes as the page on the diagnosis lists them: the rules have no list of their own. */
async function documentedCauses(): Promise<string[]> {
  const page = await readFile(new URL('../../../docs/diagnosis.md', import.meta.url), 'utf8');
  const table = page.slice(page.indexOf('| From | Causes |'), page.indexOf('The texts are data'));
  return [...table.matchAll(/`(?<cause>[A-Z][A-Za-z]+)`/g)].map(
    ({ groups }) => groups?.['cause'] ?? '',
  );
}

describe('plain causes', () => {
  it('exist for every cause that the rules, the texts and the advice know', async () => {
    const causes = [
      ...(await documentedCauses()),
      ...TEXT_CAUSES.map(({ cause }) => cause),
      ...Object.keys(ADVICE),
      ...LASTING,
    ];

    assert.ok(causes.length > 100, `${causes.length} causes`);
    assert.deepEqual(
      causes.filter((cause) => plainCause(cause) === undefined),
      [],
    );
  });

  it('speak to people who are no engineers', () => {
    const jargon =
      /\b(?:containers?|docker|kernel|cgroups?|sigkill|exit code|oom|pids?|dns|tls|stderr|throttled)\b/i;

    for (const words of Object.values(PLAIN_CAUSES)) assert.doesNotMatch(words, jargon);
  });

  it('are no answer to a name that every object has', () => {
    assert.equal(plainCause('constructor'), undefined);
  });
});
