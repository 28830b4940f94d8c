/** The result of an evaluation: what `evaluate()` resolves to, `evaluation.json` holds and the report draws. */
import type { MeasurementRecord } from './measurement.ts';
import type { NativeEvaluateEvent } from './native/measureBinding.ts';

/** A share of images with its 95 % Wilson interval; all in 0 … 1. */
export interface Rate {
  correct: number;
  count: number;
  rate: number;
  low: number;
  high: number;
}

/** Forward and backward passes, one example through the whole network each. */
export interface Passes {
  forward: number;
  backward: number;
}

/** The model that a transfer attack takes its gradients from. */
export interface AttackSource {
  architecture: string;
  path: string | null;
  sha256: string | null;
  /** Its own passes; those of the attacked model stand in `AttackResult.passes`. */
  passes: Passes;
}

export interface AttackResult {
  name: string;
  /** What was run, in pixel units: steps, alpha, restarts … as given. */
  options: Record<string, number | string | boolean>;
  /** Accuracy under this attack. */
  robust: Rate;
  attacked: number;
  broken: number;
  passes: Passes;
  seconds: number;
  /** fab, fab-t, deepfool and cw-l2 only: the median distance, in the norm of the attack, of the adversarial images that it found. */
  medianDistance: number | null;
  /** Those distances, in no order; empty for other attacks. */
  distances: number[];
  /** transfer only. */
  source?: AttackSource;
}

/** A list of attacks that ran as a cascade under one name. */
export interface SuiteResult extends Omit<AttackResult, 'medianDistance' | 'distances' | 'source'> {
  /** Its attacks, as indices into `Evaluation.attacks`, in the order in which they ran. */
  attacks: number[];
}

export interface AdversarialExample {
  /** Index in the evaluated split. */
  index: number;
  label: number;
  cleanPrediction: number;
  adversarialPrediction: number;
  cleanConfidence: number;
  adversarialConfidence: number;
  /** Name of the attack. */
  attack: string;
  /** C·H·W, [0, 1]. */
  image: number[];
  adversarial: number[];
  /**
   * C·H·W: the gradient of the cross-entropy at `image`, loss a unit of pixel value. Null where the model has none (a
   * function) or it is not finite; missing in evaluations of versions that did not keep it. Its passes are not counted.
   */
  gradient?: number[] | null;
}

export interface EpsPoint {
  eps: number;
  /** As written by the user or the schedule, e.g. `8/255`. */
  epsText: string;
  robust: Rate;
}

export interface Warning {
  code: string;
  message: string;
}

/** What each image came to, in the order of the split. */
export interface ImageOutcomes {
  /** Index of the first image in the split. */
  first: number;
  /** Images of the whole evaluation, of which a shard has a part. */
  total: number;
  /** The class that the clean image was taken for. */
  predictions: number[];
  /** -2: wrong before any attack, -1: robust, else the place in `attacks` of the first attack that broke it. */
  brokenBy: number[];
  /**
   * How many steps that attack had made from its start to the adversarial image (0: the start itself), those of earlier
   * restarts and targets included; for `square` queries, for `random` points. Null where nothing broke the image.
   */
  steps: (number | null)[];
  /**
   * The label's logit minus the largest other one on the adversarial image, in float32 by the recount, to six digits.
   * Null where nothing broke the image.
   */
  margins: (number | null)[];
}

export interface Evaluation extends MeasurementRecord {
  schema: 'selfgrad.evaluation/2';
  clean: Rate;
  attacks: AttackResult[];
  /** Each AutoAttack of the list; what it leaves standing is the AutoAttack accuracy. */
  suites: SuiteResult[];
  /** Worst case per image over all attacks. */
  robust: Rate;
  passes: Passes;
  seconds: number;
  /** Clean and robust accuracy of each class. */
  perClass: { label: number; clean: Rate; robust: Rate }[];
  /** Robust accuracy against eps under the first attack of the list (empty when it was not asked for). */
  epsCurve: { attack: string; count: number; points: EpsPoint[] } | null;
  examples: AdversarialExample[];
  images: ImageOutcomes;
  warnings: Warning[];
  /** The shell command that reproduces this evaluation. */
  command: string | null;
}

/** What `evaluate()` tells while it runs. */
export type EvaluateEvent =
  | NativeEvaluateEvent
  /** An evaluation in several parts has finished one: figures of the first `done` of `count` images. */
  | { type: 'part'; done: number; count: number; clean: Rate; robust: Rate };
