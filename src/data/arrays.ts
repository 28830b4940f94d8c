/** Images that the caller already holds in memory. */
import { SelfgradError } from '../errors.ts';
import { quantise } from './quantise.ts';
import type { ImageBatch, Source, Split } from './source.ts';

export interface ArraysOptions {
  /** N·C·H·W, NCHW: bytes, or floats in [0, 1], which are rounded to the nearest of 256 levels. */
  images: Uint8Array | Uint8ClampedArray | Float32Array | Float64Array;
  /** N integers in 0 … classes - 1. */
  labels: ArrayLike<number>;
  /** [channels, height, width] of one image. */
  shape: readonly [number, number, number];
  /** Names of the classes, or how many there are. */
  classes: readonly string[] | number;
  /** Defaults to `train`. */
  split?: Split;
  /** Defaults to `arrays`. */
  name?: string;
}

/**
 * Wraps arrays as a source; the arrays are read when it is iterated and must not change until then.
 * Errors: `ERR_OPTION` for lengths that do not fit, `ERR_PIXELS` for floats outside [0, 1], `ERR_LABEL`.
 */
export async function openArrays(options: ArraysOptions): Promise<Source> {
  const { images, labels, shape, split = 'train', name = 'arrays' } = options;
  const [channels, height, width] = shape;
  const imageBytes = channels * height * width;
  if (!shape.every((length) => Number.isInteger(length) && length > 0)) {
    throw new SelfgradError(
      'ERR_OPTION',
      `Expected three positive integers for shape but received [${shape.join(', ')}].`,
      {
        fix: 'Give [channels, height, width].',
      },
    );
  }
  if (images.length !== labels.length * imageBytes) {
    throw new SelfgradError(
      'ERR_OPTION',
      `Expected ${labels.length * imageBytes} values (${labels.length} labels × ${shape.join('×')}) for images but received ${images.length}.`,
      { fix: 'Give one label for each image, and shape as [channels, height, width].' },
    );
  }
  const floats = images instanceof Float32Array || images instanceof Float64Array;
  const pixels = floats
    ? quantise(images, imageBytes)
    : new Uint8Array(images.buffer, images.byteOffset, images.length);
  const { classes } = options;
  return {
    name,
    split,
    count: labels.length,
    channels,
    height,
    width,
    classes: typeof classes === 'number' ? Array.from({ length: classes }, (_, i) => String(i)) : classes,
    note: floats ? 'floats rounded to 256 levels' : null,
    async *[Symbol.asyncIterator](): AsyncGenerator<ImageBatch, void> {
      yield {
        images: pixels,
        labels: toIntegers(labels),
        indices: Int32Array.from({ length: labels.length }, (_, i) => i),
      };
    },
  };
}

function toIntegers(labels: ArrayLike<number>): Int32Array {
  const integers = Int32Array.from(labels);
  const wrong = integers.findIndex((label, i) => label !== labels[i]);
  if (wrong === -1) return integers;
  throw new SelfgradError(
    'ERR_LABEL',
    `Expected an integer for label ${wrong} but received ${labels[wrong]}.`,
    {
      fix: 'A label is the place of its class in the list of classes.',
    },
  );
}
