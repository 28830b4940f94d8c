/** Listed JPEG and PNG files as a source: decoded in order, several at once. */
import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { SelfgradError } from '../errors.ts';
import { type DecodedImage, type ImageDecoder, loadDecoder } from './decodeImage.ts';
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
  /** [height, width] to resize every image to, or null: all images must have the size of the first. */
  size: readonly [number, number] | null;
  /** 3: colour, 1: grey; images of the other kind are converted. */
  channels: 1 | 3;
}

const imagesPerBatch = 512;

/** Images in decoding at once: enough to keep libuv's pool of threads busy. */
const inFlight = 8;

/** Errors: `ERR_DATA` with the file, `ERR_PEER` when sharp is not installed. */
export async function openImageFiles(options: ImageFilesOptions): Promise<Source> {
  const { files, size, channels } = options;
  const decoder = await loadDecoder({ channels, size });
  const { height, width } = await decodeFile(decoder, files[0] as ImageFile);
  const notes = [...options.notes];
  if (files.some((file) => extname(file.path).toLowerCase() !== '.png'))
    notes.unshift(`JPEG decoded by ${decoder.version}`);
  if (size) notes.push(`resized to ${size[0]}×${size[1]} by ${decoder.version} (Lanczos)`);
  return {
    name: options.name,
    split: options.split,
    count: files.length,
    channels,
    height,
    width,
    classes: options.classes,
    note: notes.length > 0 ? notes.join('; ') : null,
    async *[Symbol.asyncIterator](): AsyncGenerator<ImageBatch, void> {
      for (let start = 0; start < files.length; start += imagesPerBatch) {
        yield await decodeBatch(decoder, files, start, { channels, height, width });
      }
    },
  };
}

interface Shape {
  channels: number;
  height: number;
  width: number;
}

async function decodeBatch(
  decoder: ImageDecoder,
  files: readonly ImageFile[],
  start: number,
  shape: Shape,
): Promise<ImageBatch> {
  const end = Math.min(start + imagesPerBatch, files.length);
  const imageBytes = shape.channels * shape.height * shape.width;
  const images = new Uint8Array((end - start) * imageBytes);
  // Files are begun in order, so the first failure in order is among those begun: the error is the same each time.
  const failures: { index: number; error: unknown }[] = [];
  let next = start;
  const work = async (): Promise<void> => {
    while (next < end && failures.length === 0) {
      const index = next++;
      const file = files[index] as ImageFile;
      try {
        const image = await decodeFile(decoder, file);
        checkSize(image, shape, shown(file));
        images.set(image.pixels, (index - start) * imageBytes);
      } catch (error) {
        failures.push({ index, error });
      }
    }
  };
  await Promise.all(Array.from({ length: inFlight }, work));
  const failure = failures.sort((a, b) => a.index - b.index)[0];
  if (failure) {
    // libvips keeps the reason in one buffer for all threads: only a decoder on its own gets the right one.
    await decodeFile(decoder, files[failure.index] as ImageFile);
    throw failure.error;
  }
  return {
    images,
    labels: Int32Array.from(files.slice(start, end), (file) => file.label),
    indices: Int32Array.from({ length: end - start }, (_, i) => start + i),
  };
}

async function decodeFile(decoder: ImageDecoder, file: ImageFile): Promise<DecodedImage> {
  let bytes: Buffer;
  try {
    // Synchronous on purpose: a small file takes microseconds, while the asynchronous call would queue four
    // times behind the decoders in libuv's pool and make loading 60 000 images half as fast again.
    bytes = readFileSync(file.path);
  } catch (cause) {
    throw fileError('a readable image', shown(file), cause);
  }
  return decoder.decode(bytes, shown(file));
}

function checkSize({ height, width }: DecodedImage, shape: Shape, path: string): void {
  if (height === shape.height && width === shape.width) return;
  throw new SelfgradError(
    'ERR_DATA',
    `Expected an image of ${shape.height}×${shape.width} (height×width, as the first) for ${path} but received ${height}×${width}.`,
    { fix: `Resize all images with data.size=[${shape.height},${shape.width}].` },
  );
}

function shown({ path, listed }: ImageFile): string {
  return listed === undefined ? path : `${path} (${listed})`;
}
