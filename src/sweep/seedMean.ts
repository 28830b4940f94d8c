/**
 * Means over seeds and images. The same images are looked at in every run, so two sources of chance are kept apart:
 * which images the test set holds, and which seeds were drawn. Both count.
 */

export interface SeedMean {
  /** A share, 0 … 1. */
  mean: number;
  /** Half of the 95 % interval. */
  half: number;
}

const normal = 1.959963984540054;
/** The 97.5 % quantile of Student's distribution for 1 … 9 degrees of freedom. */
const student = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262];

/** The variance of the mean of independent values; that of one value is not known, and taken as 0. */
function spread(values: readonly number[], centre: number): number {
  const squares = values.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  return values.length < 2 ? 0 : squares / (values.length - 1) / values.length;
}

/**
 * The mean of `runs[seed][image]`, and its interval from the variances over images and over seeds, each with its
 * quantile; with one seed from the images alone.
 *
 * @param runs one or more, of the same images
 * @example seedMean([[true, false, true, true], [true, false, false, true]]) // mean 0.625
 */
export function seedMean(runs: readonly (readonly boolean[])[]): SeedMean {
  const seeds = runs.map((run) => run.filter(Boolean).length / run.length);
  const mean = seeds.reduce((sum, share) => sum + share, 0) / seeds.length;
  const images = runs[0]!.map((_, i) => runs.filter((run) => run[i]).length / runs.length);
  const quantile = student[seeds.length - 2] ?? normal;
  return {
    mean,
    half: Math.sqrt(normal ** 2 * spread(images, mean) + quantile ** 2 * spread(seeds, mean)),
  };
}
