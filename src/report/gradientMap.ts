/** The gradient of the loss at an image as a signed map: blue where brightening a pixel lowers the loss, orange where it raises it. */
import type { Shape } from './png.ts';

/**
 * RGB in [0, 1] at the ends and in the middle of the scale. The hues are Okabe and Ito's, apart for colour-blind readers; blue
 * is darker and orange lighter than the grey between, so that the sign survives print in grey, on a light and on a dark page.
 */
const lowest = [0, 0.24, 0.55] as const;
const zero = [0.5, 0.5, 0.5] as const;
const highest = [1, 0.72, 0.1] as const;

/** A drawn gradient. */
export interface GradientMap {
  /** 3·H·W, RGB in [0, 1]. */
  pixels: number[];
  /** The largest magnitude, loss a unit of brightness; it has the full colour. 0 where the gradient vanishes. */
  largest: number;
}

/**
 * Draws a gradient, linear from 0 (grey) to its largest magnitude.
 *
 * @param gradient C·H·W. Channels are added: the sum is what the loss gains when the pixel brightens in all of them.
 */
export function gradientMap(gradient: readonly number[], [channels, height, width]: Shape): GradientMap {
  const plane = height * width;
  const slopes = Array.from({ length: plane }, (_, pixel) => {
    let sum = 0;
    for (let channel = 0; channel < channels; channel++) sum += gradient[channel * plane + pixel]!;
    return sum;
  });
  const largest = slopes.reduce((most, slope) => Math.max(most, Math.abs(slope)), 0);
  const pixels = [0, 1, 2].flatMap((colour) =>
    slopes.map((slope) => {
      const share = largest === 0 ? 0 : Math.abs(slope) / largest;
      return zero[colour]! + share * ((slope < 0 ? lowest : highest)[colour]! - zero[colour]!);
    }),
  );
  return { pixels, largest };
}
