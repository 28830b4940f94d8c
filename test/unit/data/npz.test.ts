import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openNpz } from '../../../src/data/npz.ts';
import { SelfgradError } from '../../../src/errors.ts';
import { damaged, npy, npyBytes, zipBytes } from './arrayFiles.ts';
import { readAll, temporaryFolders } from './synthetic.ts';

const newFolder = temporaryFolders();

const pixels = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
const images = npy('|u1', [2, 2, 3], pixels);
const labels = npy('<i8', [2], [1, 0]);
const arrays = [
  ['images.npy', images],
  ['labels.npy', labels],
] as const;
const content = { images: pixels, labels: [1, 0], indices: [0, 1] };

function archive(bytes: Uint8Array, name = 'train.npz'): string {
  const path = newFolder();
  writeFileSync(join(path, name), bytes);
  return path;
}

async function refusal(bytes: Uint8Array, options: object = {}): Promise<string> {
  const path = join(archive(bytes), 'train.npz');
  const outcome = await openNpz({ path, ...options })
    .then(readAll)
    .catch((error: unknown) => error);
  if (!(outcome instanceof SelfgradError)) throw new Error(`not refused: ${outcome}`);
  return `${outcome.code} ${outcome.message.replaceAll(path, 'FILE')}`;
}

test('reads what NumPy writes', async () => {
  // x = numpy.array([[[0, 1], [2, 255]], [[51, 102], [153, 204]]]); numpy.savez_compressed(
  //   'train.npz', images=(x / 255).astype('float16'), labels=numpy.array([[1], [0]]))
  const written =
    'UEsDBC0AAAAIAAAAIQApdzkk//////////8KABQAaW1hZ2VzLm5weQEAEACQAAAAAAAAAFYAAAAAAAAAm+wX6hsQychQxlCtnpJanFykbqWgbpNmpK6joJ6WX1RSlJgXn1+UkgoSd0vMKU4FihdnJBakAvkaRjoKIKSpo1CrQB7gYmBgkWFRYADamGZ21iLNCgBQSwMELQAAAAgAAAAhAIlupbr//////////woAFABsYWJlbHMubnB5AQAQAJAAAAAAAAAASgAAAAAAAACb7BfqGxDJyFDGUK2eklqcXKRupaBuk2mhrqOgnpZfVFKUmBefX5SSChJ3S8wpTgWKF2ckFqQC+RpGOgqGmjoKtQpkAy5GBlQAAFBLAQItAy0AAAAIAAAAIQApdzkkVgAAAJAAAAAKAAAAAAAAAAAAAACAAQAAAABpbWFnZXMubnB5UEsBAi0DLQAAAAgAAAAhAIlupbpKAAAAkAAAAAoAAAAAAAAAAAAAAIABkgAAAGxhYmVscy5ucHlQSwUGAAAAAAIAAgBwAAAAGAEAAAAA';
  const source = await openNpz({ path: archive(Buffer.from(written, 'base64')) });
  expect([source.count, source.channels, source.height, source.width, source.classes, source.note]).toEqual([
    2,
    1,
    2,
    2,
    ['0', '1'],
    'floats rounded to 256 levels',
  ]);
  expect(await readAll(source)).toEqual({
    images: [0, 1, 2, 255, 51, 102, 153, 204],
    labels: [1, 0],
    indices: [0, 1],
  });
});

test.each([true, false])('reads back what was written, twice alike (deflated: %s)', async (deflate) => {
  const source = await openNpz({ path: archive(zipBytes(arrays, deflate)) });
  for (let round = 0; round < 2; round++) expect(await readAll(source)).toEqual(content);
});

test('one file may serve both splits, and says so where the arrays are the same', async () => {
  const both = archive(
    zipBytes([
      ['x_train.npy', images],
      ['y_train.npy', labels],
      ['x_test.npy', npy('|u1', [1, 2, 3], pixels.slice(6))],
      ['y_test.npy', npy('|u1', [1], [2])],
    ]),
    'mnist.npz',
  );
  const options = { path: join(both, 'mnist.npz'), images: 'x_{split}', labels: 'y_{split}' };
  const train = await openNpz(options);
  expect([train.count, train.classes, train.note]).toEqual([2, ['0', '1', '2'], null]);
  expect((await readAll(await openNpz({ ...options, split: 'test' }))).labels).toEqual([2]);
  const path = join(archive(zipBytes(arrays)), 'train.npz');
  for (const split of ['train', 'test'] as const) {
    const source = await openNpz({ path, split });
    expect([source.count, source.note]).toEqual([2, 'one file: both splits are the same images']);
  }
});

