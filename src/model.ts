/** A trained network in JavaScript's hands: predict, save, dispose. */

import { z } from 'zod';
import { type Device, deviceSchema, resolveThreads, threadsSchema } from './config/device.ts';
import { integer, parse, show } from './config/option.ts';
import { SelfgradError } from './errors.ts';
import { checkFormat } from './fileFormat.ts';
import { fileSha256 } from './fileHash.ts';
import { awaitRun } from './native/awaitRun.ts';
import type { NativeDevice, NativeLayerCost, NativeModel, NativeModelOptions } from './native/binding.ts';
import { chooseDevice } from './native/device.ts';
import { loadBinding } from './native/load.ts';
import { type PredictResult, readLogits } from './prediction.ts';
import { modelFile } from './runFiles.ts';
import { type StateDictOptions, stateDictRequest } from './stateDict.ts';

/** Where a model comes from: selfgrad's own files and runs, or what a user brings. */
export type ModelOrigin = 'selfgrad' | 'state-dict' | 'torchscript' | 'function' | 'preprocessed';

/** What is taken off and divided by before the model's first layer, per channel, pixels in [0, 1]. */
export interface Normalisation {
  mean: readonly number[];
  std: readonly number[];
}

/** What a layer costs for one image. */
export type LayerCost = NativeLayerCost;

const batchSizeSchema = integer({ description: 'Images per forward pass.', gte: 1 });

export interface PredictOptions {
  /** Images per forward pass; the result does not depend on it. Defaults to 256. */
  batchSize?: number;
  /** Defaults to `auto`: all cores that this process may use. */
  threads?: number | 'auto';
  /** Stops between two batches; the promise rejects with its reason. */
  signal?: AbortSignal;
}

/**
 * What `evaluate()`, `attack()` and `stability()` take, whoever made it. Made by `train`, `loadModel`, `loadTorchScript`,
 * `functionModel` and `preprocessedModel`. Holds memory outside JavaScript's: call `dispose()`, or declare it with `using`.
 */
export class Model implements Disposable {
  readonly native: NativeModel;
  /** What was stored with the weights: strategy, threat model, data. Strings only. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The file that it came from, or null. */
  readonly path: string | null;
  /** SHA-256 of that file, or null. */
  readonly sha256: string | null;
  readonly origin: ModelOrigin;
  readonly normalisation: Normalisation;
  /** The last call of `predict`, done or not; it never rejects. */
  #last: Promise<unknown> = Promise.resolve();

  /** @internal Use `loadModel` or the result of `train`. */
  constructor(
    native: NativeModel,
    metadata: Record<string, string>,
    path: string | null,
    details: { sha256?: string; origin?: ModelOrigin; normalisation?: Normalisation } = {},
  ) {
    this.native = native;
    this.metadata = metadata;
    this.path = path;
    this.sha256 = details.sha256 ?? null;
    this.origin = details.origin ?? 'selfgrad';
    const { channels, mean, std } = native.options;
    this.normalisation = details.normalisation ?? {
      mean: mean ?? Array(channels).fill(0),
      std: std ?? Array(channels).fill(1),
    };
  }

  /** Input shape and classes; architecture, normalisation and the rest only of selfgrad's networks. */
  get options(): NativeModel['options'] {
    return this.native.options;
  }

  /** All that rebuilds a network of selfgrad. @throws SelfgradError `ERR_OPTION` for a model of another kind */
  get networkOptions(): NativeModelOptions {
    const { options } = this;
    if (options.architecture !== undefined) return options as NativeModelOptions;
    throw new SelfgradError(
      'ERR_OPTION',
      `Expected a network of selfgrad but received a model of another kind (${this.origin}).`,
      { fix: 'Load its weights with loadModel and the name of their architecture.' },
    );
  }

  /** The architecture of selfgrad's networks, else `torchscript`, `function` or `preprocessed`. */
  get architecture(): string {
    return this.options.architecture ?? this.origin;
  }

  /** 0 where it is not known. */
  get parameterCount(): number {
    return this.native.parameterCount;
  }

  /**
   * Floating-point operations of one image's forward pass: the convolutions and linear layers, where a multiply-add
   * counts 2. A backward pass to the image costs as much again, and one to the weights too.
   *
   * @throws SelfgradError `ERR_OPTION` for a model that is no network of selfgrad
   */
  get flops(): number {
    return this.native.flops;
  }

  /**
   * The layers that have weights (of a list of layers every entry), with output shape, parameters and multiply-adds for
   * one image.
   *
   * @throws SelfgradError `ERR_OPTION` for a model that is no network of selfgrad
   */
  get layerCosts(): LayerCost[] {
    return this.native.costs;
  }

  /** Names of the classes in the order of the logits; their numbers where none were stored. */
  get classes(): string[] {
    const { classes } = this.options;
    return this.metadata['data.classes']
      ? (JSON.parse(this.metadata['data.classes']) as string[])
      : Array.from({ length: classes }, (_, label) => String(label));
  }

