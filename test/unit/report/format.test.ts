import { describe, expect, test } from 'vitest';
import { rate } from '../../../src/interval.ts';
import {
  duration,
  grouped,
  interval,
  optionText,
  passes,
  passPair,
  percent,
  threatText,
} from '../../../src/report/format.ts';

describe('format', () => {
  test.each([
    [0, '0'],
    [999, '999'],
    [1000, '1 000'],
    [1234567, '1 234 567'],
  ])('groups %d as %s', (count, text) => {
    expect(grouped(count)).toBe(text);
  });

  test.each([
    [40, '40'],
    [40_210, '40 210'],
    [140_210, '0.14 M'],
    [840_000, '0.84 M'],
    [12_345_678, '12.35 M'],
  ])('writes %d passes as %s', (count, text) => {
    expect(passes(count)).toBe(text);
  });

  test('leaves the backward passes of a black-box attack out', () => {
    expect(passPair({ forward: 1_520_000, backward: 0 })).toEqual(['1.52 M fwd', '']);
  });

  test('turns to minutes from ten minutes on', () => {
    expect([duration(599.94), duration(600)]).toEqual(['599.9 s', '10.0 min']);
  });

  test.each([
    [8 / 255, '8/255'],
    [2.5 / 255, '2.5/255'],
    [0.1, '0.1'],
    [0.2, '0.2'],
    [20, '20'],
    [1 / 3, '85/255'],
    [1 / 7, '0.142857'],
    [true, 'true'],
    ['ce', 'ce'],
  ])('shows the option %s as %s', (value, text) => {
    expect(optionText(value)).toBe(text);
  });

  test('writes rates in percent with their interval', () => {
    expect(percent(0.8412)).toBe('84.12 %');
    expect(interval(rate(81, 263))).toBe('25.53 … 36.62 %');
  });

  test('names the norm of the threat model', () => {
    expect(threatText({ norm: 'linf', eps: 8 / 255, epsText: '8/255' })).toBe('L∞ ≤ 8/255');
    expect(threatText({ norm: 'l2', eps: 0.5, epsText: '0.5' })).toBe('L2 ≤ 0.5');
  });
});
