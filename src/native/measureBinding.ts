/** Attacks, evaluations and stability analyses through the native addon: what they take, tell and return. */
import type { NativeDataset, NativeModel } from './binding.ts';

/** `l1` for apgd-ce, apgd-dlr, apgd-t alone. */
export type NativeNorm = 'linf' | 'l2' | 'l1';

/** One attack. Fields that an attack does not use are ignored by it. Pixel units. */
export interface NativeAttackOptions {
  name:
    | 'random'
    | 'fgsm'
    | 'pgd'
    | 'mi-fgsm'
    | 'cw-linf'
    | 'apgd-ce'
    | 'apgd-dlr'
    | 'apgd-t'
    | 'fab'
    | 'fab-t'
    | 'deepfool'
    | 'cw-l2'
    | 'square'
    | 'transfer';
  norm: NativeNorm;
  eps: number;
  alpha: number;
  steps: number;
  restarts: number;
  randomStart: boolean;
  loss: 'ce' | 'margin';
  /** cw: confidence kappa of the margin. */
  confidence: number;
  /** mi-fgsm: of the accumulated gradient. */
  decay: number;
  /** Passes that each gradient is the mean of. */
  eot: number;
  /** Of the passes that give gradients; fab, deepfool and cw-l2 compute in float32. */
  precision: 'float32' | 'bfloat16';
  /** What the network is to say; `class` is `targetClass`. Not of random, apgd-dlr, apgd-t, fab, deepfool, square. */
  target: 'any' | 'class' | 'least-likely' | 'random';
  targetClass: number;
  /** apgd-t, fab-t, deepfool: wrong classes to aim at. */
  targets: number;
  /** fab, fab-t: leave an image as soon as it is broken, without its distance. */
  stopWithinEps: boolean;
  /** deepfool only. */
  overshoot: number;
  /** cw-l2 only. */
  binarySearchSteps: number;
  initialC: number;
  learningRate: number;
  /** square only. */
  queries: number;
  pInit: number;
  /** Queries over which the windows shrink. */
  schedule: number;
  /** transfer only: the attack that is run; '' for others. */
  inner: '' | 'fgsm' | 'pgd' | 'mi-fgsm' | 'cw-linf' | 'apgd-ce' | 'apgd-dlr' | 'apgd-t';
  /** transfer only: the model that gives its gradients; null for others. */
  source: NativeModel | null;
}

export interface NativePasses {
  /** Forward passes of one example through the network. */
  forward: number;
  /** Backward passes of one example. */
  backward: number;
}

export interface NativeEvaluateOptions {
  model: NativeModel;
  data: NativeDataset;
  /** Index of the first image, and how many from there on. */
  first: number;
  count: number;
  batchSize: number;
  seed: number;
  threads: number;
  attacks: NativeAttackOptions[];
  /** One an attack: true where it sees only what the attack before it left standing of what that saw. */
  cascade: boolean[];
  /** How many adversarial images to return for display, the first that each attack broke. */
  examples: number;
  /** The safetensors file that is to hold all of them, with its metadata; empty for none. */
  images: string;
  imagesMetadata: Record<string, string>;
}

export type NativeEvaluateEvent =
  /** After each batch: `correct` of the first `done` images. */
  | { type: 'clean'; done: number; correct: number; count: number }
  | { type: 'attack'; attack: number; name: string; done: number; total: number; broken: number }
  | { type: 'attack-end'; attack: number; name: string; broken: number; robust: number };

export interface NativeAttackOutcome {
  name: string;
  /** Images still classified correctly after this attack, of all `count`. */
  robust: number;
  /** Images that were attacked (correct before). */
  attacked: number;
  broken: number;
  passes: NativePasses;
  /** transfer: of the model that gave the gradients. */
  sourcePasses: NativePasses;
  seconds: number;
  /** fab, fab-t, deepfool, cw-l2: norms of the perturbations found at any size. */
  distances: number[];
}

export interface NativeExample {
  index: number;
  label: number;
  cleanPrediction: number;
  adversarialPrediction: number;
  /** Softmax probability of each prediction. */
  cleanConfidence: number;
  adversarialConfidence: number;
  attack: number;
  /** C·H·W in [0, 1]. */
  image: Float32Array;
  adversarial: Float32Array;
  /** C·H·W: of the cross-entropy at the image; null where the model has none or it is not finite. */
  gradient: Float32Array | null;
}

export interface NativeEvaluateResult {
  count: number;
  clean: number;
  /** Worst case over all attacks. */
  robust: number;
  attacks: NativeAttackOutcome[];
  /** Per image: -2 wrong before any attack, -1 robust, else the index of the first attack that broke it. */
  brokenBy: Int32Array;
  /** Of that attack: the steps to the adversarial image; -1 without one. */
  steps: Int32Array;
  /** Of that image: the label's logit minus the largest other; NaN without one. */
  margins: number[];
  predictions: Int32Array;
  labels: Int32Array;
  passes: NativePasses;
  seconds: number;
  examples: NativeExample[];
  /** With a file for the images: those that were broken, in their order; missing without one. */
  adversarial?: Float32Array;
}

export interface NativeStabilityOptions {
  model: NativeModel;
  data: NativeDataset;
  /** The first `count` images of the set. */
  count: number;
  batchSize: number;
  seed: number;
  threads: number;
  norm: NativeNorm;
  eps: number;
  steps: number;
  alpha: number;
  iterations: number;
  randomPoints: number;
  multiples: number[];
  /** Of the first `count` images; 0 for none. */
  certify: { count: number; bisections: number; refine: number };
}

export type NativeStabilityEvent =
  /** After each batch of the diagnostics, then of the certified bounds. */
  { type: 'diagnose' | 'certify'; done: number; count: number };

/** One value an image; NaN where it is not defined. */
export interface NativeStabilityImages {
  loss: Float64Array;
  /** 1 where the image is classified correctly, else 0. */
  correct: Float64Array;
  gradientL1: Float64Array;
  gradientL2: Float64Array;
  gradientCurvature: Float64Array;
  eigenvalue: Float64Array;
  eigenvalueResidual: Float64Array;
  linearityError: Float64Array;
  linearityRatio: Float64Array;
  gradientCosine: Float64Array;
  gradientAgreement: Float64Array;
  adversaryQuality: Float64Array;
  marginRadius: Float64Array;
  gradientError: Float64Array;
  /** 1 where no step of PGD was misclassified, else 0. */
  attacked: Float64Array;
  /** The last three only of the images that were certified; missing when none were. */
  certified?: Float64Array;
  certifiedMargin?: Float64Array;
  certifiedRadius?: Float64Array;
}

export interface NativeStabilityResult {
  count: number;
  images: NativeStabilityImages;
  /** Means over all images at each multiple. */
  profiles: { direction: 'gradient' | 'pgd' | 'random'; loss: number[]; accuracy: number[] }[];
  passes: NativePasses;
  seconds: number;
}

export interface NativeAttackRequest {
  model: NativeModel;
  /** NCHW in [0, 1]. */
  images: Float32Array;
  labels: Int32Array;
  /** Each sees only what those before it left standing. */
  attacks: NativeAttackOptions[];
  seed: number;
  threads: number;
  batchSize: number;
}

export interface NativeAttackResult {
  /** NCHW in [0, 1]; the clean image where no adversarial one was found. */
  adversarial: Float32Array;
  /** 1 where the adversarial image is misclassified. */
  success: Uint8Array;
  predictions: Int32Array;
  passes: NativePasses;
  /** transfer: of the model that gave the gradients. */
  sourcePasses: NativePasses;
}
