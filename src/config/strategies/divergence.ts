/** What TRADES and MART share: an attack on each image, and the weight of the divergence that it causes. */
import { type Fraction, fraction } from '../fraction.ts';
import { integer, number } from '../option.ts';
import { type AttackMode, attackMode } from './attackMode.ts';

export interface Divergence {
  /** Step size in pixel units; null stands for eps / 4. */
  alpha: number | null;
  steps: number;
  /** Weight of the divergence between the predictions of the image and of the attacked image. */
  beta: number;
  attackMode: AttackMode;
}

/** Without `beta`: each strategy has a default of its own. */
export interface DivergenceOptions {
  /**
   * Step size, pixels in [0, 1]; above 0. Defaults to null, which stands for eps / 4: 2/255 at 8/255 (the original
   * takes 0.007).
   */
  alpha?: Fraction | null;
  /** Attack steps per training step, at least 1. Defaults to 10. */
  steps?: number;
  /** Mode of batch normalisation in the attack. Defaults to `eval`. */
  attackMode?: AttackMode;
}

/** @internal */
export function divergence(defaultBeta: number) {
  return {
    alpha: fraction({ description: 'Step size of the training attack; null stands for eps / 4.', gt: 0 })
      .nullable()
      .prefault(null),
    steps: integer({ description: 'Attack steps per training step.', gte: 1 }).prefault(10),
    beta: number({
      description: 'Weight of the divergence from the prediction of the image.',
      gte: 0,
    }).prefault(defaultBeta),
    attackMode: attackMode('eval'),
  };
}
