/** Parquet files with images as Hugging Face's `datasets` exports them: a column of encoded images, one of labels. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { basename, resolve } from 'node:path';
import { didYouMean } from '../config/option.ts';
import { SelfgradError } from '../errors.ts';
import { decodeBatch, type EncodedImage, imagesPerBatch } from './decodeBatch.ts';
import { decoderNotes, decodingFacts, isJpeg, loadDecoder } from './decodeImage.ts';
import { openParquetFile, type ParquetColumn, type ParquetFile } from './parquet/file.ts';
import { parquetClasses } from './parquet/labels.ts';
import { columnValues } from './parquet/pages.ts';
import { findShards, type Shards } from './parquet/shards.ts';
import type { ParquetValue } from './parquet/values.ts';
import type { ImageBatch, Source, Split } from './source.ts';

export interface ParquetOptions {
  /** A file, or the folder of `train-00000-of-00001.parquet` and its companions. */
  path: string;
  /** Defaults to `train`. */
  split?: Split;
  /** [height, width] to resize every image to. Defaults to null: all images must have the size of the first. */
  size?: readonly [number, number] | null;
  /** 3: colour, 1: grey; images of the other kind are converted. Defaults to 3. */
  channels?: 1 | 3;
  /** Name of the column of images. Defaults to `image`, else `img`. */
  images?: string | null;
  /** Name of the column of labels. Defaults to `label`, else `fine_label`. */
  labels?: string | null;
}

interface Row {
  bytes: Uint8Array;
  label: number;
  place: string;
}

/**
 * Opens the shards of a split. Images and labels are read page by page, never held whole.
 * Errors: `ERR_DATA` with the file, `ERR_LABEL`, `ERR_PEER` when sharp is not installed.
 */
export async function openParquet(options: ParquetOptions): Promise<Source> {
  const { path, split = 'train', size = null, channels = 3, images = null, labels = null } = options;
  const shards = await findShards(path, split);
  if (shards === null) throw noSplit(path, split);
  const files = await Promise.all(shards.files.map(openParquetFile));
  const imageOf = (file: ParquetFile) => findImages(file, images === null ? ['image', 'img'] : [images]);
  const labelOf = (file: ParquetFile) =>
    findLabels(file, labels === null ? ['label', 'fine_label'] : [labels]);
  const rows = () => readRows(files, imageOf, labelOf);
  const first = await firstOf(rows());
  if (!first) throw noSplit(path, split);
  const decoder = await loadDecoder({ channels, size });
  const { height, width } = await decoder.decode(first.bytes, first.place);
  const shape = { channels, height, width };
  const otherShards =
    shards.name === null ? null : await findShards(path, split === 'train' ? 'test' : 'train');
  const others = await Promise.all((otherShards?.files ?? []).map(openParquetFile));
  return {
    name: basename(resolve(path)),
    split,
    count: files.reduce((sum, file) => sum + file.rows, 0),
    ...shape,
    classes: await parquetClasses(path, [...files, ...others], labelOf),
    note: decoderNotes(decoder, size, isJpeg(first.bytes), notes(shards, split)),
    labels: () => readLabels(files, labelOf),
    contentKey: () =>
      contentKey(files, [
        decodingFacts(decoder, { size, channels }),
        ...files.flatMap((file) => [imageOf(file).name, labelOf(file).name]),
      ]),
    async *[Symbol.asyncIterator](): AsyncGenerator<ImageBatch, void> {
      const perBatch = imagesPerBatch(shape);
      let start = 0;
      for await (const batch of inBatches(rows(), perBatch)) {
        const encoded = batch.map(({ bytes, place }): EncodedImage => ({ read: () => bytes, place }));
        yield {
          images: await decodeBatch(decoder, encoded, shape),
          labels: Int32Array.from(batch, ({ label }) => label),
          indices: Int32Array.from(batch, (_, i) => start + i),
        };
        start += batch.length;
      }
    },
  };
}

async function* readRows(
  files: readonly ParquetFile[],
  imageOf: (file: ParquetFile) => ParquetColumn,
  labelOf: (file: ParquetFile) => ParquetColumn,
): AsyncGenerator<Row, undefined> {
  for (const file of files) {
    const labels = oneByOne(columnValues(file, labelOf(file)));
    let index = 0;
    try {
      for await (const bytes of oneByOne(columnValues(file, imageOf(file)))) {
        const place = `row ${index++} of ${file.path}`;
        const { value: label } = await labels.next();
        if (!(bytes instanceof Uint8Array)) throw missing('the bytes of an image', place);
        if (typeof label !== 'number') throw missing('a label', place);
        yield { bytes, label, place };
      }
    } finally {
      await labels.return(undefined);
    }
  }
}

async function readLabels(
  files: readonly ParquetFile[],
  labelOf: (file: ParquetFile) => ParquetColumn,
): Promise<Int32Array> {
  const labels: number[] = [];
  // A label that is missing is refused with its row when the images are read.
  for (const file of files)
    for await (const values of columnValues(file, labelOf(file)))
      for (const value of values) labels.push(Number(value));
  return Int32Array.from(labels);
}

async function contentKey(files: readonly ParquetFile[], facts: readonly string[]): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(facts));
  for (const { path } of files) for await (const bytes of createReadStream(path)) hash.update(bytes);
  return hash.digest('hex');
}

async function firstOf<T>(items: AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of items) return item;
  return undefined;
}

async function* oneByOne(
  pieces: AsyncGenerator<ParquetValue[], void>,
): AsyncGenerator<ParquetValue, undefined> {
  for await (const values of pieces) yield* values;
}

async function* inBatches<T>(items: AsyncIterable<T>, length: number): AsyncGenerator<T[], void> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < length) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** `image.bytes` of a column that is a pair of bytes and path, or a column of bytes. */
function findImages(file: ParquetFile, names: readonly string[]): ParquetColumn {
  const leaves = names.flatMap((name) => [`${name}.bytes`, name]);
  return findColumn(file, leaves, (type) => type === 'BYTE_ARRAY', 'images (bytes)', 'data.images', names);
}

function findLabels(file: ParquetFile, names: readonly string[]): ParquetColumn {
  return findColumn(file, names, (type) => type !== 'BYTE_ARRAY', 'labels (integers)', 'data.labels', names);
}

function findColumn(
  file: ParquetFile,
  leaves: readonly string[],
  fits: (type: string) => boolean,
  what: string,
  option: string,
  names: readonly string[],
): ParquetColumn {
  for (const leaf of leaves) {
    const found = file.columns.find(({ name, type }) => name === leaf && fits(type));
    if (found) return found;
  }
  throw new SelfgradError(
    'ERR_DATA',
    `Expected a column ${names.join(' or ')} of ${what} in ${file.path} but received the columns ${file.names.slice(0, 12).join(', ')}.`,
    { fix: (names.length === 1 && didYouMean(names[0], file.names)) || `Name it with ${option}.` },
  );
}

function notes({ name }: Shards, split: Split): string[] {
  if (name === null) return ['one file: both splits are the same images'];
  return name === split ? [] : [`no test split: that called ${name} is used`];
}

function missing(what: string, place: string): SelfgradError {
  return new SelfgradError('ERR_DATA', `Expected ${what} in ${place} but received null.`, {
    fix: 'Export the data set with its images embedded, or leave the row out.',
  });
}

function noSplit(path: string, split: Split): SelfgradError {
  return new SelfgradError(
    'ERR_DATA',
    `Expected images of the ${split} split in ${path} but received none.`,
    {
      fix: 'Give a folder with train-*.parquet and test-*.parquet, or one file as data.path.',
    },
  );
}
