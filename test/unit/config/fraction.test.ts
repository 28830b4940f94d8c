import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatEps, parseFraction } from '../../../src/config/fraction.ts';

describe('parseFraction', () => {
  it.each([
    ['8/255', 8 / 255],
    [' 8 / 255 ', 8 / 255],
    ['0.5', 0.5],
    ['.5/2', 0.25],
    ['1e-3', 1e-3],
    [0.25, 0.25],
  ])('reads %j', (text, value) => {
    expect(parseFraction(text)).toBe(value);
  });

  it.each(['', '/', '8/', '/255', '8/0', '-1', '8//255', '8/255/2', '0x10', 'eight', '1+1', 'NaN', '1e999'])(
    'refuses %j',
    (text) => {
      expect(parseFraction(text)).toBeUndefined();
    },
  );

  it.each([Number.NaN, Number.POSITIVE_INFINITY, true, null, undefined, {}, [8]])('refuses %s', (value) => {
    expect(parseFraction(value)).toBeUndefined();
  });

  it('equals the quotient of its parts', () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.integer({ min: 1, max: 100_000 }), (a, b) => {
        expect(parseFraction(`${a}/${b}`)).toBe(a / b);
      }),
    );
  });

  it('never throws and never gives anything but a finite number that is not negative', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const value = parseFraction(text);
        expect(value === undefined || (Number.isFinite(value) && value >= 0)).toBe(true);
      }),
    );
  });
});

describe('formatEps', () => {
  it.each([
    [8 / 255, '8/255'],
    [0.5 / 255, '0.5/255'],
    [128 / 255, '128/255'],
    [0.1, '0.1'],
    [0.3, '0.3'],
    [3 * 0.1, '0.3'],
    [0.75 * 0.1, '0.075'],
    [0, '0'],
    [1, '1'],
    [0.123456789, '0.123456789'],
  ])('shows %d as %s', (value, text) => {
    expect(formatEps(value)).toBe(text);
  });

  it('is read back as the value it shows', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.nat(510).map((k) => k / 510),
          fc.double({ min: 0, max: 4, noNaN: true }),
        ),
        (value) => {
          expect(Math.abs(parseFraction(formatEps(value))! - value)).toBeLessThan(1e-11);
        },
      ),
    );
  });
});
