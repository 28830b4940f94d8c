import { expect, test } from 'vitest';
import { distribution } from '../../src/distribution.ts';

test('quantiles are interpolated between neighbours', () => {
  expect(distribution([3, 1, 2])).toEqual({ count: 3, mean: 2, p5: 1.1, median: 2, p95: 2.9 });
  expect(distribution([4])).toEqual({ count: 1, mean: 4, p5: 4, median: 4, p95: 4 });
});

test('values that are not finite are left out and lower the count', () => {
  expect(distribution(Float64Array.of(NaN, 1, Infinity, 3))).toMatchObject({ count: 2, mean: 2, median: 2 });
});

test('of no value nothing is known', () => {
  expect(distribution([NaN])).toEqual({ count: 0, mean: null, p5: null, median: null, p95: null });
});
