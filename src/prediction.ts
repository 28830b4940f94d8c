/** What a network says about images: its logits, and per image the class that they mean. */
import { SelfgradError } from './errors.ts';

/** The class of one image. */
export interface Prediction {
  /** Index of the largest logit; the first of equal ones. */
  label: number;
  className: string;
  /** Softmax probability of `label`. Networks are often surer than they are right: it is no chance of being right. */
  confidence: number;
}

/** The answer to a batch of N images, in their order. */
export interface PredictResult {
  /** N·classes values, image by image. */
  logits: Float32Array;
  /** [N, classes]. */
  shape: [count: number, classes: number];
  predictions: Prediction[];
}

function predictionOf(logits: Float32Array, classes: readonly string[]): Prediction {
  let label = 0;
  for (const [place, logit] of logits.entries()) if (logit > logits[label]!) label = place;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - logits[label]!);
  return { label, className: classes[label]!, confidence: 1 / sum };
}

/**
 * Reads N·classes logits as predictions; `classes` are the names in the order of the logits.
 *
 * @throws SelfgradError `ERR_NUMERIC` for a logit that is not finite
 */
export function readLogits(logits: Float32Array, classes: readonly string[]): PredictResult {
  const strange = logits.findIndex((logit) => !Number.isFinite(logit));
  if (strange !== -1) {
    throw new SelfgradError(
      'ERR_NUMERIC',
      `Expected finite logits but received ${logits[strange]} for image ${Math.floor(strange / classes.length)}.`,
      { fix: 'The weights are damaged or diverged in training: load another model.' },
    );
  }
  const count = logits.length / classes.length;
  const row = (i: number) => logits.subarray(i * classes.length, (i + 1) * classes.length);
  return {
    logits,
    shape: [count, classes.length],
    predictions: Array.from({ length: count }, (_, i) => predictionOf(row(i), classes)),
  };
}
