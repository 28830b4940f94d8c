/**
 * IDX, the format of MNIST and its relatives: a pair of files (images, labels), plain or gzip.
 * http://yann.lecun.com/exdb/mnist/ ("the IDX file format"); big endian, one byte a pixel.
 */
import { access } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { SelfgradError } from '../errors.ts';
import { ByteReader } from './byteReader.ts';
import { readClassNames } from './classNames.ts';
import type { ImageBatch, Source, Split } from './source.ts';

export interface IdxOptions {
  /**
   * A folder with `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and
   * `t10k-labels-idx1-ubyte` (also `test-` and `.idx3-ubyte`), each plain or with `.gz`.
   */
  path: string;
  /** Defaults to `train`. */
  split?: Split;
  /** Defaults to the lines of `classes.txt` in the folder, else `0` … `9`. */
  classes?: readonly string[];
  /** Defaults to the name of the folder. */
  name?: string;
}

const prefixes = { train: ['train'], test: ['t10k', 'test'] } as const;
const types: Record<number, string> = {
  8: 'unsigned bytes',
  9: 'signed bytes',
  11: '16-bit integers',
  12: '32-bit integers',
  13: '32-bit floats',
  14: '64-bit floats',
};

/** Opens an IDX pair and checks both headers. Errors: `ERR_DATA` with the file and the offset. */
export async function openIdx(options: IdxOptions): Promise<Source> {
  const { path, split = 'train' } = options;
  const imagesPath = await findFile(path, split, 'images', 3);
  const labelsPath = await findFile(path, split, 'labels', 1);
  const [count = 0, height = 0, width = 0] = await readDimensions(imagesPath, 3);
  const [labelCount = 0] = await readDimensions(labelsPath, 1);
  if (labelCount !== count) {
    throw new SelfgradError(
      'ERR_DATA',
      `Expected ${count} labels, one for each image of ${imagesPath}, at offset 4 of ${labelsPath} but received ${labelCount}.`,
      { fix: 'The two files belong to different sets: use a pair.' },
    );
  }
  return {
    name: options.name ?? basename(resolve(path)),
    split,
    count,
    channels: 1,
    height,
    width,
    classes:
      options.classes ?? (await readClassNames(path)) ?? Array.from({ length: 10 }, (_, i) => String(i)),
    note: null,
    [Symbol.asyncIterator]: () => readBatches(imagesPath, labelsPath),
  };
}

async function* readBatches(imagesPath: string, labelsPath: string): AsyncGenerator<ImageBatch, void> {
  const labels = await readLabels(labelsPath);
  const reader = await ByteReader.open(imagesPath);
  try {
    const [count = 0, height = 0, width = 0] = await readHeader(reader, 3);
    const perBatch = Math.max(1, Math.floor((1 << 20) / (height * width)));
    for (let first = 0; first < count; first += perBatch) {
      const n = Math.min(perBatch, count - first);
      yield {
        images: await reader.read(n * height * width, `images ${first} … ${first + n - 1}`),
        labels: Int32Array.from(labels.subarray(first, first + n)),
        indices: Int32Array.from({ length: n }, (_, i) => first + i),
      };
    }
    await reader.expectEnd();
  } finally {
    await reader.close();
  }
}

async function readLabels(path: string): Promise<Uint8Array> {
  const reader = await ByteReader.open(path);
  try {
    const [count = 0] = await readHeader(reader, 1);
    const labels = await reader.read(count, 'labels');
    await reader.expectEnd();
    return labels;
  } finally {
    await reader.close();
  }
}

async function readDimensions(path: string, rank: 1 | 3): Promise<number[]> {
  const reader = await ByteReader.open(path);
  try {
    return await readHeader(reader, rank);
  } finally {
    await reader.close();
  }
}

/** The dimensions; their product is checked against the file's size, so that it is safe to allocate. */
async function readHeader(reader: ByteReader, rank: 1 | 3): Promise<number[]> {
  const { path } = reader;
  const kind = rank === 3 ? 'images' : 'labels';
  const magic = await reader.read(4, 'magic number');
  const hex = Buffer.from(magic).toString('hex');
  if (magic[0] !== 0 || magic[1] !== 0 || magic[2] !== 0x08 || magic[3] !== rank) {
    const type = magic[0] === 0 && magic[1] === 0 ? types[magic[2] ?? 0] : undefined;
    const found = type ? `IDX of rank ${magic[3]} of ${type}` : 'no IDX file';
    throw new SelfgradError(
      'ERR_DATA',
      `Expected the magic number 0000080${rank} (IDX ${kind}: rank ${rank}, unsigned bytes) at offset 0 of ${path} but received ${hex} (${found}).`,
      { fix: 'Check that the file is the right one and is whole.' },
    );
  }
  const view = new DataView((await reader.read(4 * rank, 'dimensions')).buffer);
  const dimensions = Array.from({ length: rank }, (_, i) => view.getUint32(4 * i));
  const [count = 0, height = 1, width = 1] = dimensions;
  if (height === 0 || width === 0) {
    throw new SelfgradError(
      'ERR_DATA',
      `Expected images of at least 1×1 at offset 8 of ${path} but received ${height}×${width}.`,
      {
        fix: 'The header is damaged: download or copy the file again.',
      },
    );
  }
  const claim =
    rank === 3 ? `a header and ${count} images of ${height}×${width}` : `a header and ${count} labels`;
  reader.checkClaim(reader.offset + count * height * width, claim);
  return dimensions;
}

async function findFile(folder: string, split: Split, kind: string, rank: number): Promise<string> {
  const names = prefixes[split].flatMap((prefix) =>
    ['-', '.'].flatMap((dot) => ['', '.gz'].map((end) => `${prefix}-${kind}${dot}idx${rank}-ubyte${end}`)),
  );
  for (const name of names) {
    const path = join(folder, name);
    if (
      await access(path).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  throw new SelfgradError(
    'ERR_DATA',
    `Expected ${names[0]} or ${names[1]} in ${resolve(folder)} but received neither.`,
    {
      fix: 'Give the folder that holds the IDX files as data.path.',
    },
  );
}
