/** A fingerprint of a set of images: equal exactly when shape, pixels, labels and their order are equal. */
import { createHash } from 'node:crypto';
import type { ImageBatch, Source } from './source.ts';

/**
 * SHA-256 over `N,C,H,W,classes` (decimal, joined by commas), then the SHA-256 of all pixels (NCHW), then the
 * SHA-256 of all labels (one little-endian 32-bit integer each). The size of batches does not change it.
 */
export class DataHash {
  readonly #pixels = createHash('sha256');
  readonly #labels = createHash('sha256');
  #count = 0;

  add(batch: ImageBatch): void {
    this.#pixels.update(batch.images);
    const labels = Buffer.alloc(4 * batch.labels.length);
    for (const [i, label] of batch.labels.entries()) labels.writeInt32LE(label, 4 * i);
    this.#labels.update(labels);
    this.#count += batch.labels.length;
  }

  /** The fingerprint as 64 hexadecimal digits; ends the computation. */
  digest({
    channels,
    height,
    width,
    classes,
  }: Pick<Source, 'channels' | 'height' | 'width' | 'classes'>): string {
    return createHash('sha256')
      .update([this.#count, channels, height, width, classes.length].join(','))
      .update(this.#pixels.digest())
      .update(this.#labels.digest())
      .digest('hex');
  }
}
