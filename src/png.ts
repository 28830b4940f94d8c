/** Images as PNG files: what is saved has 8 bits a channel, which an adversarial image must survive. */
import { encode } from 'fast-png';

/** [channels, height, width] */
export type ImageShape = readonly [number, number, number];

/** [0, 1] → the nearest of 256 levels. */
export function toBytes(pixels: Float32Array): Uint8Array {
  return Uint8Array.from(pixels, (value) => Math.round(Math.min(1, Math.max(0, value)) * 255));
}

/** The PNG of one CHW image with 1, 3 or 4 channels. */
export function encodePng(bytes: Uint8Array, [channels, height, width]: ImageShape): Uint8Array {
  const data = new Uint8Array(bytes.length);
  const area = height * width;
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < area; i++) data[i * channels + c] = bytes[c * area + i]!;
  }
  return encode({ width, height, channels, data, depth: 8 });
}
