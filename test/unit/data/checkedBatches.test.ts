import { expect, test } from 'vitest';
import type { Source } from '../../../src/data/source.ts';
import { memorySource, readAll } from './synthetic.ts';

const good = { images: [1, 2, 3, 4], labels: [0, 2] };

test('passes on what is right', async () => {
  expect(await readAll(memorySource({}, [good, good]))).toEqual({
    images: [1, 2, 3, 4, 1, 2, 3, 4],
    labels: [0, 2, 0, 2],
    indices: [0, 1, 2, 3],
  });
});

const wrong: [string, Source, string, string][] = [
  [
    'no images',
    memorySource({}, []),
    'ERR_DATA',
    'Expected at least one image for the train set of memory but received 0. Check that data.path points at the right data.',
  ],
  [
    'a height of 0',
    memorySource({ height: 0 }, [good]),
    'ERR_DATA',
    'Expected a positive integer for height of the train set of memory but received 0.',
  ],
  [
    'one class',
    memorySource({ classes: ['a'] }, [good]),
    'ERR_DATA',
    'Expected at least 2 classes for the train set of memory but received 1.',
  ],
  [
    'missing pixels',
    memorySource({}, [{ images: [1, 2, 3], labels: [0, 1] }]),
    'ERR_DATA',
    'Expected 4 bytes (2 images of 1×1×2) and 2 indices for a batch of the train set of memory but received 3 bytes and 2 indices.',
  ],
  [
    'missing indices',
    memorySource({}, [{ ...good, indices: [0] }]),
    'ERR_DATA',
    'Expected 4 bytes (2 images of 1×1×2) and 2 indices for a batch of the train set of memory but received 4 bytes and 1 indices.',
  ],
  [
    'a label beyond the classes',
    memorySource({ split: 'test' }, [good, { images: [1, 2, 3, 4], labels: [1, 3] }]),
    'ERR_LABEL',
    'Label 3 at index 3 of the test set of memory is outside 0…2 (3 classes). Correct the label or name every class.',
  ],
  [
    'a negative label',
    memorySource({}, [{ images: [1, 2], labels: [-1] }]),
    'ERR_LABEL',
    'Label -1 at index 0 of the train set of memory is outside 0…2 (3 classes). Correct the label or name every class.',
  ],
  [
    'fewer images than announced',
    memorySource({ count: 5 }, [good]),
    'ERR_DATA',
    'Expected 5 images for the train set of memory but received 2. The data changed while it was read, or the source miscounts.',
  ],
  [
    'more images than announced',
    memorySource({ count: 3 }, [good, good]),
    'ERR_DATA',
    'Expected 3 images for the train set of memory but received more. The data changed while it was read, or the source miscounts.',
  ],
];

test.each(wrong)('refuses %s', async (_, source, code, message) => {
  await expect(readAll(source)).rejects.toMatchObject({ code, message });
});
