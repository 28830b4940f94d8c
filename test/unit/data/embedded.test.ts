import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { checkedBatches } from '../../../src/data/checkedBatches.ts';
import { DataHash } from '../../../src/data/dataHash.ts';
import { openEmbedded } from '../../../src/data/embedded.ts';
import { packageRoot } from '../../../src/native/packageRoot.ts';

const folder = join(packageRoot, 'assets', 'fashion-mnist');

test.each([
  ['train', 10_000, '63dae6e6a6539137338a6c2837d3e5aa626b795771d11943ebfb05bfdd7961ab'],
  ['test', 2_000, '7c585f58ca952c27a84794cfa05630a8f120a07b12eee75d2ab015e1cdd50133'],
] as const)('%s: counts, balance and pixels are those of the draw', async (split, count, sha256) => {
  const source = await openEmbedded({ split });
  expect([source.name, source.count, source.channels, source.height, source.width]).toEqual([
    'fashion-mnist-mini',
    count,
    1,
    28,
    28,
  ]);
  const hash = new DataHash();
  const counts = new Array<number>(10).fill(0);
  const firstTenth = new Array<number>(10).fill(0);
  for await (const batch of checkedBatches(source)) {
    hash.add(batch);
    for (const [i, label] of batch.labels.entries()) {
      counts[label]!++;
      if (batch.indices[i]! < count / 10) firstTenth[label]!++;
    }
  }
  expect(counts).toEqual(new Array(10).fill(count / 10));
  // The order is shuffled: its beginning holds every class.
  expect(Math.min(...firstTenth)).toBeGreaterThan(count / 200);
  expect(hash.digest(source)).toBe(sha256);
});

test('the classes are those of Fashion-MNIST', async () => {
  expect((await openEmbedded()).classes).toEqual([
    'T-shirt/top',
    'Trouser',
    'Pullover',
    'Dress',
    'Coat',
    'Sandal',
    'Shirt',
    'Sneaker',
    'Bag',
    'Ankle boot',
  ]);
});

test('the README gives the SHA-256 of each file', () => {
  const rows = [
    ...readFileSync(join(folder, 'README.md'), 'utf8').matchAll(/^\| (\S+-ubyte) \| `([0-9a-f]{64})` \|$/gm),
  ];
  expect(rows).toHaveLength(4);
  for (const [, name, sha256] of rows) {
    const content = gunzipSync(readFileSync(join(folder, `${name}.gz`)));
    expect(createHash('sha256').update(content).digest('hex')).toBe(sha256);
  }
});
