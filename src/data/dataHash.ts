/** A fingerprint of a set of images: equal exactly when shape, pixels, labels and their order are equal. */
import { createHash } from 'node:crypto';
import type { ImageBatch, Source } from './source.ts';

/** SHA-256 of all pixels (NCHW), and of all labels (one little-endian 32-bit integer each), in hexadecimal. */
export interface SetDigests {
  pixels: string;
  labels: string;
}

/** The size of batches does not change what comes out. */
export class DataHash {
  readonly #pixels = createHash('sha256');
  readonly #labels = createHash('sha256');
  #count = 0;

  add({ images, labels }: Pick<ImageBatch, 'images' | 'labels'>): void {
    this.#pixels.update(images);
    this.#labels.update(littleEndian(labels));
    this.#count += labels.length;
  }

  /** Ends the computation. */
  digests(): SetDigests {
    return { pixels: this.#pixels.digest('hex'), labels: this.#labels.digest('hex') };
  }

  /** The fingerprint; ends the computation. */
  digest(facts: Pick<Source, 'channels' | 'height' | 'width' | 'classes'>): string {
    return fingerprint({ ...facts, count: this.#count }, this.digests());
  }
}

/** SHA-256 over `N,C,H,W,classes` (decimal, joined by commas) and the two digests, as 64 hexadecimal digits. */
export function fingerprint(
  {
    count,
    channels,
    height,
    width,
    classes,
  }: Pick<Source, 'count' | 'channels' | 'height' | 'width' | 'classes'>,
  { pixels, labels }: SetDigests,
): string {
  return createHash('sha256')
    .update([count, channels, height, width, classes.length].join(','))
    .update(Buffer.from(pixels, 'hex'))
    .update(Buffer.from(labels, 'hex'))
    .digest('hex');
}

/** Labels as their bytes in files and fingerprints. */
export function littleEndian(labels: Int32Array): Buffer {
  const bytes = Buffer.alloc(4 * labels.length);
  for (const [i, label] of labels.entries()) bytes.writeInt32LE(label, 4 * i);
  return bytes;
}
