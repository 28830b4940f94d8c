/** From repetitions to what is shown: medians with their spread, ratios within each repetition, shares of the peak. */
import { contenders } from './cases.mjs';

/** The value below which a share `q` of the values lies, interpolated between neighbours. */
export function quantile(values, q) {
  const sorted = values.toSorted((a, b) => a - b);
  const place = q * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

/** @example spread([3, 1, 2]) // { median: 2, min: 1, q1: 1.5, q3: 2.5, max: 3 } */
export function spread(values) {
  const [min, q1, median, q3, max] = [0, 0.25, 0.5, 0.75, 1].map((q) => quantile(values, q));
  return { median, min, q1, q3, max };
}

const imagesPerSecond = ({ images, seconds }) => images / seconds;
const imagesPerCpuSecond = ({ images, cpuSeconds }) => images / cpuSeconds;

/** Forward, backward to the image and backward to the weights each count as one forward's operations. */
function gflops({ passes: { forward, backward, weightGradients }, seconds }, flops) {
  return (flops * (forward + backward + weightGradients)) / seconds / 1e9;
}

/**
 * Of one measured case: for each contender images a second, GFLOP/s and memory; for each of PyTorch's two the ratios
 * of selfgrad to it, `images` by images a second, `work` by operations a second (equal where both do the same work), and
 * `cpu` by images a second of CPU time, which neighbours on the machine disturb less.
 */
export function summarize({ repetitions, flops }) {
  const each = (name, value) => repetitions.map((repetition) => value(repetition[name]));
  const rate = (measured) => gflops(measured, flops);
  const ratio = (name, value) =>
    spread(repetitions.map((repetition) => value(repetition.selfgrad) / value(repetition[name])));
  return {
    ...Object.fromEntries(
      contenders.map((name) => [
        name,
        {
          imagesPerSecond: spread(each(name, imagesPerSecond)),
          gflops: spread(each(name, rate)),
          peakBytes: Math.max(...each(name, ({ peakBytes }) => peakBytes)),
          startBytes: Math.max(...each(name, ({ startBytes }) => startBytes)),
        },
      ]),
    ),
    ratios: Object.fromEntries(
      contenders
        .filter((name) => name !== 'selfgrad')
        .map((name) => [
          name,
          {
            images: ratio(name, imagesPerSecond),
            work: ratio(name, rate),
            cpu: ratio(name, imagesPerCpuSecond),
          },
        ]),
    ),
  };
}

/** The machine's peak in GFLOP/s: the highest that any repetition with this precision and so many threads reached. */
export function peakOf(results, { precision, settings: { threads } }) {
  const alike = results.filter((one) => one.precision === precision && one.settings.threads === threads);
  return Math.max(...alike.flatMap(({ repetitions }) => repetitions.map(({ peak }) => peak.gflops)));
}

/** @throws Error when the contenders of a repetition did not do the same work or do not compute the same network */
export function checkEqualWork({ selfgrad, ...others }, evaluation) {
  for (const name of contenders.slice(1)) {
    const other = others[name];
    const [ours, theirs] = [selfgrad, other].map(({ images, passes }) =>
      JSON.stringify(evaluation ? { images } : { images, passes }),
    );
    if (ours !== theirs)
      throw new Error(`Expected equal work but selfgrad did ${ours} and ${name} ${theirs}.`);
    if (evaluation && Math.abs(other.logits / selfgrad.logits - 1) > 1e-3)
      throw new Error(
        `Expected the same logits but their mean square is ${selfgrad.logits} and ${other.logits} (${name}).`,
      );
  }
}
