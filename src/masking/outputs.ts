/** Checks that look at the logits alone: are they the same each time, of each image alone, and logits at all? */
import type { MaskingCheck } from '../maskingAnalysis.ts';
import { check } from './check.ts';

/** The largest difference of two outputs, as a share of the largest logit. */
function difference(a: Float32Array, b: Float32Array): number {
  let largest = 0;
  let size = 0;
  for (let i = 0; i < a.length; ++i) {
    largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
    size = Math.max(size, Math.abs(a[i]!));
  }
  return size === 0 ? largest : largest / size;
}

/** @param again the outputs of the same call a second time */
export function randomisedOutputs(logits: Float32Array, again: Float32Array): MaskingCheck {
  const found = difference(logits, again);
  return check(
    'randomised-outputs',
    found > 1e-5,
    `two calls differ by ${found.toExponential(1)} of the largest logit`,
    { difference: found },
  );
}

/** @param alone the outputs of each image in a batch of its own */
export function batchNeighbours(logits: Float32Array, alone: Float32Array): MaskingCheck {
  const found = difference(logits.subarray(0, alone.length), alone);
  return check(
    'batch-neighbours',
    found > 1e-3,
    `an image alone and in a batch: ${found.toExponential(1)} of the largest logit`,
    { difference: found },
  );
}

/** Softmax was applied already: every row is non-negative and sums to one. */
export function probabilities(logits: Float32Array, classes: number): MaskingCheck {
  const rows = Array.from({ length: logits.length / classes }, (_, i) =>
    logits.subarray(i * classes, (i + 1) * classes),
  );
  const like = rows.filter(
    (row) => row.every((z) => z >= 0) && Math.abs(row.reduce((sum, z) => sum + z, 0) - 1) < 1e-3,
  ).length;
  const found = like / rows.length;
  return check('probabilities', found > 0.99, `${like} of ${rows.length} outputs look like probabilities`, {
    share: found,
  });
}
