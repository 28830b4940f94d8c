/** TRADES (https://arxiv.org/abs/1901.08573): cross-entropy on the image, and its divergence from an attack on it. */
import { z } from 'zod';
import { parse, section } from '../option.ts';
import { type Divergence, type DivergenceOptions, divergence } from './divergence.ts';

export interface TradesStrategy extends Divergence {
  name: 'trades';
}

export interface TradesStrategyOptions extends DivergenceOptions {
  /** Weight of the divergence, 0 or more. Defaults to 6. */
  beta?: number;
}

/** @internal */
export const tradesSchema = section('Clean cross-entropy and a divergence from the attacked prediction.', {
  name: z.literal('trades'),
  ...divergence(6),
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
