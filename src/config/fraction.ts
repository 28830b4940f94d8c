/** Sizes in pixel units, written as the field writes them: `8/255`. */
import { z } from 'zod';
import { type Bounds, type OptionText, sentence } from './option.ts';

/** A number, or a fraction of two decimal numbers such as `'8/255'`. */
export type Fraction = number | string;

const pattern = /^\s*(\d+(?:\.\d*)?|\.\d+)(?:[eE]([+-]?\d+))?\s*(?:\/\s*(\d+(?:\.\d*)?|\.\d+)\s*)?$/;

/** The value of a fraction, or undefined when it is not one (or divides by zero, or is not finite). */
export function parseFraction(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value !== 'string') return undefined;
  const match = pattern.exec(value);
  if (!match) return undefined;
  const numerator = Number(`${match[1]}e${match[2] ?? 0}`);
  const denominator = match[3] === undefined ? 1 : Number(match[3]);
  const result = numerator / denominator;
  return Number.isFinite(result) ? result : undefined;
}

/**
 * `0.0313725…` → `8/255`, `0.1` → `0.1`: k/255 where k is within 1e-9 of an integer or half-integer, unless the
 * decimal number is as short as the fraction. The noise of a product such as 0.75 · 0.1 is not shown.
 */
export function formatEps(value: number): string {
  const decimal = `${Number(value.toPrecision(12))}`;
  const k = Math.round(value * 255 * 2) / 2;
  return decimal.length > 6 && k !== 0 && Math.abs(value * 255 - k) < 1e-9 ? `${k}/255` : decimal;
}

/** @internal A schema that accepts a `Fraction` and gives its value. */
export function fraction(options: OptionText & Pick<Bounds, 'gt' | 'gte'>) {
  const expected = `a number or fraction ${options.gt === undefined ? `>= ${options.gte ?? 0}` : `> ${options.gt}`}`;
  const refusal = (issue: { input?: unknown }) =>
    sentence(expected, '{path}', issue.input, options.fix?.(issue.input) ?? "Write 0.03 or '8/255'.");
  const inRange = (value: unknown) => {
    const number = parseFraction(value);
    return (
      number !== undefined && (options.gt === undefined ? number >= (options.gte ?? 0) : number > options.gt)
    );
  };
  return z
    .union([z.number(), z.string().meta({ pattern: pattern.source })], { error: refusal })
    .refine(inRange, { error: refusal })
    .transform((value) => parseFraction(value) as number)
    .meta({ description: options.description, expected });
}
