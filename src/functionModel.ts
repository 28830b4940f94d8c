/** A model that is only a JavaScript function: attacks without gradients work on it. */
import type { ListedAttack } from './config/attacks/attack.ts';
import { functionSchema } from './config/foreignModel.ts';
import { oneOf, parse } from './config/option.ts';
import { SelfgradError } from './errors.ts';
import { Model } from './model.ts';
import { askOf, type BatchFunction } from './native/ask.ts';
import { loadBinding } from './native/load.ts';

/**
 * Maps images (N·C·H·W pixels in [0, 1], NCHW) to logits (N·classes); `shape` is N, C, H, W. It must answer the same
 * image with the same logits, whatever else is in the batch.
 */
export type ModelFunction = BatchFunction;

export interface FunctionModelOptions {
  classes: number;
  /** Channels, height, width of the images. */
  inputShape: readonly [number, number, number];
}

/** Attacks that ask for logits only. */
export const blackBoxAttacks = [
  'random',
  'square',
  'transfer',
] as const satisfies readonly ListedAttack['name'][];

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
  const ask = askOf(logitsOf, ([count]) => ({
    length: count * classes,
    what: `${count * classes} logits (${count} images, ${classes} classes)`,
    from: "the model's function",
  }));
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
