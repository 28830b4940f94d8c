/**
 * Means over seeds and images with their 95 % intervals. The same images are attacked in every run, so two sources of
 * chance are kept apart: which images the test set holds (the variance of the images' means over seeds), and which
 * seeds were drawn (the variance of the seeds' means, with Student's quantile for the few there are). Both count.
 */

const normalQuantile = 1.959963984540054;
/** The 97.5 % quantile of Student's distribution for 1 … 9 degrees of freedom. */
const studentQuantiles = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262];

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The variance of the mean of independent values. */
function varianceOfMean(values) {
  const centre = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  return squares / (values.length - 1) / values.length;
}

/**
 * The mean of `runs[seed][image]` and its interval; with one seed, of the images alone.
 *
 * @example meanInterval([[1, 0, 1, 1], [1, 0, 0, 1]]) // { mean: 0.625, half: …, seeds: 2 }
 */
export function meanInterval(runs) {
  const images = runs[0].map((_, i) => mean(runs.map((run) => run[i])));
  const seeds = runs.map(mean);
  let variance = normalQuantile ** 2 * varianceOfMean(images);
  if (seeds.length > 1) {
    const quantile = studentQuantiles[seeds.length - 2] ?? normalQuantile;
    variance += quantile ** 2 * varianceOfMean(seeds);
  }
  return { mean: mean(seeds), half: Math.sqrt(variance), seeds: seeds.length };
}

/** The mean of a - b, image by image and seed by seed, and its interval. */
export function pairedInterval(a, b) {
  return meanInterval(a.map((run, s) => run.map((value, i) => value - b[s][i])));
}
