import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openNpy } from '../../../src/data/npy.ts';
import { SelfgradError } from '../../../src/errors.ts';
import { damaged, npy, npyBytes, npyWith, numbers } from './arrayFiles.ts';
import { readAll, temporaryFolders } from './synthetic.ts';

const newFolder = temporaryFolders();

function folderWith(files: Record<string, Uint8Array | string>): string {
  const path = newFolder();
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);
  return path;
}

const labels = npy('<i8', [2], [1, 0]);
const pixels = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

/** What reading a train split must fail with; the folder is shortened to DIR. */
async function refusal(files: Record<string, Uint8Array>, options: object = {}): Promise<string> {
  const path = folderWith({ 'train_labels.npy': labels, ...files });
  const outcome = await openNpy({ path, ...options })
    .then(readAll)
    .catch((error: unknown) => error);
  if (!(outcome instanceof SelfgradError)) throw new Error(`not refused: ${outcome}`);
  return `${outcome.code} ${outcome.message.replaceAll(path, 'DIR')}`;
}

const shapeAndOrder = fc.record({
  count: fc.integer({ min: 1, max: 12 }),
  height: fc.integer({ min: 1, max: 5 }),
  width: fc.integer({ min: 1, max: 5 }),
  channels: fc.integer({ min: 1, max: 4 }),
  layout: fc.constantFrom('nchw', 'nhwc'),
  floats: fc.constantFrom(null, '<f4', '<f8'),
  labelType: fc.constantFrom('|u1', '|i1', '<u2', '<i2', '<u4', '<i4', '<u8', '<i8'),
});

test('reads back what was written, in every type and order', async () => {
  await fc.assert(
    fc.asyncProperty(shapeAndOrder, fc.infiniteStream(fc.nat(255)), async (set, stream) => {
      const { count, height, width, channels, layout, floats, labelType } = set;
      const nchw = [...stream.take(count * channels * height * width)];
      const stored = [...nchw];
      const plane = height * width;
      if (layout === 'nhwc') {
        for (const [i, pixel] of nchw.entries()) {
          const image = Math.floor(i / (plane * channels));
          const channel = Math.floor(i / plane) % channels;
          stored[image * plane * channels + (i % plane) * channels + channel] = pixel;
        }
      }
      const shape = layout === 'nchw' ? [count, channels, height, width] : [count, height, width, channels];
      const wanted = [...stream.take(count)].map((byte) => byte % 10);
      const path = folderWith({
        'train_images.npy': npy(floats ?? '|u1', shape, floats ? stored.map((byte) => byte / 255) : stored),
        'train_labels.npy': npy(labelType, [count], wanted),
        'classes.txt': '0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n',
      });
      const source = await openNpy({ path, layout: layout as 'nchw' });
      expect([source.channels, source.height, source.width]).toEqual([channels, height, width]);
      expect(source.note).toBe(floats ? 'floats rounded to 256 levels' : null);
      expect(await readAll(source)).toEqual({
        images: nchw,
        labels: wanted,
        indices: wanted.map((_, i) => i),
      });
    }),
    { numRuns: 60 },
  );
});

test('big-endian numbers, half floats, versions 2 and 3, labels in a column', async () => {
  const half = Buffer.from([0, 0x3c, 0, 0x38, 0, 0, 1, 0]); // 1, 0.5, 0, 2^-24
  const column = Buffer.from([0, 1, 0, 0]); // 1, 0 as >i2
  for (const version of [1, 2, 3]) {
    const path = folderWith({
      'train_images.npy': npyWith(
        "{'shape': (2, 1, 2), 'fortran_order': False, 'descr': '<f2'}",
        half,
        version,
      ),
      'train_labels.npy': npyBytes('>i2', [2, 1], column),
    });
    expect(await readAll(await openNpy({ path }))).toEqual({
      images: [255, 128, 0, 0],
      labels: [1, 0],
      indices: [0, 1],
    });
  }
});

test('channels are found by 1 or 3; large sets come in several batches, twice alike', async () => {
  const count = 3;
  const bytes = new Uint8Array(count * 3 * 500 * 500).map((_, i) => i % 251);
  const path = folderWith({
    'train_images.npy': npyBytes('|u1', [count, 3, 500, 500], bytes),
    'train_labels.npy': npy('|u1', [count], [0, 1, 0]),
  });
  const source = await openNpy({ path });
  for (let round = 0; round < 2; round++) {
    const batches = [];
    for await (const { images } of source) batches.push(images);
    expect(batches.length).toBe(3);
    expect(Buffer.concat(batches).equals(bytes)).toBe(true);
  }
});

