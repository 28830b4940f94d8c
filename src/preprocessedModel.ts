/**
 * A model behind a step without useful gradients (quantisation, JPEG, a denoiser): attacks take the step for the identity
 * when they go backwards (BPDA, https://arxiv.org/abs/1802.00420), and go through it forwards.
 */
import { SelfgradError } from './errors.ts';
import { Model } from './model.ts';
import { askOf, type BatchFunction } from './native/ask.ts';
import { loadBinding } from './native/load.ts';

/**
 * Maps images (N·C·H·W pixels in [0, 1], NCHW) to as many images of the same shape; `shape` is N, C, H, W. It must answer
 * the same image with the same one, whatever else is in the batch.
 */
export type Preprocessing = BatchFunction;

/**
 * Wraps a model and what stands in front of it as one model, which `evaluate()`, `attack()`, `stability()` and `masking()`
 * take. Clean accuracy, successes and the recount are those of the two together; gradients are those of `model` at the
 * images that `preprocess` gave, for those at its own images. The function is called on the JavaScript thread, one batch
 * at a time for each run; what it throws ends the run. `model` may be disposed of before; it cannot be trained while
 * this one is measured.
 *
 * @throws SelfgradError `ERR_OPTION` for a model that is only a function: it has no gradients
 * @example
 * const levels = (images: Float32Array) => images.map((pixel) => Math.round(7 * pixel) / 7);
 * using defended = preprocessedModel(model, levels);
 * await evaluate(defended, data, { attacks: ['apgd-ce', 'square'] });
 */
export function preprocessedModel(model: Model, preprocess: Preprocessing): Model {
  if (model.origin === 'function') {
    throw new SelfgradError(
      'ERR_OPTION',
      'Expected a model with gradients for preprocessedModel() but received a function.',
      { fix: 'Preprocess the images within that function.' },
    );
  }
  const ask = askOf(preprocess, (shape) => {
    const length = shape.reduce((product, extent) => product * extent, 1);
    return { length, what: `${length} pixels (${shape.join('×')})`, from: 'the preprocessing' };
  });
  const native = loadBinding().preprocessedModel({ model: model.native, ask });
  // No file makes this model again, so it has neither path nor hash.
  return new Model(native, model.metadata, null, {
    origin: 'preprocessed',
    normalisation: model.normalisation,
  });
}