  /** Where the weights are, and so where everything about this model is computed. */
  get device(): NativeDevice {
    return this.native.device;
  }

  /**
   * Moves the weights; returns where they are now. With `auto` to a GPU where one can be used; a function stays on the
   * CPU.
   *
   * @throws SelfgradError `ERR_DEVICE`; `ERR_OPTION` for a model that is in use, and for a function's GPU
   */
  to(device: Device): NativeDevice {
    const wanted = parse(deviceSchema, device, 'device') as Device;
    const behindFunction = this.origin === 'function' || this.origin === 'preprocessed';
    const chosen = wanted === 'auto' && behindFunction ? 'cpu' : chooseDevice(wanted).device;
    this.native.to({ device: chosen });
    return chosen;
  }

  /**
   * Classifies a batch of images on a thread of its own. Calls may overlap: they are answered one after the other, in
   * their order, since each of them uses all `threads`.
   *
   * @param images N·C·H·W pixels in NCHW order: Float32Array in [0, 1], or Uint8Array (divided by 255); copied at once
   * @throws SelfgradError `ERR_PIXELS` for pixels outside [0, 1]; `ERR_OPTION` for anything but whole images, for a
   *   model that is disposed of or in training; `ERR_NUMERIC` for logits that are not finite
   */
  async predict(images: Float32Array | Uint8Array, options: PredictOptions = {}): Promise<PredictResult> {
    checkPixels(images);
    const request = {
      images: images instanceof Uint8Array ? new Uint8Array(images) : new Float32Array(images),
      batchSize: parse(batchSizeSchema, options.batchSize ?? 256, 'batchSize'),
      threads: resolveThreads(parse(threadsSchema, options.threads ?? 'auto', 'threads')),
    };
    const classes = this.classes;
    const logits = this.#last.then(() =>
      awaitRun(() => this.native.predict(request), { signal: options.signal }),
    );
    this.#last = logits.catch(() => {});
    return readLogits(await logits, classes);
  }

  /**
   * Writes weights, options and metadata as safetensors, atomically.
   *
   * @throws SelfgradError `ERR_WRITE`; `ERR_OPTION` for a model that is no network of selfgrad
   */
  save(path: string): void {
    this.native.save({ path, metadata: this.metadata });
  }

  dispose(): void {
    this.native.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/**
 * Float pixels must lie in [0, 1]: normalisation is the network's first layer, not the caller's.
 *
 * @throws SelfgradError `ERR_PIXELS`; `ERR_OPTION` for another type
 */
export function checkPixels(images: Float32Array | Uint8Array): void {
  if (images instanceof Uint8Array) return;
  if (!(images instanceof Float32Array)) {
    throw new SelfgradError(
      'ERR_OPTION',
      `Expected a Float32Array or a Uint8Array for images but received ${show(images)}.`,
      { fix: 'Give N·C·H·W pixels in one array: floats in [0, 1], or bytes.' },
    );
  }
  const at = images.findIndex((value) => !(value >= 0 && value <= 1));
  if (at === -1) return;
  throw new SelfgradError(
    'ERR_PIXELS',
    `Expected pixels in [0, 1] for images but received ${images[at]} at position ${at}.`,
    { fix: 'Divide bytes by 255 and do not normalise: the network does that itself.' },
  );
}

/**
 * Reads a model from a run directory, a model file or a checkpoint; with an architecture, the `state_dict` of a PyTorch
 * model in safetensors.
 *
 * @throws SelfgradError `ERR_CHECKPOINT` for a missing, damaged or foreign file, and for tensors that are missing,
 *   unknown or of another shape; `ERR_OPTION`
 * @example
 * using model = await loadModel('trades.safetensors', { architecture: 'wide-resnet-34-10' });
 */
export async function loadModel(path: string, options?: StateDictOptions): Promise<Model> {
  const file = modelFile(path);
  checkFormat(file, 'safetensors');
  if (options !== undefined) {
    const native = loadBinding().loadStateDict({ path: file, ...stateDictRequest(options) });
    return new Model(native, {}, file, { sha256: await fileSha256(file), origin: 'state-dict' });
  }
  const { model, metadata } = loadBinding().loadModel({ path: file });
  checkClasses(metadata['data.classes'], model.options.classes, file);
  const own = Object.entries(metadata).filter(([key]) => !/^(selfgrad|model|train)\./.test(key));
  return new Model(model, Object.fromEntries(own), file, { sha256: await fileSha256(file) });
}

/** Names that a file holds must be as many as its network has classes. */
function checkClasses(names: string | undefined, count: number, file: string): void {
  if (names === undefined) return;
  const schema = z.array(z.string()).length(count);
  try {
    schema.parse(JSON.parse(names));
  } catch (cause) {
    throw new SelfgradError(
      'ERR_CHECKPOINT',
      `Expected the names of ${count} classes for data.classes in the metadata of ${file} but received ${show(names)}.`,
      { fix: 'Use a model or checkpoint file that selfgrad wrote.', cause },
    );
  }
}