test('classes are counted over both splits, or named by classes.txt; names may be given', async () => {
  const path = folderWith({
    'x_train.npy': npy('|u1', [2, 2, 3], pixels),
    'y_train.npy': labels,
    'x_test.npy': npy('|u1', [1, 2, 3], pixels.slice(6)),
    'y_test.npy': npy('<i4', [1], [4]),
  });
  const names = { path, images: 'x_{split}', labels: 'y_{split}' };
  expect((await openNpy(names)).classes).toEqual(['0', '1', '2', '3', '4']);
  const source = await openNpy({ ...names, split: 'test' });
  expect([source.count, source.channels, source.height, source.width]).toEqual([1, 1, 2, 3]);
  expect((await readAll(source)).labels).toEqual([4]);
  writeFileSync(join(path, 'classes.txt'), 'cat\ndog\n');
  expect((await openNpy(names)).classes).toEqual(['cat', 'dog']);
  await expect(openNpy({ ...names, split: 'test' }).then(readAll)).rejects.toMatchObject({
    code: 'ERR_LABEL',
  });
});

const whole = 'Check that the file is a whole .npy array of numbers.';
const again = 'The file is damaged: download or copy it again.';
const images = (content: Uint8Array) => ({ 'train_images.npy': content });
const headed = (header: string) => images(npyWith(header, Buffer.alloc(12)));

test.each<[string, Record<string, Uint8Array>, string, object?]>([
  [
    'another format',
    images(Buffer.from('not an array')),
    `ERR_DATA Expected the magic number 934e554d5059 and version 1.0, 2.0 or 3.0 in the header of DIR/train_images.npy but received 6e6f7420616e2061. ${whole}`,
  ],
  [
    'Fortran order',
    images(npyBytes('|u1', [2, 2, 3], Uint8Array.from(pixels), 'True')),
    'ERR_DATA Expected C order in the header of DIR/train_images.npy but received Fortran order. Save numpy.ascontiguousarray(array).',
  ],
  [
    'a header of a megabyte',
    images(npyWith(`{${' '.repeat(2 ** 20)}}`, Buffer.alloc(0), 2)),
    `ERR_DATA Expected a header of at most 10000 bytes in the header of DIR/train_images.npy but received 1048628. ${whole}`,
  ],
  [
    'a pickled object',
    headed("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }"),
    `ERR_DATA Expected integers or floats in the header of DIR/train_images.npy but received the type |O. ${whole}`,
  ],
  [
    'code instead of a dictionary',
    headed("{'descr': exit(), 'fortran_order': False, 'shape': (2,), }"),
    `ERR_DATA Expected a dictionary of descr, fortran_order and shape in the header of DIR/train_images.npy but received "{'descr': exit(), 'fortran_order': False, 'shape': (2,), }". ${whole}`,
  ],
  [
    'a shape that overflows',
    headed("{'descr': '|u1', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4294967296), }"),
    `ERR_DATA Expected a shape of less than 2^53 bytes in the header of DIR/train_images.npy but received (4294967296, 4294967296, 4294967296). ${whole}`,
  ],
  [
    'a shape beyond the data',
    headed("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 1000, 1000), }"),
    `ERR_DATA Expected 2000128 bytes (a header and an array of 2×1000×1000) for DIR/train_images.npy but received 140 bytes. ${again}`,
  ],
  [
    'images of integers',
    images(npy('<i8', [2, 1, 1], [1, 2])),
    'ERR_DATA Expected images of uint8 or float and of shape N×H×W, N×C×H×W or N×H×W×C for train_images of DIR but received int64 of shape 2×1×1. Give the name of the images as data.images, or save them so.',
  ],
  [
    'images without height',
    images(npy('|u1', [2, 0, 1], [])),
    'ERR_DATA Expected images of uint8 or float and of shape N×H×W, N×C×H×W or N×H×W×C for train_images of DIR but received uint8 of shape 2×0×1. Give the name of the images as data.images, or save them so.',
  ],
  [
    'an order that cannot be told',
    images(npy('|u1', [2, 1, 2, 3], pixels)),
    'ERR_DATA Expected one dimension of 1 or 3 channels, second or last, for train_images of DIR but received uint8 of shape 2×1×2×3. Set data.layout to nchw or nhwc.',
  ],
  [
    'floats beyond 1',
    images(npy('<f4', [2, 1, 2], [0, 1, 0.5, 255])),
    'ERR_PIXELS Expected pixels in [0, 1] for train_images of DIR but received 255 in image 1 (value 3). Divide bytes by 255 and leave normalisation to the model: its first layer does it.',
  ],
  [
    'a pixel that is no number',
    images(npy('<f8', [2, 1, 1], [0, Number.NaN])),
    'ERR_PIXELS Expected pixels in [0, 1] for train_images of DIR but received NaN in image 1 (value 1). Divide bytes by 255 and leave normalisation to the model: its first layer does it.',
  ],
  [
    'another number of labels',
    images(npy('|u1', [3, 2, 2], pixels)),
    'ERR_DATA Expected 3 integers, one for each image, for train_labels of DIR but received int64 of shape 2. Give the name of the labels as data.labels.',
  ],
  [
    'labels of floats',
    { ...images(npy('|u1', [2, 2, 3], pixels)), 'train_labels.npy': npy('<f4', [2], [0, 1]) },
    'ERR_DATA Expected 2 integers, one for each image, for train_labels of DIR but received float32 of shape 2. Give the name of the labels as data.labels.',
  ],
  [
    'a negative label',
    { ...images(npy('|u1', [2, 2, 3], pixels)), 'train_labels.npy': npy('<i4', [2], [0, -1]) },
    'ERR_LABEL Expected a label in 0…65535 at index 1 of train_labels of DIR but received -1. Count the classes from 0.',
  ],
  [
    'a missing array',
    images(npy('|u1', [2, 2, 3], pixels)),
    'ERR_DATA Expected the array train_image in DIR but received train_images, train_labels. Did you mean train_images?',
    { images: '{split}_image' },
  ],
])('%s is refused', async (_, files, message, options) => {
  expect(await refusal(files, options)).toBe(message);
});

