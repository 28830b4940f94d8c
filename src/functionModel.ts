/** A model that is only a JavaScript function: attacks without gradients work on it. */
import type { AttackName } from './config/attacks/attack.ts';
import { functionSchema } from './config/foreignModel.ts';
import { oneOf, parse, show } from './config/option.ts';
import { SelfgradError } from './errors.ts';
import { Model } from './model.ts';
import type { NativeFunctionRequest } from './native/binding.ts';
import { loadBinding } from './native/load.ts';

/**
 * Maps images (N·C·H·W pixels in [0, 1], NCHW) to logits (N·classes); `shape` is N, C, H, W. It must answer the same
 * image with the same logits, whatever else is in the batch.
 */
export type ModelFunction = (
  images: Float32Array,
  shape: readonly [number, number, number, number],
) => Float32Array | Promise<Float32Array>;

export interface FunctionModelOptions {
  classes: number;
  /** Channels, height, width of the images. */
  inputShape: readonly [number, number, number];
}

/** Attacks that ask for logits only. */
export const blackBoxAttacks = ['random', 'square'] as const satisfies readonly AttackName[];

/** What a function threw or answered instead of logits, as an error. */
function asError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  return new SelfgradError(
    'ERR_OPTION',
    `Expected logits from the model's function but it threw ${show(thrown)}.`,
    { cause: thrown },
  );
}

function checkLogits(logits: unknown, count: number, classes: number): Float32Array {
  if (logits instanceof Float32Array && logits.length === count * classes) return logits;
  const received = logits instanceof Float32Array ? `a Float32Array of ${logits.length}` : show(logits);
  throw new SelfgradError(
    'ERR_OPTION',
    `Expected a Float32Array of ${count * classes} logits (${count} images, ${classes} classes) from the model's function but received ${received}.`,
  );
}

/**
 * Wraps a function as a model that `evaluate()` and `attack()` take: another runtime, a remote service, an ensemble. The
 * function is called on the JavaScript thread, one batch at a time for each run; what it throws ends the run.
 *
 * @throws SelfgradError `ERR_OPTION`
 * @example
 * const model = functionModel((images, [n]) => session.run(images, n), { classes: 10, inputShape: [3, 32, 32] });
 * const { robust } = await evaluate(model, data, { attacks: ['square'] });
 */
export function functionModel(logitsOf: ModelFunction, options: FunctionModelOptions): Model {
  const { classes, inputShape } = parse(functionSchema, options, 'functionModel()');
  const [channels, height, width] = inputShape as [number, number, number];
  const ask: NativeFunctionRequest['ask'] = async (images, shape, answer) => {
    try {
      answer(checkLogits(await logitsOf(images, shape), shape[0], classes), null);
    } catch (thrown) {
      answer(null, asError(thrown));
    }
  };
  const native = loadBinding().functionModel({ channels, height, width, classes, ask });
  return new Model(native, {}, null, { origin: 'function' });
}

/**
 * Refuses what needs gradients for a model that has none.
 *
 * @throws SelfgradError `ERR_OPTION` naming the attacks that work
 */
export function checkGradients({ origin }: Model, wanted: readonly { name: string }[] | string): void {
  if (origin !== 'function') return;
  const refused =
    typeof wanted === 'string'
      ? wanted
      : wanted.find(({ name }) => !blackBoxAttacks.some((known) => known === name))?.name;
  if (refused === undefined) return;
  throw new SelfgradError(
    'ERR_OPTION',
    `Expected attacks without gradients for a model that is a function but received ${refused}.`,
    { fix: `These work: ${oneOf(blackBoxAttacks)}.` },
  );
}
