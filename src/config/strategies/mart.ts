/** MART (Wang et al. 2020, ICLR): training that weighs the images most which the network gets wrong. */
import { z } from 'zod';
import { type Fraction, fraction } from '../fraction.ts';
import { integer, number, parse, section } from '../option.ts';
import { type AttackMode, attackMode } from './attackMode.ts';

export interface MartStrategy {
  name: 'mart';
  /** Step size in pixel units; null stands for eps / 4. */
  alpha: number | null;
  steps: number;
  /** Weight of the divergence between the predictions of the image and of the attacked image. */
  beta: number;
  attackMode: AttackMode;
}

export interface MartStrategyOptions {
  /**
   * Step size, pixels in [0, 1]; above 0. Defaults to null, which stands for eps / 4: 2/255 at 8/255 (the original
   * takes 0.007).
   */
  alpha?: Fraction | null;
  /** Attack steps per training step, at least 1. Defaults to 10. */
  steps?: number;
  /** Weight of the divergence, 0 or more. Defaults to 5. */
  beta?: number;
  /** Mode of batch normalisation in the attack. Defaults to `eval`. */
  attackMode?: AttackMode;
}

/** @internal */
export const martSchema = section(
  'Boosted cross-entropy and a divergence that weighs misclassified images.',
  {
    name: z.literal('mart'),
    alpha: fraction({ description: 'Step size of the training attack; null stands for eps / 4.', gt: 0 })
      .nullable()
      .prefault(null),
    steps: integer({ description: 'Attack steps per training step.', gte: 1 }).prefault(10),
    beta: number({
      description: 'Weight of the divergence from the prediction of the image.',
      gte: 0,
    }).prefault(5),
    attackMode: attackMode('eval'),
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
