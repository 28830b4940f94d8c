/** Training through the native addon: what it takes, tells and returns. */
import type { NativeDataset, NativeModel, NativeRun } from './binding.ts';
import type { NativeAttackOptions, NativeNorm, NativePasses } from './measureBinding.ts';

export type NativeStrategyOptions =
  | { name: 'standard' }
  | { name: 'pgd'; alpha: number; steps: number; randomStart: boolean; attackMode: 'train' | 'eval' }
  | { name: 'fgsm-rs'; alpha: number; attackMode: 'train' | 'eval' }
  | { name: 'n-fgsm'; alpha: number; noise: number; attackMode: 'train' | 'eval' }
  | { name: 'free'; alpha: number; replays: number }
  | { name: 'gradalign'; alpha: number; lambda: number; attackMode: 'train' | 'eval' }
  | { name: 'atta'; alpha: number; steps: number; resetEvery: number; attackMode: 'train' | 'eval' }
  | { name: 'trades' | 'mart'; alpha: number; steps: number; beta: number; attackMode: 'train' | 'eval' }
  | {
      name: 'self-gradient';
      alpha: number;
      steps: number;
      attackMode: 'train' | 'eval';
      memory: 'none' | 'example' | 'class' | 'universal';
      relay: number;
      freshWeight: number;
      initialNoise: number;
      noise: number;
      momentum: number;
      consistency: number;
      refresh: number;
      adaptiveStep: boolean;
      alarm: boolean;
      features: { place: string; rho: number }[];
    };

export interface NativeTrainOptions {
  model: NativeModel;
  data: NativeDataset;
  /** Held-out images that are attacked after each `validateEvery` epochs; null for none. */
  validation: NativeDataset | null;
  validateEvery: number;
  validateCount: number;
  validateAttack: NativeAttackOptions;
  seed: number;
  threads: number;
  norm: NativeNorm;
  eps: number;
  strategy: NativeStrategyOptions;
  /** May be fractional: 1.25 stops after a quarter of the second epoch. */
  epochs: number;
  batchSize: number;
  precision: 'float32' | 'bfloat16';
  lr: number;
  momentum: number;
  nesterov: boolean;
  weightDecay: number;
  schedule:
    | { name: 'one-cycle'; warmup: number; finalFraction: number }
    | { name: 'step'; milestones: number[]; factor: number }
    | { name: 'constant' };
  labelSmoothing: number;
  /** One a class, for the cross-entropy; empty for none. */
  classWeights: number[];
  /** gamma of adversarial weight perturbation; 0 for none. */
  weightPerturbation: number;
  /** Decay of the averaged weights that a completed run leaves in the model; 0 for none. */
  averageDecay: number;
  crop: number;
  flip: boolean;
  /** Whether what is remembered of each image lies in a file that is mapped. */
  mapMemory: boolean;
  /** Where checkpoints go (replaced atomically); '' for none. */
  checkpointPath: string;
  checkpointEvery: number;
  /** A checkpoint of the same run to continue; '' for none. */
  resumePath: string;
  /** Stored in checkpoints. The key `run` must be equal when a run is resumed. */
  metadata: Record<string, string>;
  /** The ranks that train together, each with these options; rank 0 alone has paths. Null: this process. */
  world: NativeWorld | null;
}

export interface NativeWorldOptions {
  rank: number;
  size: number;
  /** Where the ranks find each other. */
  host: string;
  port: number;
  /** This process listens there. */
  serves: boolean;
  /** Of this machine, for the other ranks. */
  address: string;
  /** Network interface to use instead of that address; '' for none. */
  network: string;
  /** Ranks of one attempt meet. */
  attempt: string;
  /** Until a rank that does not come or answer counts as lost. */
  timeoutMs: number;
}

/** The ranks of a run: all make the same calls in the same order. */
export interface NativeWorld {
  /** Every rank's text, by rank. */
  texts(text: string): NativeRun<string[]>;
  dispose(): void;
}

export type NativeTrainEvent =
  | { type: 'start'; steps: number; stepsPerEpoch: number; parameters: number; resumedAtStep: number }
  | {
      type: 'step';
      step: number;
      epoch: number;
      loss: number;
      lr: number;
      passes: NativePasses;
      seconds: number;
      imagesPerSecond: number;
    }
  | {
      type: 'epoch';
      epoch: number;
      step: number;
      loss: number;
      /** Accuracy on the (perturbed) training images, 0 … 1. */
      accuracy: number;
      lr: number;
      /** Cumulative passes and seconds of training alone (validation excluded). */
      passes: NativePasses;
      seconds: number;
    }
  | {
      type: 'eval';
      epoch: number;
      step: number;
      count: number;
      clean: number;
      robust: number;
      passes: NativePasses;
      seconds: number;
    }
  | { type: 'alarm'; step: number; agreement: number; usual: number; remedySteps: number }
  | { type: 'checkpoint'; path: string; step: number };

export interface NativeTrainResult {
  completed: boolean;
  step: number;
  steps: number;
  passes: NativePasses;
  /** How many of the backward passes also computed the gradients of the weights. */
  weightGradients: number;
  seconds: number;
  imagesPerSecond: number;
  /** What this rank sent the others, and how long it waited for them; zeros without others. */
  traffic: { calls: number; bytes: number; seconds: number };
}
