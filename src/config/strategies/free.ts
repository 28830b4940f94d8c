/**
 * Free adversarial training (https://arxiv.org/abs/1904.12843): each batch is taken several times in a row, and
 * one backward moves both the weights and the perturbation.
 */
import { z } from 'zod';
import { type Fraction, fraction } from '../fraction.ts';
import { integer, parse, section } from '../option.ts';

export interface FreeStrategy {
  name: 'free';
  /** Step size in pixel units; null stands for eps. */
  alpha: number | null;
  /** Steps in a row on the same images. */
  replays: number;
}

export interface FreeStrategyOptions {
  /** Step size, pixels in [0, 1]; above 0. Defaults to null, which stands for eps. */
  alpha?: Fraction | null;
  /**
   * Steps in a row on the same images, at least 1; 8 is the original's choice for long runs on CIFAR-10.
   * Defaults to 4.
   */
  replays?: number;
}

/** @internal */
export const freeSchema = section('Each batch several times; one backward for weights and perturbation.', {
  name: z.literal('free'),
  alpha: fraction({ description: 'Step size of the perturbation; null stands for eps.', gt: 0 })
    .nullable()
    .prefault(null),
  replays: integer({ description: 'Steps in a row on the same images.', gte: 1 }).prefault(4),
}) satisfies z.ZodType<FreeStrategy>;

/**
 * Free adversarial training: `replays` forward and backward passes per example and epoch.
 *
 * @throws SelfgradError `ERR_OPTION`
 */
export function freeTraining(options: FreeStrategyOptions = {}): FreeStrategy {
  return parse(freeSchema, { ...options, name: 'free' }, 'freeTraining');
}

/** Forward+backward passes per example and epoch. */
export function freePasses({ replays }: FreeStrategy): number {
  return replays;
}
