/**
 * The one file that names what the native addon exports. Each native call takes one object that TypeScript
 * has already checked; names are the snake_case of the C++ core in camelCase.
 */
import type {
  NativeAttackRequest,
  NativeAttackResult,
  NativeEvaluateEvent,
  NativeEvaluateOptions,
  NativeEvaluateResult,
  NativeStabilityEvent,
  NativeStabilityOptions,
  NativeStabilityResult,
} from './measureBinding.ts';
import type {
  NativeTrainEvent,
  NativeTrainOptions,
  NativeTrainResult,
  NativeWorld,
  NativeWorldOptions,
} from './trainBinding.ts';

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
