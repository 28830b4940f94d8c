/** Small data sets that the tests write themselves, and the ways in which they are read and damaged. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach } from 'vitest';
import { checkedBatches } from '../../../src/data/checkedBatches.ts';
import type { Source } from '../../../src/data/source.ts';

/** A function that makes temporary folders, which are removed after each test of the file. */
export function temporaryFolders(): () => string {
  const folders: string[] = [];
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });
  return () => {
    const folder = mkdtempSync(join(tmpdir(), 'selfgrad-data-'));
    folders.push(folder);
    return folder;
  };
}

/** Encodes an IDX file of unsigned bytes. */
export function idxBytes(dimensions: number[], content: ArrayLike<number>): Buffer {
  const header = Buffer.alloc(4 + 4 * dimensions.length);
  header.writeUInt32BE(0x800 + dimensions.length, 0);
  for (const [i, length] of dimensions.entries()) header.writeUInt32BE(length, 4 + 4 * i);
  return Buffer.concat([header, Uint8Array.from(content)]);
}

export interface IdxPair {
  images: Buffer;
  labels: Buffer;
}

/** `count` images of 3×2 whose pixels are 0, 1, 2 … and whose labels are 0 … 9 in turn. */
export function idxPair(count = 20): IdxPair {
  return {
    images: idxBytes(
      [count, 3, 2],
      Array.from({ length: count * 6 }, (_, i) => i % 256),
    ),
    labels: idxBytes(
      [count],
      Array.from({ length: count }, (_, i) => i % 10),
    ),
  };
}

export function writeIdxPair(folder: string, { images, labels }: IdxPair, gzip = false): void {
  const end = gzip ? '.gz' : '';
  writeFileSync(join(folder, `train-images-idx3-ubyte${end}`), gzip ? gzipSync(images) : images);
  writeFileSync(join(folder, `train-labels-idx1-ubyte${end}`), gzip ? gzipSync(labels) : labels);
}

export interface ReadSet {
  images: number[];
  labels: number[];
  indices: number[];
}

/** Reads a source to its end, checked. */
export async function readAll(source: Source): Promise<ReadSet> {
  const all: ReadSet = { images: [], labels: [], indices: [] };
  for await (const batch of checkedBatches(source)) {
    for (const pixel of batch.images) all.images.push(pixel);
    all.labels.push(...batch.labels);
    all.indices.push(...batch.indices);
  }
  return all;
}

/** A source in memory, for tests of what wraps sources. */
export function memorySource(
  facts: Partial<Source>,
  batches: { images: number[]; labels: number[]; indices?: number[] }[],
): Source {
  return {
    name: 'memory',
    split: 'train',
    count: batches.reduce((sum, { labels }) => sum + labels.length, 0),
    channels: 1,
    height: 1,
    width: 2,
    classes: ['a', 'b', 'c'],
    note: null,
    async *[Symbol.asyncIterator]() {
      let first = 0;
      for (const { images, labels, indices } of batches) {
        yield {
          images: Uint8Array.from(images),
          labels: Int32Array.from(labels),
          indices: Int32Array.from(indices ?? labels.map((_, i) => first + i)),
        };
        first += labels.length;
      }
    },
    ...facts,
  };
}
