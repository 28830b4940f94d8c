/** Values of many images in five figures. */
import type { Distribution } from './stabilityAnalysis.ts';

/** The `share` quantile of ascending values, interpolated linearly between neighbours. */
function quantile(sorted: readonly number[], share: number): number {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (place - below) * (sorted[above]! - sorted[below]!);
}

/**
 * Mean and quantiles of the finite ones among `values`; the others are left out and lower the count.
 *
 * @example distribution([1, 2, 3]) // { count: 3, mean: 2, p5: 1.1, median: 2, p95: 2.9 }
 */
export function distribution(values: Iterable<number>): Distribution {
  const sorted = [...values].filter(Number.isFinite).sort((a, b) => a - b);
  const count = sorted.length;
  if (count === 0) return { count, mean: null, p5: null, median: null, p95: null };
  return {
    count,
    mean: sorted.reduce((sum, value) => sum + value, 0) / count,
    p5: quantile(sorted, 0.05),
    median: quantile(sorted, 0.5),
    p95: quantile(sorted, 0.95),
  };
}
