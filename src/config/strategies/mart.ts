/** MART (Wang et al. 2020, ICLR): training that weighs the images most which the network gets wrong. */
import { z } from 'zod';
import { parse, section } from '../option.ts';
import { type Divergence, type DivergenceOptions, divergence } from './divergence.ts';

export interface MartStrategy extends Divergence {
  name: 'mart';
}

export interface MartStrategyOptions extends DivergenceOptions {
  /** Weight of the divergence, 0 or more. Defaults to 5. */
  beta?: number;
}

/** @internal */
export const martSchema = section(
  'Boosted cross-entropy and a divergence that weighs misclassified images.',
  {
    name: z.literal('mart'),
    ...divergence(5),
  },
) satisfies z.ZodType<MartStrategy>;

/**
 * MART: `steps + 2` forward and backward passes per example and epoch.
 *
 * @throws SelfgradError `ERR_OPTION`
 */
export function mart(options: MartStrategyOptions = {}): MartStrategy {
  return parse(martSchema, { ...options, name: 'mart' }, 'mart');
}

/** Forward+backward passes per example and epoch. */
export function martPasses({ steps }: MartStrategy): number {
  return steps + 2;
}
