import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { DataHash } from '../../../src/data/dataHash.ts';
import type { Source } from '../../../src/data/source.ts';
import { memorySource } from './synthetic.ts';

async function hashOf(source: Source): Promise<string> {
  const hash = new DataHash();
  for await (const batch of source) hash.add(batch);
  return hash.digest(source);
}

const whole = [{ images: [1, 2, 3, 4, 5, 6], labels: [0, 2, 1] }];

test('follows its definition', async () => {
  const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();
  const labels = Buffer.from([0, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0]);
  const expected = Buffer.concat([
    Buffer.from('3,1,1,2,3'),
    sha256(Uint8Array.of(1, 2, 3, 4, 5, 6)),
    sha256(labels),
  ]);
  expect(await hashOf(memorySource({}, whole))).toBe(sha256(expected).toString('hex'));
});

test('does not depend on batches, and depends on pixels, labels, shape and classes', async () => {
  const reference = await hashOf(memorySource({}, whole));
  const cut = [
    { images: [1, 2], labels: [0] },
    { images: [3, 4, 5, 6], labels: [2, 1] },
  ];
  expect(await hashOf(memorySource({}, cut))).toBe(reference);
  const others = [
    memorySource({}, [{ images: [1, 2, 3, 4, 5, 7], labels: [0, 2, 1] }]),
    memorySource({}, [{ images: [1, 2, 3, 4, 5, 6], labels: [0, 1, 2] }]),
    memorySource({ height: 2, width: 1 }, whole),
    memorySource({ classes: ['a', 'b', 'c', 'd'] }, whole),
  ];
  const hashes = await Promise.all(others.map(hashOf));
  expect(new Set([reference, ...hashes]).size).toBe(5);
});
