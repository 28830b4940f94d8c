/** Which dimension of a tensor of images is which, and images of any order as N·C·H·W. */
import { SelfgradError } from '../errors.ts';
import { describeType } from './elementType.ts';
import type { TensorFacts } from './tensor.ts';

/** `nchw`: channels before the pixels, `nhwc`: channels last. */
export type Layout = 'nchw' | 'nhwc';

export const layouts = ['nchw', 'nhwc'] as const satisfies readonly Layout[];

export interface ImageGeometry {
  count: number;
  channels: number;
  height: number;
  width: number;
  layout: Layout;
}

/**
 * Reads the shape (N,H,W), (N,C,H,W) or (N,H,W,C) of images.
 * Errors: `ERR_DATA` for another type or shape, and where both orders are possible.
 * @param place for messages
 */
export function imageGeometry(
  { type, shape }: TensorFacts,
  layout: Layout | null,
  place: string,
): ImageGeometry {
  const found = `${describeType(type)} of shape ${shape.join('×') || '()'}`;
  const [count = 0, a = 0, b = 0, c = 0] = shape;
  const pixels = (type.kind === 'u' && type.bytes === 1) || type.kind === 'f';
  if (!pixels || (shape.length !== 3 && shape.length !== 4) || shape.slice(1).includes(0)) {
    throw new SelfgradError(
      'ERR_DATA',
      `Expected images of uint8 or float and of shape N×H×W, N×C×H×W or N×H×W×C for ${place} but received ${found}.`,
      { fix: 'Give the name of the images as data.images, or save them so.' },
    );
  }
  if (shape.length === 3) return { count, channels: 1, height: a, width: b, layout: 'nchw' };
  const first = a === 1 || a === 3;
  const last = c === 1 || c === 3;
  if (layout === null && first === last) {
    throw new SelfgradError(
      'ERR_DATA',
      `Expected one dimension of 1 or 3 channels, second or last, for ${place} but received ${found}.`,
      { fix: 'Set data.layout to nchw or nhwc.' },
    );
  }
  return (layout ?? (first ? 'nchw' : 'nhwc')) === 'nchw'
    ? { count, channels: a, height: b, width: c, layout: 'nchw' }
    : { count, channels: c, height: a, width: b, layout: 'nhwc' };
}

/** Whole images of a layout as NCHW. */
export function toPlanes(
  images: Uint8Array,
  { channels, height, width, layout }: Omit<ImageGeometry, 'count'>,
): Uint8Array {
  if (layout === 'nchw' || channels === 1) return images;
  const plane = height * width;
  const planes = new Uint8Array(images.length);
  for (let start = 0; start < images.length; start += plane * channels) {
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < plane; i++)
        planes[start + c * plane + i] = images[start + i * channels + c] as number;
    }
  }
  return planes;
}
