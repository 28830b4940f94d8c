import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { parquetWriteBuffer } from 'hyparquet-writer';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { openParquet, type ParquetOptions } from '../../../src/data/parquet.ts';
import { SelfgradError } from '../../../src/errors.ts';
import { damaged } from './arrayFiles.ts';
import { readAll, temporaryFolders } from './synthetic.ts';

const newFolder = temporaryFolders();
const written = join(import.meta.dirname, 'parquet');

const png = (grey: number, width = 2) =>
  sharp({ create: { width, height: 1, channels: 3, background: { r: grey, g: grey, b: grey } } })
    .png()
    .toBuffer();
const pictures = await Promise.all([10, 20, 30].map((grey) => png(grey)));

const huggingface = (label: string, names: string[]) => [
  {
    key: 'huggingface',
    value: JSON.stringify({ info: { features: { [label]: { names, _type: 'ClassLabel' } } } }),
  },
];

interface Table {
  images?: (Uint8Array | null)[];
  labels?: (number | null)[] | string[];
  names?: [image: string, label: string];
  kvMetadata?: { key: string; value: string }[];
  /** More of hyparquet-writer's. */
  options?: object;
}

/** One Parquet file with a flat column of images. */
function table({
  images = pictures,
  labels = [1, 0, 1],
  names: [image, label] = ['image', 'label'],
  kvMetadata = huggingface('label', ['cat', 'dog']),
  options = {},
}: Table = {}): Buffer {
  const type = typeof labels[0] === 'string' ? 'STRING' : 'INT32';
  const buffer = parquetWriteBuffer({
    columnData: [
      { name: image, data: images, type: 'BYTE_ARRAY', encoding: 'PLAIN' },
      { name: label, data: labels, type, encoding: 'PLAIN' },
    ],
    kvMetadata,
    ...options,
  });
  return Buffer.from(buffer);
}

function folder(files: Record<string, Buffer>): string {
  const path = newFolder();
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(join(path, name, '..'), { recursive: true });
    writeFileSync(join(path, name), bytes);
  }
  return path;
}

async function refusal(path: string, options: Omit<ParquetOptions, 'path'> = {}): Promise<string> {
  const outcome = await openParquet({ path, ...options })
    .then(readAll)
    .catch((error: unknown) => error);
  if (!(outcome instanceof SelfgradError)) throw new Error(`not refused: ${outcome}`);
  return `${outcome.code} ${outcome.message.replaceAll(path, 'PATH')}`;
}

test('reads the shards that datasets writes: pairs of bytes and path, names of classes, order of rows', async () => {
  const source = await openParquet({ path: written });
  expect([source.count, source.channels, source.height, source.width, source.classes, source.note]).toEqual([
    6,
    3,
    2,
    3,
    ['cat', 'dog', 'owl'],
    null,
  ]);
  const colours = [0, 1, 2, 3, 4, 5].flatMap((i) => [40 * i, 255 - 40 * i, 7]);
  const images = colours.flatMap((level) => Array(6).fill(level));
  for (let round = 0; round < 2; round++) {
    expect(await readAll(source)).toEqual({
      images,
      labels: [0, 1, 2, 0, 1, 2],
      indices: [0, 1, 2, 3, 4, 5],
    });
  }
});

test('a shard that is missing is named', async () => {
  const path = newFolder();
  copyFileSync(join(written, 'train-00001-of-00002.parquet'), join(path, 'train-00001-of-00002.parquet'));
  expect(await refusal(path)).toBe(
    'ERR_DATA Expected 2 shards of the split train in PATH but received 1, without number 0. Download those that are missing.',
  );
});

test.each(['SNAPPY', 'UNCOMPRESSED'])(
  'codec %s, several groups and pages, columns by other names',
  async (codec) => {
    const images = Array.from({ length: 20 }, (_, i) => pictures[i % 3] as Buffer);
    const labels = images.map((_, i) => i % 2);
    const bytes = table({
      images,
      labels,
      names: ['img', 'fine_label'],
      kvMetadata: [],
      options: { codec, rowGroupSize: 7, pageSize: 200 },
    });
    const source = await openParquet({ path: folder({ 'data/train.parquet': bytes }), channels: 1 });
    expect([source.count, source.classes]).toEqual([20, ['0', '1']]);
    expect(await readAll(source)).toEqual({
      images: images.flatMap((_, i) => Array(2).fill(10 * ((i % 3) + 1))),
      labels,
      indices: labels.map((_, i) => i),
    });
  },
);

test('values by dictionary are those of the plain file', async () => {
  const images = Array.from({ length: 40 }, (_, i) => pictures[i % 3] as Buffer);
  const options = {
    columnData: [
      { name: 'image', data: images, type: 'BYTE_ARRAY', encoding: 'RLE_DICTIONARY' },
      { name: 'label', data: images.map((_, i) => BigInt(i % 2)), type: 'INT64', encoding: 'RLE_DICTIONARY' },
    ],
  };
  const path = folder({ 'train/0000.parquet': table({ options }) });
  const { labels, images: pixels } = await readAll(await openParquet({ path, channels: 1 }));
  expect(labels).toEqual(images.map((_, i) => i % 2));
  expect(pixels).toEqual(images.flatMap((_, i) => Array(2).fill(10 * ((i % 3) + 1))));
});

