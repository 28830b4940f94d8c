/**
 * Shares with their uncertainty. Every accuracy that selfgrad reports is a count of images, so it carries
 * the Wilson score interval, which stays inside [0, 1] and holds for counts near none or all.
 */
import { SelfgradError } from './errors.ts';
import type { Rate } from './evaluation.ts';

/** The 97.5 % quantile of the standard normal distribution: two-sided 95 %. */
const z = 1.959963984540054;

/**
 * The share `correct / count` with its 95 % Wilson interval (E. B. Wilson, 1927), all in [0, 1].
 *
 * No image tells nothing: a count of 0 gives a rate of 0 with the interval [0, 1].
 *
 * @throws SelfgradError `ERR_NATIVE` when the counts are not whole numbers with 0 ≤ correct ≤ count.
 * @example rate(81, 263) // { correct: 81, count: 263, rate: 0.308, low: 0.2553, high: 0.3662 }
 */
export function rate(correct: number, count: number): Rate {
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new SelfgradError(
      'ERR_NATIVE',
      `Expected a whole number ≥ 0 for count but received ${count} (${typeof count}).`,
    );
  }
  if (!Number.isSafeInteger(correct) || correct < 0 || correct > count) {
    throw new SelfgradError(
      'ERR_NATIVE',
      `Expected a whole number in 0 … ${count} for correct but received ${correct} (${typeof correct}).`,
    );
  }
  if (count === 0) return { correct, count, rate: 0, low: 0, high: 1 };
  const share = correct / count;
  const scale = 1 + (z * z) / count;
  const centre = (share + (z * z) / (2 * count)) / scale;
  const half = (z / scale) * Math.sqrt((share * (1 - share)) / count + (z * z) / (4 * count * count));
  // At the ends the formula is exact only up to rounding: the interval must contain the share itself.
  return {
    correct,
    count,
    rate: share,
    low: correct === 0 ? 0 : Math.max(0, Math.min(share, centre - half)),
    high: correct === count ? 1 : Math.min(1, Math.max(share, centre + half)),
  };
}

/** How much larger one share is than another on the same images, with its 95 % interval; all in -1 … 1. */
export interface Difference {
  value: number;
  low: number;
  high: number;
  /** Images that only the one has, and only the other. */
  only: number;
  onlyOther: number;
}

/**
 * The paired difference of two shares, image by image, with the 95 % interval of Agresti and Min (2005,
 * doi 10.1002/sim.1781): Wald's, with half an image added to each of the four kinds.
 *
 * @param mine per image whether it counts
 * @param other the same images in the same order
 * @throws SelfgradError `ERR_NATIVE` when the lengths differ or are 0
 */
export function pairedDifference(mine: readonly boolean[], other: readonly boolean[]): Difference {
  if (mine.length !== other.length || mine.length === 0) {
    throw new SelfgradError(
      'ERR_NATIVE',
      `Expected the same images twice but received ${mine.length} and ${other.length}.`,
    );
  }
  const only = mine.filter((counts, i) => counts && !other[i]).length;
  const onlyOther = other.filter((counts, i) => counts && !mine[i]).length;
  const count = mine.length + 2;
  const centre = (only - onlyOther) / count;
  const variance = (only + onlyOther + 1) / count ** 2 - centre ** 2 / count;
  const half = z * Math.sqrt(variance);
  return {
    value: (only - onlyOther) / mine.length,
    low: Math.max(-1, centre - half),
    high: Math.min(1, centre + half),
    only,
    onlyOther,
  };
}
