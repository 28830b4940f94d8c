/** A user's function as the native core asks it: what it answers is checked, what it throws ends the run. */
import { show } from '../config/option.ts';
import { SelfgradError } from '../errors.ts';
import type { NativeAsk } from './binding.ts';

/** Takes images, N·C·H·W, with their shape N, C, H, W, and answers numbers. */
export type BatchFunction = (
  images: Float32Array,
  shape: readonly [number, number, number, number],
) => Float32Array | Promise<Float32Array>;

/** What an answer must be, for errors: `what` is received from `from`. */
interface Answer {
  length: number;
  what: string;
  from: string;
}

/** What a function threw instead of answering, as an error. */
function asError(thrown: unknown, { what, from }: Answer): Error {
  if (thrown instanceof Error) return thrown;
  return new SelfgradError('ERR_OPTION', `Expected ${what} from ${from} but it threw ${show(thrown)}.`, {
    cause: thrown,
  });
}

function check(values: unknown, { length, what, from }: Answer): Float32Array {
  if (values instanceof Float32Array && values.length === length) return values;
  const received = values instanceof Float32Array ? `a Float32Array of ${values.length}` : show(values);
  throw new SelfgradError(
    'ERR_OPTION',
    `Expected a Float32Array of ${what} from ${from} but received ${received}.`,
  );
}

/** @param expected what the answer to images of a shape must be */
export function askOf(
  answerOf: BatchFunction,
  expected: (shape: readonly [number, number, number, number]) => Answer,
): NativeAsk {
  return async (images, shape, answer) => {
    const wanted = expected(shape);
    try {
      answer(check(await answerOf(images, shape), wanted), null);
    } catch (thrown) {
      answer(null, asError(thrown, wanted));
    }
  };
}
