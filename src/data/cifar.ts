/**
 * CIFAR-10 and CIFAR-100 in their binary version: records of label bytes and 3·32·32 pixel bytes, already NCHW.
 * https://www.cs.toronto.edu/~kriz/cifar.html
 */
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { SelfgradError } from '../errors.ts';
import { ByteReader } from './byteReader.ts';
import { cifar10Classes, cifar100Classes } from './cifarClasses.ts';
import { fileError } from './fileError.ts';
import type { ImageBatch, Source, Split } from './source.ts';

export interface CifarOptions {
  /** The unpacked folder (`cifar-10-batches-bin`, `cifar-100-binary`) or the one above it. */
  path: string;
  /** Defaults to `train`. */
  split?: Split;
}

interface Variant {
  name: string;
  folder: string;
  files: Record<Split, readonly string[]>;
  recordsPerFile: Record<Split, number>;
  /** Bytes before the pixels; the last of them is the label that counts (CIFAR-100: coarse, then fine). */
  labelBytes: number;
  classes: readonly string[];
}

const pixelBytes = 3 * 32 * 32;
const recordsPerBatch = 500;

const cifar10: Variant = {
  name: 'cifar10',
  folder: 'cifar-10-batches-bin',
  files: { train: [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`), test: ['test_batch.bin'] },
  recordsPerFile: { train: 10_000, test: 10_000 },
  labelBytes: 1,
  classes: cifar10Classes,
};

const cifar100: Variant = {
  name: 'cifar100',
  folder: 'cifar-100-binary',
  files: { train: ['train.bin'], test: ['test.bin'] },
  recordsPerFile: { train: 50_000, test: 10_000 },
  labelBytes: 2,
  classes: cifar100Classes,
};

/** CIFAR-10: 50 000 train and 10 000 test images, 10 classes. Errors: `ERR_DATA` with the file. */
export function openCifar10(options: CifarOptions): Promise<Source> {
  return openVariant(cifar10, options);
}

/** CIFAR-100 with its fine labels: 50 000 train and 10 000 test images, 100 classes. Errors: `ERR_DATA`. */
export function openCifar100(options: CifarOptions): Promise<Source> {
  return openVariant(cifar100, options);
}

async function openVariant(variant: Variant, { path, split = 'train' }: CifarOptions): Promise<Source> {
  const folder = await findFolder(variant, path);
  const files = variant.files[split].map((file) => join(folder, file));
  const records = variant.recordsPerFile[split];
  for (const file of files) await openFile(file, variant, records).then((reader) => reader.close());
  return {
    name: variant.name,
    split,
    count: files.length * records,
    channels: 3,
    height: 32,
    width: 32,
    classes: variant.classes,
    note: null,
    [Symbol.asyncIterator]: () => readBatches(variant, files, records),
  };
}

async function* readBatches(
  variant: Variant,
  files: string[],
  records: number,
): AsyncGenerator<ImageBatch, void> {
  const recordBytes = variant.labelBytes + pixelBytes;
  for (const [fileIndex, file] of files.entries()) {
    const reader = await openFile(file, variant, records);
    try {
      for (let first = 0; first < records; first += recordsPerBatch) {
        const n = Math.min(recordsPerBatch, records - first);
        const bytes = await reader.read(n * recordBytes, `records ${first} … ${first + n - 1}`);
        const images = new Uint8Array(n * pixelBytes);
        const labels = new Int32Array(n);
        for (let i = 0; i < n; i++) {
          const pixels = i * recordBytes + variant.labelBytes;
          labels[i] = bytes[pixels - 1] as number;
          images.set(bytes.subarray(pixels, pixels + pixelBytes), i * pixelBytes);
        }
        yield {
          images,
          labels,
          indices: Int32Array.from({ length: n }, (_, i) => fileIndex * records + first + i),
        };
      }
      await reader.expectEnd();
    } finally {
      await reader.close();
    }
  }
}

async function openFile(file: string, variant: Variant, records: number): Promise<ByteReader> {
  const reader = await ByteReader.open(file);
  try {
    reader.checkClaim(records * (variant.labelBytes + pixelBytes), `${records} records of ${variant.name}`);
    return reader;
  } catch (error) {
    await reader.close();
    throw error;
  }
}

async function findFolder(variant: Variant, path: string): Promise<string> {
  try {
    if (!(await stat(path)).isDirectory()) {
      throw new SelfgradError(
        'ERR_DATA',
        `Expected a folder for data.path but received the file ${resolve(path)}.`,
        {
          fix: `Unpack the archive and give the folder ${variant.folder}.`,
        },
      );
    }
  } catch (cause) {
    throw fileError(`the folder ${variant.folder}`, resolve(path), cause);
  }
  const inner = join(path, variant.folder);
  return (await stat(inner).then(
    (found) => found.isDirectory(),
    () => false,
  ))
    ? inner
    : path;
}
