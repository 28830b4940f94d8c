/** Listed JPEG and PNG files as a source: decoded in order, several at once. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Warning } from '../evaluation.ts';
import { decodeBatch, type EncodedImage, imagesPerBatch } from './decodeBatch.ts';
import { decoderNotes, decodingFacts, loadDecoder } from './decodeImage.ts';
import { fileError } from './fileError.ts';
import type { ImageBatch, Source, Split } from './source.ts';

export interface ImageFile {
  path: string;
  label: number;
  /** Where the file is listed, for messages: `line 7 of labels.csv`. */
  listed?: string;
}

export interface ImageFilesOptions {
  name: string;
  split: Split;
  /** At least one. */
  files: readonly ImageFile[];
  classes: readonly string[];
  /** What a reader of results should know already. */
  notes: readonly string[];
  /** What makes figures of this split say less than they seem to. Defaults to nothing. */
  warnings?: readonly Warning[];
  /** [height, width] to resize every image to, or null: all images must have the size of the first. */
  size: readonly [number, number] | null;
  /** 3: colour, 1: grey; images of the other kind are converted. */
  channels: 1 | 3;
}

/** Files that are read before other work of the process gets its turn. */
const filesPerTurn = 256;

/** Errors: `ERR_DATA` with the file, `ERR_PEER` when sharp is not installed. */
export async function openImageFiles(options: ImageFilesOptions): Promise<Source> {
  const { name, split, files, classes, size, channels, warnings = [] } = options;
  const decoder = await loadDecoder({ channels, size });
  const first = encoded(files[0] as ImageFile);
  const { height, width } = await decoder.decode(first.read(), first.place);
  const shape = { channels, height, width };
  const lossy = files.some((file) => extname(file.path).toLowerCase() !== '.png');
  const perBatch = imagesPerBatch(shape);
  return {
    name,
    split,
    count: files.length,
    ...shape,
    classes,
    note: decoderNotes(decoder, size, lossy, options.notes),
    warnings,
    contentKey: () => contentKey(files, decodingFacts(decoder, options)),
    labels: async () => Int32Array.from(files, ({ label }) => label),
    async *[Symbol.asyncIterator](): AsyncGenerator<ImageBatch, void> {
      for (let start = 0; start < files.length; start += perBatch) {
        const batch = files.slice(start, start + perBatch);
        yield {
          images: await decodeBatch(decoder, batch.map(encoded), shape),
          labels: Int32Array.from(batch, ({ label }) => label),
          indices: Int32Array.from(batch, (_, i) => start + i),
        };
      }
    },
  };
}

/** Over the bytes of all files: names and times of change say nothing about pixels. */
async function contentKey(files: readonly ImageFile[], facts: string): Promise<string> {
  const hash = createHash('sha256').update(facts);
  for (const [i, file] of files.entries()) {
    const bytes = encoded(file).read();
    hash.update(`\n${file.label},${bytes.length}\n`).update(bytes);
    if (i % filesPerTurn === 0) await setImmediate();
  }
  return hash.digest('hex');
}

function encoded({ path, listed }: ImageFile): EncodedImage {
  const place = listed === undefined ? path : `${path} (${listed})`;
  return {
    place,
    read() {
      try {
        // Synchronous on purpose: a small file takes microseconds, while the asynchronous call would queue four
        // times behind the decoders in libuv's pool and make loading 60 000 images half as fast again.
        return readFileSync(path);
      } catch (cause) {
        throw fileError('a readable image', place, cause);
      }
    },
  };
}
