/** Floats to the 256 levels in which the core keeps pixels. */
import { SelfgradError } from '../errors.ts';

/**
 * Rounds pixels in [0, 1] to the nearest of 256 levels.
 * Errors: `ERR_PIXELS` for a value outside [0, 1] or NaN.
 * @param imageBytes values of one image
 * @param firstImage number of the first image, for the message
 */
export function quantise(
  images: Float32Array | Float64Array,
  imageBytes: number,
  firstImage = 0,
  name = 'images',
): Uint8Array {
  // Written so that NaN is caught as well.
  const wrong = images.findIndex((pixel) => !(pixel >= 0 && pixel <= 1));
  if (wrong !== -1) {
    throw new SelfgradError(
      'ERR_PIXELS',
      `Expected pixels in [0, 1] for ${name} but received ${images[wrong]} in image ${firstImage + Math.floor(wrong / imageBytes)} (value ${firstImage * imageBytes + wrong}).`,
      { fix: 'Divide bytes by 255 and leave normalisation to the model: its first layer does it.' },
    );
  }
  return Uint8Array.from(images, (pixel) => Math.round(pixel * 255));
}
