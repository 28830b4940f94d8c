/** Means over seeds and images, against what can be computed by hand. */
import { expect, test } from 'vitest';
import { seedMean } from '../../../src/sweep/seedMean.ts';

test('with one seed it is the normal interval of a share', () => {
  const run = Array.from({ length: 100 }, (_, i) => i < 30);
  const { mean, half } = seedMean([run]);
  expect(mean).toBe(0.3);
  expect(half).toBeCloseTo(1.959963984540054 * Math.sqrt((0.3 * 0.7) / 99), 12);
});

test("seeds that each hold all images to one answer differ by Student's interval alone", () => {
  const constant = (value: boolean) => [value, value];
  const { mean, half } = seedMean([constant(true), constant(false), constant(false)]);
  expect(mean).toBeCloseTo(1 / 3, 12);
  // Standard deviation 1/√3, of three values.
  expect(half).toBeCloseTo((4.303 * Math.sqrt(1 / 3)) / Math.sqrt(3), 12);
});

test('both sources add up', () => {
  const runs = [
    [true, false, true, true],
    [true, false, false, true],
  ];
  const images = ((1 - 0.625) ** 2 * 2 + 0.625 ** 2 + 0.125 ** 2) / 3 / 4;
  const seeds = (2 * 0.125 ** 2) / 2;
  expect(seedMean(runs)).toEqual({
    mean: 0.625,
    half: expect.closeTo(Math.sqrt(1.959963984540054 ** 2 * images + 12.706 ** 2 * seeds), 10),
  });
});

test('all alike is certain', () => {
  expect(
    seedMean([
      [true, true],
      [true, true],
    ]),
  ).toEqual({ mean: 1, half: 0 });
});
