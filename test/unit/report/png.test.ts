import { decode } from 'fast-png';
import { describe, expect, test } from 'vitest';
import { pngDataUri } from '../../../src/report/png.ts';

function pixelsOf(uri: string): { size: [number, number]; channels: number; data: number[] } {
  const prefix = 'data:image/png;base64,';
  expect(uri.startsWith(prefix)).toBe(true);
  const { width, height, channels, data } = decode(Buffer.from(uri.slice(prefix.length), 'base64'));
  return { size: [width, height], channels, data: [...data] };
}

describe('pngDataUri', () => {
  test('draws one channel in grey, row by row, rounded to 8 bits', () => {
    expect(pixelsOf(pngDataUri([0, 0.5, 1, 0.25, 0.75, 0.1], [1, 2, 3]))).toEqual({
      size: [3, 2],
      channels: 1,
      data: [0, 128, 255, 64, 191, 26],
    });
  });

  test('interleaves three planes as RGB', () => {
    expect(pixelsOf(pngDataUri([1, 0, 0, 1, 0, 0.2], [3, 1, 2]))).toEqual({
      size: [2, 1],
      channels: 3,
      data: [255, 0, 0, 0, 255, 51],
    });
  });

  test('draws the mean of any other number of channels', () => {
    expect(pixelsOf(pngDataUri([1, 0, 0, 0.2], [2, 1, 2])).data).toEqual([128, 26]);
  });

  test('clips what lies outside [0, 1]', () => {
    expect(pixelsOf(pngDataUri([-0.5, 1.5], [1, 1, 2])).data).toEqual([0, 255]);
  });
});
