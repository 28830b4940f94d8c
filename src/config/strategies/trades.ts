/** TRADES (https://arxiv.org/abs/1901.08573): cross-entropy on the image, and its divergence from an attack on it. */
import { z } from 'zod';
import { type Fraction, fraction } from '../fraction.ts';
import { integer, number, parse, section } from '../option.ts';
import { type AttackMode, attackMode } from './attackMode.ts';

export interface TradesStrategy {
  name: 'trades';
  /** Step size in pixel units; null stands for eps / 4. */
  alpha: number | null;
  steps: number;
  /** Weight of the divergence between the predictions of the image and of the attacked image. */
  beta: number;
  attackMode: AttackMode;
}

export interface TradesStrategyOptions {
  /**
   * Step size, pixels in [0, 1]; above 0. Defaults to null, which stands for eps / 4: 2/255 at 8/255 (the original
   * takes 0.007).
   */
  alpha?: Fraction | null;
  /** Attack steps per training step, at least 1. Defaults to 10. */
  steps?: number;
  /** Weight of the divergence, 0 or more. Defaults to 6. */
  beta?: number;
  /** Mode of batch normalisation in the attack. Defaults to `eval`. */
  attackMode?: AttackMode;
}

/** @internal */
export const tradesSchema = section('Clean cross-entropy and a divergence from the attacked prediction.', {
  name: z.literal('trades'),
  alpha: fraction({ description: 'Step size of the training attack; null stands for eps / 4.', gt: 0 })
    .nullable()
    .prefault(null),
  steps: integer({ description: 'Attack steps per training step.', gte: 1 }).prefault(10),
  beta: number({
    description: 'Weight of the divergence from the prediction of the image.',
    gte: 0,
  }).prefault(6),
  attackMode: attackMode('eval'),
}) satisfies z.ZodType<TradesStrategy>;

/**
 * TRADES: `steps + 2.5` forward and backward passes per example and epoch; the half is the forward that gives the
 * prediction which the attack moves away from.
 *
 * @throws SelfgradError `ERR_OPTION`
 */
export function trades(options: TradesStrategyOptions = {}): TradesStrategy {
  return parse(tradesSchema, { ...options, name: 'trades' }, 'trades');
}

/** Forward+backward passes per example and epoch. */
export function tradesPasses({ steps }: TradesStrategy): number {
  return steps + 2.5;
}
