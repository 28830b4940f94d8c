import fc from 'fast-check';
import { expect, test } from 'vitest';
import { takeFirst } from '../../../src/data/takeFirst.ts';
import { memorySource, readAll } from './synthetic.ts';

test('gives the beginning of the whole, however it is cut into batches', async () => {
  const batchSizes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(batchSizes, fc.nat(), async (sizes, any) => {
      let pixel = 0;
      const batches = sizes.map((size) => ({
        images: Array.from({ length: 2 * size }, () => pixel++),
        labels: Array.from({ length: size }, (_, i) => i % 3),
      }));
      const source = memorySource({}, batches);
      const limit = 1 + (any % source.count);
      const all = await readAll(source);
      expect(await readAll(takeFirst(source, limit))).toEqual({
        images: all.images.slice(0, 2 * limit),
        labels: all.labels.slice(0, limit),
        indices: all.indices.slice(0, limit),
      });
    }),
  );
});

test('does not read on when it has enough', async () => {
  let read = 0;
  const source = memorySource({ count: 4 }, []);
  const counting = {
    ...source,
    async *[Symbol.asyncIterator]() {
      for (; read < 4; read++)
        yield { images: Uint8Array.of(1, 2), labels: Int32Array.of(0), indices: Int32Array.of(read) };
    },
  };
  await readAll(takeFirst(counting, 2));
  expect(read).toBe(1);
});