test('names of columns, sizes and channels can be given', async () => {
  const path = folder({
    'x.parquet': table({ names: ['photo', 'kind'], kvMetadata: huggingface('kind', ['a', 'b']) }),
  });
  const options = { images: 'photo', labels: 'kind', size: [2, 3], channels: 1 } as const;
  const source = await openParquet({ path: join(path, 'x.parquet'), ...options });
  expect([source.channels, source.height, source.width, source.classes]).toEqual([1, 2, 3, ['a', 'b']]);
  expect(source.note).toMatch(
    /^one file: both splits are the same images; resized to 2×3 by sharp .+ \(Lanczos\)$/,
  );
});

test('a validation split stands in for a missing test split, and the note says so', async () => {
  const path = folder({
    'train-00000-of-00001.parquet': table(),
    'validation-00000-of-00001.parquet': table({ labels: [0, 0, 1] }),
  });
  const source = await openParquet({ path, split: 'test' });
  expect([(await readAll(source)).labels, source.note]).toEqual([
    [0, 0, 1],
    'no test split: that called validation is used',
  ]);
});

test.each<[string, Table, string]>([
  [
    'other columns',
    { names: ['picture', 'label'] },
    'ERR_DATA Expected a column image or img of images (bytes) in FILE but received the columns picture, label. Name it with data.images.',
  ],
  [
    'labels that are text',
    { labels: ['a', 'b', 'a'] },
    'ERR_DATA Expected a column label or fine_label of labels (integers) in FILE but received the columns image, label. Name it with data.labels.',
  ],
  [
    'an image that is missing',
    { images: [pictures[0]!, null, pictures[2]!] },
    'ERR_DATA Expected the bytes of an image in row 1 of FILE but received null. Export the data set with its images embedded, or leave the row out.',
  ],
  [
    'a label that is missing',
    { labels: [0, 1, null] },
    'ERR_DATA Expected a label in row 2 of FILE but received null. Export the data set with its images embedded, or leave the row out.',
  ],
  [
    'bytes that are no image',
    { images: [pictures[0]!, Buffer.from('GIF89a'), pictures[2]!] },
    'ERR_DATA Expected a whole JPEG or PNG image in row 1 of FILE but received the bytes 47494638. Repair, replace or remove the file.',
  ],
  [
    'an image of another size',
    { images: [pictures[0]!, pictures[1]!, await png(0, 5)] },
    'ERR_DATA Expected an image of 1×2 (height×width, as the first) for row 2 of FILE but received 1×5. Choose one size for all, e.g. data.size=[64,64] (--size 64x64 for `selfgrad data`).',
  ],
  [
    'a label without a class',
    { labels: [0, 1, -1] },
    'ERR_LABEL Label -1 at index 2 of the train set of train is outside 0…1 (2 classes). Correct the label or name every class.',
  ],
  [
    'another codec',
    { options: { codec: 'LZ4_RAW', compressors: { LZ4_RAW: (bytes: Uint8Array) => bytes } } },
    'ERR_DATA Expected a whole Parquet file in FILE but received pages compressed by LZ4_RAW. Write it again with usual options, or download it again.',
  ],
])('%s: refused', async (_, content, message) => {
  const path = folder({ 'train/0.parquet': table(content) });
  const received = await refusal(path);
  expect(
    received.replaceAll('PATH/train/0.parquet', 'FILE').replace(/set of \S+ is/, 'set of train is'),
  ).toBe(message);
});

test('two files with other classes are refused', async () => {
  const path = folder({
    'train.parquet': table(),
    'test.parquet': table({ kvMetadata: huggingface('label', ['dog', 'cat']) }),
  });
  expect(await refusal(path)).toBe(
    'ERR_DATA Expected the classes of PATH/train.parquet in PATH/test.parquet but received dog, cat. Give files of one data set, or list the classes in classes.txt.',
  );
  writeFileSync(join(path, 'classes.txt'), 'x\ny\n');
  expect((await openParquet({ path })).classes).toEqual(['x', 'y']);
});

test('a file cut at any place, or empty, is refused in one sentence', async () => {
  const whole = readFileSync(join(written, 'train-00000-of-00002.parquet'));
  const path = newFolder();
  for (let length = 0; length < whole.length; length += 37) {
    writeFileSync(join(path, 'train.parquet'), whole.subarray(0, length));
    expect(await refusal(path)).toMatch(
      /^ERR_DATA Expected a whole Parquet file in PATH\/train\.parquet but received .+\.$/,
    );
  }
});

test('a footer that claims more than the file holds is refused', async () => {
  const whole = table();
  const claims = Buffer.from(whole);
  claims.writeUInt32LE(0x7fffffff, whole.length - 8);
  expect(await refusal(folder({ 'train.parquet': claims }))).toContain(
    'received a footer of 2147483647 bytes in a file of',
  );
  expect(await refusal(folder({ 'train.parquet': Buffer.from('PAR1 no parquet') }))).toContain(
    'another end than PAR1',
  );
});

test('random damage is refused or changes values only, never the process', async () => {
  const whole = readFileSync(join(written, 'train-00000-of-00002.parquet'));
  const path = newFolder();
  await fc.assert(
    fc.asyncProperty(damaged(whole), async (bytes) => {
      writeFileSync(join(path, 'train.parquet'), bytes);
      const outcome = await openParquet({ path })
        .then(readAll)
        .catch((error: unknown) => error);
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(SelfgradError);
      else expect(outcome).toHaveProperty('labels');
    }),
    { numRuns: 300 },
  );
});
