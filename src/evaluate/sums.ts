/** Sums over attacks or parts of an evaluation. */
import type { Passes, Rate } from '../evaluation.ts';
import { rate } from '../interval.ts';

export const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

export function sumPasses(passes: readonly Passes[]): Passes {
  return {
    forward: total(passes.map(({ forward }) => forward)),
    backward: total(passes.map(({ backward }) => backward)),
  };
}

export function sumRates(rates: readonly Rate[]): Rate {
  return rate(total(rates.map(({ correct }) => correct)), total(rates.map(({ count }) => count)));
}
