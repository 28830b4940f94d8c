/**
 * Decoded images kept in one file of the user's cache, named by a hash of all that they depend on: a folder of JPEGs
 * is decoded once. The file holds a line that describes it, then label (32 bits, little endian) and C·H·W bytes of
 * each image, then the SHA-256 of all before. It is whole or absent; what goes wrong with writing it stops nothing.
 */
import { createHash } from 'node:crypto';
import { rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDirectory } from '../cacheDirectory.ts';
import { SelfgradError } from '../errors.ts';
import { ByteReader } from './byteReader.ts';
import { imagesPerBatch } from './decodeBatch.ts';
import { type DecodedPlace, extension, openWriter } from './decodedWriter.ts';
import { derivedSource } from './derivedSource.ts';
import type { ImageBatch, Source } from './source.ts';

/** All files together; those that were used longest ago make room. A set that is larger is not kept. */
const defaultMaxBytes = 16e9;

const digestBytes = 32;

/** The folder of the files. */
export function decodedFolder(): string {
  return join(cacheDirectory({ env: process.env, platform: process.platform }), 'decoded');
}

/** The file that holds, or would hold, the images of a source; null where it decodes nothing. */
async function placeOf(source: Source, folder: string): Promise<DecodedPlace | null> {
  const key = await source.contentKey?.();
  if (key === undefined) return null;
  const { count, channels, height, width } = source;
  const header = Buffer.from(
    `${JSON.stringify({ format: 'selfgrad.decoded/1', key, count, channels, height, width })}\n`,
  );
  const bytes = header.length + count * (4 + channels * height * width) + digestBytes;
  return { path: join(folder, key + extension), header, count, bytes };
}

/** The file with the decoded images of a source, or null when there is none. */
export async function findDecoded(source: Source): Promise<string | null> {
  const place = await placeOf(source, decodedFolder());
  return place && (await isThere(place)) ? place.path : null;
}

/**
 * The same images: from the cache when they are in it, else decoded, and kept once all have been read.
 * Errors: those of the source, `ERR_DATA` for a file of the cache that is damaged, which is removed.
 */
export function withDecodedCache(source: Source, maxBytes: number = defaultMaxBytes): Source {
  if (!source.contentKey) return source;
  const { labels, contentKey } = source;
  return {
    ...derivedSource(source, () => batches(source, maxBytes)),
    contentKey,
    ...(labels && { labels }),
  };
}

async function* batches(source: Source, maxBytes: number): AsyncGenerator<ImageBatch, void> {
  const folder = decodedFolder();
  const place = await placeOf(source, folder);
  if (place && (await isThere(place))) {
    yield* cachedBatches(source, place);
    return;
  }
  let writer = place && (await openWriter(place, folder, maxBytes));
  try {
    for await (const batch of source) {
      // Kept before the last batch is handed over: its reader may ask for nothing more.
      if (writer && !(await writer.add(batch))) writer = null;
      yield batch;
    }
  } finally {
    await writer?.discard();
  }
}

async function isThere({ path, bytes }: DecodedPlace): Promise<boolean> {
  return (await stat(path).catch(() => null))?.size === bytes;
}

async function* cachedBatches(
  source: Source,
  { path, header }: DecodedPlace,
): AsyncGenerator<ImageBatch, void> {
  const { channels, height, width, count } = source;
  const imageBytes = channels * height * width;
  const recordBytes = 4 + imageBytes;
  const perBatch = imagesPerBatch(source);
  // Used now: others make room first.
  await utimes(path, new Date(), new Date()).catch(() => {});
  const reader = await ByteReader.open(path, 0);
  const hash = createHash('sha256');
  const read = async (bytes: number, what: string) => {
    const content = await reader.read(bytes, what);
    hash.update(content);
    return content;
  };
  try {
    if (!header.equals(await read(header.length, 'its description'))) throw await damaged(path);
    for (let first = 0; first < count; first += perBatch) {
      const n = Math.min(perBatch, count - first);
      const records = await read(n * recordBytes, `images ${first} … ${first + n - 1}`);
      const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
      const images = new Uint8Array(n * imageBytes);
      for (let i = 0; i < n; i++)
        images.set(records.subarray(i * recordBytes + 4, (i + 1) * recordBytes), i * imageBytes);
      // Before the last batch is handed over: no set ends in images that are not those that were decoded.
      if (first + n === count) {
        const digest = await reader.read(digestBytes, 'its checksum');
        if (!hash.digest().equals(digest)) throw await damaged(path);
      }
      yield {
        images,
        labels: Int32Array.from({ length: n }, (_, i) => view.getInt32(i * recordBytes, true)),
        indices: Int32Array.from({ length: n }, (_, i) => first + i),
      };
    }
  } finally {
    await reader.close();
  }
}

async function damaged(path: string): Promise<SelfgradError> {
  await rm(path, { force: true });
  return new SelfgradError(
    'ERR_DATA',
    `Expected the decoded images as they were written in ${path} but received others.`,
    { fix: 'The file was removed: run this again, and the images are decoded anew.' },
  );
}
