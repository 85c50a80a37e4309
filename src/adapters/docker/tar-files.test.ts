import assert from 'node:assert/strict';
import { buffer } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { pack } from 'tar-stream';
import { runs } from '../../../test/support/fuzz.ts';
import { filesInTar, type TarFiles } from './tar-files.ts';

const LIMITS = { filesMax: 3, bytesMax: 8_192 };

async function aTar(fill: (tar: ReturnType<typeof pack>) => void): Promise<Buffer> {
  const tar = pack();
  fill(tar);
  tar.finalize();
  return buffer(tar as unknown as NodeJS.ReadableStream);
}

const HOSTILE = await aTar((tar) => {
  tar.entry({ name: 's', type: 'directory' });
  tar.entry({ name: 's/a' }, 'alpha');
  tar.entry({ name: 's/shadow', type: 'symlink', linkname: '/etc/shadow' });
  tar.entry({ name: 's/hard', type: 'link', linkname: '/etc/shadow' });
  tar.entry({ name: 's/pipe', type: 'fifo' });
  tar.entry({ name: 's/huge' }, Buffer.alloc(8_193, 'x'));
  tar.entry({ name: 's/b' }, 'beta');
});

function told({ found, isWhole }: TarFiles) {
  return { isWhole, files: found.map(({ name, bytes }) => `${name}: ${bytes.toString()}`) };
}

describe('the files of an archive', () => {
  it('are the plain ones that are small enough', async () => {
    const files = await filesInTar(HOSTILE, LIMITS);

    assert.deepEqual(told(files), { isWhole: false, files: ['s/a: alpha', 's/b: beta'] });
  });

  it('are whole when nothing was left out but what is no file', async () => {
    const tar = await aTar((out) => {
      out.entry({ name: 's', type: 'directory' });
      out.entry({ name: 's/a' }, 'alpha');
    });

    assert.deepEqual(told(await filesInTar(tar, LIMITS)), { isWhole: true, files: ['s/a: alpha'] });
  });

  it('are no more than are wanted', async () => {
    const tar = await aTar((out) => {
      for (let index = 0; index < 20; index += 1) out.entry({ name: `${index}` }, 'x');
    });

    const files = await filesInTar(tar, LIMITS);

    assert.deepEqual(told(files), { isWhole: false, files: ['0: x', '1: x', '2: x'] });
  });

  it('are those before the end of one that breaks off, wherever it does', async () => {
    for (let length = 0; length < HOSTILE.length; length += 128) {
      const { found } = await filesInTar(HOSTILE.subarray(0, length), LIMITS);

      const expected = ['alpha', 'beta'].slice(0, found.length);
      assert.deepEqual(
        found.map(({ bytes }) => bytes.toString()),
        expected,
      );
    }
  });

  it('end, whatever an archive consists of', async () => {
    const damage = fc.array(fc.tuple(fc.nat(HOSTILE.length - 1), fc.nat(255)), { maxLength: 8 });
    const ends = fc.asyncProperty(damage, async (changes) => {
      const tar = Buffer.from(HOSTILE);
      for (const [at, byte] of changes) tar[at] = byte;

      const { found } = await filesInTar(tar, LIMITS);

      return found.length <= 3 && found.every(({ bytes }) => bytes.length <= 8_192);
    });

    await fc.assert(ends, runs(200));
  });
});
