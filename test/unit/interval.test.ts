import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SelfgradError } from '../../src/errors.ts';
import { pairedDifference, rate } from '../../src/interval.ts';

const counts = fc
  .integer({ min: 1, max: 1_000_000 })
  .chain((count) => fc.tuple(fc.integer({ min: 0, max: count }), fc.constant(count)));

describe('rate', () => {
  // R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3 (Wilson score).
  test.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ])('%i of %i has the published interval [%f, %f]', (correct, count, low, high) => {
    const result = rate(correct, count);
    expect(result.low).toBeCloseTo(low, 4);
    expect(result.high).toBeCloseTo(high, 4);
    expect(result.rate).toBe(correct / count);
  });

  test('nothing counted leaves everything open', () => {
    expect(rate(0, 0)).toEqual({ correct: 0, count: 0, rate: 0, low: 0, high: 1 });
  });

  test('the interval contains the rate and lies within [0, 1]', () => {
    fc.assert(
      fc.property(counts, ([correct, count]) => {
        const { low, rate: share, high } = rate(correct, count);
        return 0 <= low && low <= share && share <= high && high <= 1 && low < high;
      }),
    );
  });

  test('the interval narrows when the same share is seen in more images', () => {
    fc.assert(
      fc.property(counts, fc.integer({ min: 2, max: 100 }), ([correct, count], times) => {
        const few = rate(correct, count);
        const many = rate(correct * times, count * times);
        return many.high - many.low < few.high - few.low;
      }),
    );
  });

  test('right and wrong mirror each other', () => {
    fc.assert(
      fc.property(counts, ([correct, count]) => {
        const right = rate(correct, count);
        const wrong = rate(count - correct, count);
        expect(right.low).toBeCloseTo(1 - wrong.high, 12);
        expect(right.high).toBeCloseTo(1 - wrong.low, 12);
      }),
    );
  });

  test.each([
    [5, 4, 'Expected a whole number in 0 … 4 for correct but received 5 (number).'],
    [-1, 4, 'Expected a whole number in 0 … 4 for correct but received -1 (number).'],
    [1.5, 4, 'Expected a whole number in 0 … 4 for correct but received 1.5 (number).'],
    [0, -1, 'Expected a whole number ≥ 0 for count but received -1 (number).'],
    [0, Number.NaN, 'Expected a whole number ≥ 0 for count but received NaN (number).'],
  ])('refuses %d of %d', (correct, count, message) => {
    expect(() => rate(correct, count)).toThrow(new SelfgradError('ERR_NATIVE', message));
  });
});

describe('pairedDifference', () => {
  const flags = (both: number, only: number, onlyOther: number, neither: number) => {
    const kinds = [
      [both, true, true],
      [only, true, false],
      [onlyOther, false, true],
      [neither, false, false],
    ] as const;
    const mine = kinds.flatMap(([count, own]) => Array.from({ length: count }, () => own));
    const other = kinds.flatMap(([count, , theirs]) => Array.from({ length: count }, () => theirs));
    return pairedDifference(mine, other);
  };

  test('is the difference of the two shares', () => {
    expect(flags(30, 12, 4, 54)).toMatchObject({ value: 0.08, only: 12, onlyOther: 4 });
  });

  test('agrees with a case computed by hand', () => {
    // (8 ± 1.96 √(17 − 64/102)) / 102
    const { low, high } = flags(30, 12, 4, 54);
    expect(low).toBeCloseTo((8 - 1.959964 * Math.sqrt(17 - 64 / 102)) / 102, 6);
    expect(high).toBeCloseTo((8 + 1.959964 * Math.sqrt(17 - 64 / 102)) / 102, 6);
  });

  test('is narrower than two intervals of their own when runs mostly agree', () => {
    const { value, low, high } = flags(400, 60, 20, 520);
    expect(low).toBeGreaterThan(0);
    expect(rate(460, 1000).low).toBeLessThan(rate(420, 1000).high);
    expect(value).toBeCloseTo(0.04);
    expect(high).toBeLessThan(0.06);
  });

  test('turns its sign with its arguments', () => {
    const [a, b] = [flags(5, 3, 9, 4), flags(5, 9, 3, 4)];
    expect([a.value, a.low, a.high]).toEqual([-b.value, -b.high, -b.low]);
  });

  test('knows little from one image, and stays in -1 … 1', () => {
    expect(flags(0, 1, 0, 0)).toMatchObject({ value: 1, high: 1 });
    expect(flags(0, 1, 0, 0).low).toBeLessThan(0);
    expect(flags(0, 0, 0, 3).high).toBeGreaterThan(0);
  });

  test('refuses different lengths and none', () => {
    expect(() => pairedDifference([true], [])).toThrow('Expected the same images twice');
    expect(() => pairedDifference([], [])).toThrow('Expected the same images twice');
  });
});
