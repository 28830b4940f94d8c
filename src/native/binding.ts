/**
 * The one file that names what the native addon exports. Each native call takes one object that TypeScript
 * has already checked; names are the snake_case of the C++ core in camelCase.
 */

/** Where tensors are. */
export type NativeDevice = 'cpu' | `cuda:${number}`;

/** Pixels are uint8 NCHW; labels int32 in 0 … classes - 1. */
export interface NativeDatasetOptions {
  count: number;
  channels: number;
  height: number;
  width: number;
  classes: number;
  /** Where the images lie in a file that is to be mapped; then nothing is appended. */
  file?: NativeImagesFile;
}

export interface NativeImagesFile {
  /** Of the open file; may be closed once the set is made. */
  descriptor: number;
  /** Bytes before the first image. */
  offset: number;
  /** Images in the file. */
  rows: number;
  /** The row of each image of the set; null: all in their order. */
  places: Int32Array | null;
  /** Of each image of the set. */
  labels: Int32Array;
}

/**
 * A set of uint8 images that training and attacks read: filled by `append` and kept in memory, or mapped from a file.
 */
export interface NativeDataset {
  readonly count: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly classes: number;
  /** Copies images (N·C·H·W bytes, NCHW) and their labels behind what is already there. */
  append(batch: { images: Uint8Array; labels: Int32Array }): void;
  /** SHA-256 is TypeScript's job; this returns copies of single images for reports. */
  images(selection: { indices: Int32Array }): { images: Uint8Array; labels: Int32Array };
  /** Per-channel mean and standard deviation in [0, 1] units over all images. */
  statistics(): { mean: number[]; std: number[] };
  dispose(): void;
}

export type NativeArchitecture =
  | 'preact-resnet'
  | 'preact-resnet-plain'
  | 'wide-resnet'
  | 'small-cnn'
  | 'layers';

export interface NativeModelShape {
  channels: number;
  height: number;
  width: number;
  classes: number;
}

export interface NativeModelOptions extends NativeModelShape {
  architecture: NativeArchitecture;
  /** Residual blocks per stage (preact-resnet), or [blocks] per stage count (wide-resnet). */
  depths: number[];
  /** Channels of the first stage (preact-resnet), widening factor (wide-resnet), first layer (small-cnn); 0 of layers. */
  baseWidth: number;
  activation: 'relu' | 'silu';
  /** Places of SelfGradientTap modules: `input`, `stem`, `stage1` … */
  taps: string[];
  mean: number[];
  std: number[];
  seed: number;
  /** Of the architecture layers, as `layersText` writes them; else ''. */
  layers: string;
}

/** What a layer costs for one image. */
export interface NativeLayerCost {
  /** Of its module, before the names of its tensors: `conv1`, `layer1.0`, `layers.3`. */
  name: string;
  /** As in `model.layers`: `conv`, `residual`, `linear` … */
  kind: string;
  /** Of its output: channels, height and width, or features. */
  shape: number[];
  parameters: number;
  multiplyAdds: number;
}

/** A contiguous float32 tensor. */
export interface NativeTensor {
  shape: number[];
  values: Float32Array;
}

/**
 * One layer of a network in evaluation mode; `input` and `other` are places of earlier layers. BatchNorm and the
 * normalisation of pixels are `scale`, weight · x + bias per channel; `linear` flattens its input in NCHW order;
 * `mean` takes (C, H, W) to (C); padding counts as zeros in an average, and is never the largest.
 */
export type NativeLayer =
  | { kind: 'input' }
  | {
      kind: 'conv';
      input: number;
      weight: NativeTensor;
      bias: NativeTensor;
      stride: number;
      padding: number;
      groups: number;
    }
  | { kind: 'linear' | 'scale'; input: number; weight: NativeTensor; bias: NativeTensor }
  | { kind: 'max-pool' | 'average-pool'; input: number; kernel: number; stride: number; padding: number }
  | { kind: 'relu' | 'silu' | 'mean'; input: number }
  | { kind: 'add'; input: number; other: number };

/** The state_dict of a PyTorch model; `classes` and `channels` are read from it, empty `mean` and `std` too. */
export interface NativeStateDictRequest extends NativeModelOptions {
  path: string;
}

export interface NativeScriptRequest extends Omit<NativeModelShape, 'classes'> {
  path: string;
  mean: number[];
  std: number[];
}

