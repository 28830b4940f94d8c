import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ImageDigests } from '../../../src/data/duplicates.ts';

const batch = (images: number[][], labels: number[], first = 0) => ({
  images: Uint8Array.from(images.flat()),
  labels: Int32Array.from(labels),
  indices: Int32Array.from(labels, (_, i) => first + i),
});

test('counts images that equal an earlier one, over batches, and labels that disagree', () => {
  const digests = new ImageDigests();
  digests.add(
    batch(
      [
        [1, 2],
        [3, 4],
        [1, 2],
      ],
      [0, 1, 0],
    ),
  );
  digests.add(
    batch(
      [
        [3, 4],
        [2, 1],
      ],
      [2, 0],
      3,
    ),
  );
  expect(digests.duplicates).toEqual({
    count: 2,
    conflicting: 1,
    examples: [
      [0, 2],
      [1, 3],
    ],
  });
});

test('images of the later set that the earlier one holds count once each', () => {
  const [train, test] = [new ImageDigests(), new ImageDigests()];
  train.add(batch([[1], [1], [2], [3]], [0, 0, 1, 1]));
  test.add(batch([[3], [1], [1], [9]], [0, 0, 0, 0]));
  expect(train.sharedWith(test)).toEqual({
    count: 2,
    conflicting: 1,
    examples: [
      [3, 0],
      [0, 1],
    ],
  });
});

test('the counts are those of comparing every pair', () => {
  const set = fc.array(fc.tuple(fc.nat(3), fc.nat(1)), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(set, (images) => {
      const digests = new ImageDigests();
      digests.add(
        batch(
          images.map(([pixel]) => [pixel]),
          images.map(([, label]) => label),
        ),
      );
      const firsts = images.map(([pixel]) => images.findIndex(([other]) => other === pixel));
      const later = firsts.filter((first, i) => first < i);
      const odd = firsts.filter((first, i) => first < i && images[first]?.[1] !== images[i]?.[1]);
      expect([digests.duplicates.count, digests.duplicates.conflicting]).toEqual([later.length, odd.length]);
    }),
  );
});
