import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { gradientMap } from '../../../src/report/gradientMap.ts';

const grey = [0.5, 0.5, 0.5];
const blue = [0, 0.24, 0.55];
const orange = [1, 0.72, 0.1];

/** The colours of a map, pixel by pixel. */
function colours(gradient: number[], shape: [number, number, number]): number[][] {
  const { pixels } = gradientMap(gradient, shape);
  const plane = pixels.length / 3;
  return Array.from({ length: plane }, (_, pixel) =>
    [0, 1, 2].map((colour) => Number(pixels[colour * plane + pixel]!.toFixed(9))),
  );
}

/** Of linear light, as WCAG has it. */
function luminance(colour: readonly number[]): number {
  const linear = colour.map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * linear[0]! + 0.7152 * linear[1]! + 0.0722 * linear[2]!;
}

describe('gradientMap', () => {
  test('gives the largest magnitude its full colour, nothing grey, and half of it the mean of the two', () => {
    expect(colours([-0.4, 0, 0.2, 0.4], [1, 2, 2])).toEqual([blue, grey, [0.75, 0.61, 0.3], orange]);
    expect(gradientMap([-0.4, 0, 0.2, 0.1], [1, 2, 2]).largest).toBe(0.4);
  });

  test('adds channels', () => {
    // Two pixels of three channels: 1 + 2 - 1 and 3 - 3 + 0.
    expect(colours([1, 3, 2, -3, -1, 0], [3, 1, 2])).toEqual([orange, grey]);
    expect(gradientMap([1, 3, 2, -3, -1, 0], [3, 1, 2]).largest).toBe(2);
  });

  test('is grey where the gradient vanishes', () => {
    expect(gradientMap([0, -0], [1, 1, 2])).toEqual({ pixels: [...grey, ...grey], largest: 0 });
  });

  test('depends on the scale of the gradient in nothing but its largest value', () => {
    const slopes = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(slopes, (gradient) => {
        const scaled = gradient.map((value) => value * 2 ** -40);
        expect(colours(scaled, [1, 2, 2])).toEqual(colours(gradient, [1, 2, 2]));
      }),
    );
  });

  test('tells the sign by brightness as well, for print in grey and for those who see no hue', () => {
    const [low, middle, high] = [blue, grey, orange].map(luminance) as [number, number, number];
    expect((middle + 0.05) / (low + 0.05)).toBeGreaterThan(1.8);
    expect((high + 0.05) / (middle + 0.05)).toBeGreaterThan(1.8);
  });
});