/** Must not throw, and must answer once: what is asked for, or the error. `shape` is N, C, H, W. */
export type NativeAsk = (
  images: Float32Array,
  shape: [number, number, number, number],
  answer: (values: Float32Array | null, error: Error | null) => void,
) => void;

export interface NativeFunctionRequest extends NativeModelShape {
  /** For logits, N·classes. */
  ask: NativeAsk;
}

export interface NativePreprocessedRequest {
  model: NativeModel;
  /** For as many images, N·C·H·W. */
  ask: NativeAsk;
}

export interface NativeModel {
  /** The shape; the rest only of selfgrad's networks. */
  readonly options: NativeModelShape & Partial<NativeModelOptions>;
  readonly parameterCount: number;
  /** Of one image's forward pass; throws for a model that is no network of selfgrad, as `tensors` and `save` do. */
  readonly flops: number;
  /** Layers with weights, or every entry of `layers`; throws as `flops`. */
  readonly costs: NativeLayerCost[];
  readonly device: NativeDevice;
  /** Moves the weights, to a GPU behind `openCuda`; throws while a run has the model, unless they are there already. */
  to(request: { device: NativeDevice }): void;
  /** Names, shapes of parameters and buffers, in PyTorch's naming. */
  tensors(): { name: string; shape: number[] }[];
  /** From the pixels (the first) to the logits (the last), with copies of the weights. */
  layers(): NativeLayer[];
  /** Images, float32 or uint8 (divided by 255), NCHW, to logits (N·classes). */
  predict(request: {
    images: Float32Array | Uint8Array;
    batchSize: number;
    threads: number;
  }): NativeRun<Float32Array>;
  /** Writes weights and the model options as safetensors, atomically. `metadata` is stored beside them. */
  save(request: { path: string; metadata: Record<string, string> }): void;
  dispose(): void;
}

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

/** A long job on a thread of its own. `cancel` stops it between two attack steps. */
export interface NativeRun<T> {
  readonly promise: Promise<T>;
  cancel(): void;
}

export interface NativeTensorFile {
  metadata: Record<string, string>;
  tensors: { name: string; dtype: string; shape: number[] }[];
  /** Of the network that the metadata describe; null without one, or with a `problem`. */
  layers: NativeLayerCost[] | null;
  /** Why no network can be made of the metadata. */
  problem?: string;
}

/** What `native/addon` exports. */
export interface NativeBinding {
  /** Hands over the error class, once per environment. */
  initialize(options: { SelfgradError: unknown }): void;
  /** Stops every run and waits for its thread; called when the process exits. */
  shutdown(): void;
  info(): { libtorch: string; builtFor: string; threads: number; cpuCapability: string };
  /** Opens LibTorch's GPU part and the CUDA plug-in, once; null, or what is wrong with which of them. */
  openCuda(request: {
    libtorchCuda: string;
    plugin: string;
  }): { part: 'libtorch' | 'plugin'; problem: string } | null;
  Dataset: new (options: NativeDatasetOptions) => NativeDataset;
  Model: new (options: NativeModelOptions) => NativeModel;
  /** What the network of these options would cost; its shapes are checked, its weights not drawn. */
  networkCosts(options: NativeModelOptions): NativeLayerCost[];
  /** Reads a model or checkpoint file written by selfgrad. */
  loadModel(request: { path: string }): { model: NativeModel; metadata: Record<string, string> };
  loadStateDict(request: NativeStateDictRequest): NativeModel;
  /** Runs what the file holds: TorchScript is a program. */
  loadTorchScript(request: NativeScriptRequest): NativeModel;
  functionModel(request: NativeFunctionRequest): NativeModel;
  /** A model behind a function that gradients pass as if it were the identity. */
  preprocessedModel(request: NativePreprocessedRequest): NativeModel;
  /** Reads the header of a safetensors file only. */
  inspect(request: { path: string }): NativeTensorFile;
  /** Waits for the other ranks. */
  joinWorld(options: NativeWorldOptions): NativeRun<NativeWorld>;
  train(
    options: NativeTrainOptions,
    onEvent: (event: NativeTrainEvent) => void,
  ): NativeRun<NativeTrainResult>;
  evaluate(
    options: NativeEvaluateOptions,
    onEvent: (event: NativeEvaluateEvent) => void,
  ): NativeRun<NativeEvaluateResult>;
  stability(
    options: NativeStabilityOptions,
    onEvent: (event: NativeStabilityEvent) => void,
  ): NativeRun<NativeStabilityResult>;
  attack(options: NativeAttackRequest): NativeRun<NativeAttackResult>;
}
