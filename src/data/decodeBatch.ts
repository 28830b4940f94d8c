/** A batch of JPEG and PNG images, decoded several at once. */
import { SelfgradError } from '../errors.ts';
import type { DecodedImage, ImageDecoder } from './decodeImage.ts';

/** An image that is not decoded yet. */
export interface EncodedImage {
  /** Its bytes; called once or twice. Errors: `ERR_DATA`. */
  read(): Uint8Array;
  /** For messages. */
  place: string;
}

export interface ImageShape {
  channels: number;
  height: number;
  width: number;
}

const maxImagesPerBatch = 512;
const maxBatchBytes = 2 ** 26;

/** Images in decoding at once: enough to keep libuv's pool of threads busy. */
const inFlight = Math.max(8, 2 * Number(process.env.UV_THREADPOOL_SIZE ?? 4));

/** 512 images, fewer of more than 128 KB decoded, at least one. */
export function imagesPerBatch({ channels, height, width }: ImageShape): number {
  return Math.max(1, Math.min(maxImagesPerBatch, Math.floor(maxBatchBytes / (channels * height * width))));
}

/** The images as N·C·H·W bytes. Errors: `ERR_DATA` for the first that is damaged or of another shape. */
export async function decodeBatch(
  decoder: ImageDecoder,
  images: readonly EncodedImage[],
  shape: ImageShape,
): Promise<Uint8Array> {
  const imageBytes = shape.channels * shape.height * shape.width;
  const pixels = new Uint8Array(images.length * imageBytes);
  // Images are begun in order, so the first failure in order is among those begun: the error is the same each time.
  const failures: { index: number; error: unknown }[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < images.length && failures.length === 0) {
      const index = next++;
      const image = images[index] as EncodedImage;
      try {
        const decoded = await decoder.decode(image.read(), image.place);
        checkSize(decoded, shape, image.place);
        pixels.set(decoded.pixels, index * imageBytes);
      } catch (error) {
        failures.push({ index, error });
      }
    }
  };
  await Promise.all(Array.from({ length: inFlight }, work));
  const failure = failures.sort((a, b) => a.index - b.index)[0];
  if (failure) {
    // libvips keeps the reason in one buffer for all threads: only a decoder on its own gets the right one.
    const image = images[failure.index] as EncodedImage;
    await decoder.decode(image.read(), image.place);
    throw failure.error;
  }
  return pixels;
}

function checkSize({ height, width }: DecodedImage, shape: ImageShape, place: string): void {
  if (height === shape.height && width === shape.width) return;
  throw new SelfgradError(
    'ERR_DATA',
    `Expected an image of ${shape.height}×${shape.width} (height×width, as the first) for ${place} but received ${height}×${width}.`,
    { fix: 'Choose one size for all, e.g. data.size=[64,64] (--size 64x64 for `selfgrad data`).' },
  );
}