test('more labels than memory should hold are refused', async () => {
  const path = folderWith({ 'train_images.npy': npy('|u1', [2, 2, 3], pixels), 'train_labels.npy': labels });
  const many = npyBytes('|u1', [2 ** 26 + 1], new Uint8Array(0));
  writeFileSync(join(path, 'test_labels.npy'), many);
  truncateSync(join(path, 'test_labels.npy'), many.length + 2 ** 26 + 1);
  await expect(openNpy({ path })).rejects.toThrow(
    `Expected at most 67108864 labels for test_labels of ${path} but received 67108865. Split the set.`,
  );
});

test('a missing folder is named, and a folder in place of a file', async () => {
  await expect(openNpy({ path: '/nowhere' })).rejects.toThrow(
    'Expected a readable folder of .npy files at /nowhere but received nothing there (ENOENT).',
  );
  const path = folderWith({ 'train_labels.npy': labels });
  mkdirSync(join(path, 'train_images.npy'));
  await expect(openNpy({ path })).rejects.toThrow('but received a directory (EISDIR)');
});

test('random damage is refused or changes values only, never the rest', async () => {
  const contents = { 'train_images.npy': npy('|u1', [2, 2, 3], pixels), 'train_labels.npy': labels };
  const names = Object.keys(contents) as (keyof typeof contents)[];
  const path = folderWith(contents);
  const damage = fc
    .constantFrom(...names)
    .chain((name) => fc.tuple(fc.constant(name), damaged(contents[name], 4)));
  await fc.assert(
    fc.asyncProperty(damage, async ([name, written]) => {
      writeFileSync(join(path, name), written);
      const outcome = await openNpy({ path })
        .then(readAll)
        .catch((error: unknown) => error);
      writeFileSync(join(path, name), contents[name]);
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(SelfgradError);
      else {
        // What was read is what the file holds: the format has no sums.
        expect(written.length).toBe(contents[name].length);
        expect((outcome as { labels: number[] }).labels.length).toBe(2);
      }
    }),
    { numRuns: 300 },
  );
});

test('numbers of the test are those of NumPy', () => {
  expect([...numbers('<i8', [258])]).toEqual([2, 1, 0, 0, 0, 0, 0, 0]);
});