test('a large entry comes in several batches; a reader that stops early leaves nothing behind', async () => {
  const bytes = new Uint8Array(3 * 3 * 600 * 600).map((_, i) => i % 251);
  const large = npyBytes('|u1', [3, 600, 600, 3], bytes);
  const source = await openNpz({
    path: archive(
      zipBytes([
        ['images.npy', large],
        ['labels.npy', npy('|u1', [3], [0, 1, 0])],
      ]),
    ),
  });
  const sizes = [];
  for await (const batch of source) sizes.push(batch.labels.length);
  expect(sizes).toEqual([1, 1, 1]);
  for await (const batch of source) {
    expect([batch.images[0], batch.images[1]]).toEqual([bytes[0], bytes[3]]);
    break;
  }
});

test.each<[string, Uint8Array, string, object?]>([
  [
    'no archive',
    Buffer.from('not a zip archive at all'),
    'ERR_DATA Expected a whole .npz archive in FILE but received "End of central directory record signature not found. Either not a zip file, or file is truncated.". Save it again by numpy.savez or numpy.savez_compressed.',
  ],
  [
    'an archive without the array',
    zipBytes(arrays),
    'ERR_DATA Expected the array x_train in FILE but received images, labels. Name the arrays with data.images and data.labels.',
    { images: 'x_train' },
  ],
  [
    'two entries of one name',
    zipBytes([...arrays, ['images.npy', labels]]),
    'ERR_DATA Expected a whole .npz archive in FILE but received "two entries images.npy". Save it again by numpy.savez or numpy.savez_compressed.',
  ],
  [
    'a thousand entries and more',
    zipBytes(Array.from({ length: 1001 }, (_, i) => [`${i}.npy`, labels] as const)),
    'ERR_DATA Expected a whole .npz archive in FILE but received "1001 entries". Save it again by numpy.savez or numpy.savez_compressed.',
  ],
  [
    'a header beyond the entry',
    zipBytes([['images.npy', npyBytes('|u1', [2, 1000, 1000], Buffer.alloc(12))], arrays[1]]),
    'ERR_DATA Expected 2000128 bytes (a header and an array of 2×1000×1000) for images.npy of FILE but received 140 bytes. The file is damaged: download or copy it again.',
  ],
])('%s is refused', async (_, bytes, message, options) => {
  expect(await refusal(bytes, options)).toBe(message);
});

test('sizes that deflate cannot reach, and data of another sum, are refused', async () => {
  const huge = zipBytes(arrays);
  const listed = huge.indexOf('PK\x01\x02');
  huge.writeUInt32LE(0xfffffff0, listed + 24);
  expect(await refusal(huge)).toMatch(/^ERR_DATA .+ received "4294967280 bytes of images\.npy out of \d+"/);
  const stored = zipBytes(arrays, false);
  stored[stored.indexOf(Uint8Array.from(pixels))]! ^= 1;
  expect(await refusal(stored)).toBe(
    'ERR_DATA Expected valid zip data in images.npy of FILE but received "another CRC-32" beyond offset 140 of its content. The file is damaged: download or copy it again.',
  );
});

test('a folder without the split is refused', async () => {
  const path = archive(zipBytes(arrays));
  await expect(openNpz({ path, split: 'test' })).rejects.toThrow(
    `Expected a file of the test split in ${path} but received none.`,
  );
  await expect(openNpz({ path: join(path, 'gone') })).rejects.toThrow(
    `Expected a .npz file or a folder at ${join(path, 'gone')} but received nothing there (ENOENT).`,
  );
});

test.each([true, false])(
  'random damage is refused or harmless, never silent (deflated: %s)',
  async (deflate) => {
    const whole = zipBytes(arrays, deflate);
    const path = archive(whole);
    await fc.assert(
      fc.asyncProperty(damaged(whole), async (written) => {
        writeFileSync(join(path, 'train.npz'), written);
        const outcome = await openNpz({ path })
          .then(readAll)
          .catch((error: unknown) => error);
        if (outcome instanceof Error) expect(outcome).toBeInstanceOf(SelfgradError);
        else expect(outcome).toEqual(content);
      }),
      { numRuns: 300 },
    );
  },
);
