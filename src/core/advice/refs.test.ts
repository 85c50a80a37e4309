import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Refs } from './refs.ts';

it('refs name things by number, and a model’s words get the names back', () => {
  const refs = new Refs();

  const names = [
    refs.of('box/shop/web/1', 'shop-web-1'),
    refs.of('box/db'),
    refs.of('box/shop/web/1'),
  ];

  assert.deepEqual(names, ['c1', 'c2', 'c1']);
  assert.equal(
    refs.hidden('shop-web-1 waits for box/db, shop-web-10 and my-shop-web-1 do not'),
    'c1 waits for c2, shop-web-10 and my-shop-web-1 do not',
  );
  assert.equal(
    refs.named('c1 waits for c2, c3 and ec2 do not; c10'),
    'shop-web-1 waits for box/db, c3 and ec2 do not; c10',
  );
});
