/** Images of the report: float pixels to PNG data URIs, so that the file needs nothing beside itself. */
import { encode } from 'fast-png';

/** Channels, height, width. */
export type Shape = readonly [number, number, number];

/**
 * A PNG data URI of one image. Three channels are drawn as RGB, any other number as the grey of their mean.
 *
 * @param pixels C·H·W values; what lies outside [0, 1] is clipped.
 */
export function pngDataUri(pixels: readonly number[], [channels, height, width]: Shape): string {
  const plane = height * width;
  const colours = channels === 3 ? 3 : 1;
  const data = new Uint8Array(plane * colours);
  for (let pixel = 0; pixel < plane; pixel++) {
    for (let colour = 0; colour < colours; colour++) {
      const value = colours === 3 ? pixels[colour * plane + pixel]! : mean(pixels, pixel, channels, plane);
      data[pixel * colours + colour] = Math.round(Math.min(1, Math.max(0, value)) * 255);
    }
  }
  const png = encode({ width, height, data, channels: colours, depth: 8 });
  return `data:image/png;base64,${Buffer.from(png).toString('base64')}`;
}

function mean(pixels: readonly number[], pixel: number, channels: number, plane: number): number {
  let sum = 0;
  for (let channel = 0; channel < channels; channel++) sum += pixels[channel * plane + pixel]!;
  return sum / channels;
}
