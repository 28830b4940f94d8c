/** A folder with a folder of JPEG or PNG images for each class. */
import { readFileSync } from 'node:fs';
import { basename, extname, resolve } from 'node:path';
import { SelfgradError } from '../errors.ts';
import { type DecodedImage, type ImageDecoder, loadDecoder } from './decodeImage.ts';
import { fileError } from './fileError.ts';
import { type ImageFile, listImageFolder } from './listImageFolder.ts';
import type { ImageBatch, Source, Split } from './source.ts';

export interface ImageFolderOptions {
  /** The folder: `train/CLASS/*.jpg` and `test/CLASS/*.jpg`, or `CLASS/*.jpg` for both splits. */
  path: string;
  /** Defaults to `train`. */
  split?: Split;
  /** [height, width] to resize every image to. Defaults to null: all images must have the size of the first. */
  size?: readonly [number, number] | null;
  /** 3: colour, 1: grey; images of the other kind are converted. Defaults to 3. */
  channels?: 1 | 3;
}

const imagesPerBatch = 512;

/** Images in decoding at once: enough to keep libuv's pool of threads busy. */
const inFlight = 8;

/**
 * Opens a folder of images. Classes are sorted by name; images come in turns, one of each class, each class
 * sorted by file name, so that the first n are balanced.
 * Errors: `ERR_DATA` with the file or folder, `ERR_PEER` when sharp is not installed.
 */
export async function openImageFolder(options: ImageFolderOptions): Promise<Source> {
  const { path, split = 'train', size = null, channels = 3 } = options;
  const { files, classes, notes } = await listImageFolder(path, split);
  const decoder = await loadDecoder({ channels, size });
  const first = await decodeFile(decoder, files[0] as ImageFile);
  if (files.some((file) => extname(file.path).toLowerCase() !== '.png'))
    notes.unshift(`JPEG decoded by ${decoder.version}`);
  if (size) notes.push(`resized to ${size[0]}×${size[1]} by ${decoder.version} (Lanczos)`);
  const { height, width } = first;
  return {
    name: basename(resolve(path)),
    split,
    count: files.length,
    channels,
    height,
    width,
    classes,
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
  files: ImageFile[],
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
        checkSize(image, shape, file.path);
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

async function decodeFile(decoder: ImageDecoder, { path }: ImageFile): Promise<DecodedImage> {
  let bytes: Buffer;
  try {
    // Synchronous on purpose: a small file takes microseconds, while the asynchronous call would queue four
    // times behind the decoders in libuv's pool and make loading 60 000 images half as fast again.
    bytes = readFileSync(path);
  } catch (cause) {
    throw fileError('a readable image', path, cause);
  }
  return decoder.decode(bytes, path);
}

function checkSize({ height, width }: DecodedImage, shape: Shape, path: string): void {
  if (height === shape.height && width === shape.width) return;
  throw new SelfgradError(
    'ERR_DATA',
    `Expected an image of ${shape.height}×${shape.width} (height×width, as the first) for ${path} but received ${height}×${width}.`,
    { fix: `Resize all images with data.size=[${shape.height},${shape.width}].` },
  );
}
