/** ATTA (https://arxiv.org/abs/1912.11969): an image's attack goes on where it ended an epoch ago. */
import { z } from 'zod';
import { type Fraction, fraction } from '../fraction.ts';
import { integer, parse, section } from '../option.ts';
import { type AttackMode, attackMode } from './attackMode.ts';

export interface AttaStrategy {
  name: 'atta';
  /** Step size in pixel units; null stands for eps / 2. */
  alpha: number | null;
  steps: number;
  /** Epochs between fresh starts of all images; 0 for none but the first. */
  resetEvery: number;
  attackMode: AttackMode;
}

export interface AttaStrategyOptions {
  /**
   * Step size, pixels in [0, 1]; above 0. Defaults to null, which stands for eps / 2: 4/255 at 8/255 (the original
   * takes 0.015 for one step, 0.007 for ten).
   */
  alpha?: Fraction | null;
  /** Attack steps per training step, at least 1. Defaults to 1. */
  steps?: number;
  /** Epochs between fresh starts of all images; 0 for none but the first. Defaults to 10. */
  resetEvery?: number;
  /** Mode of batch normalisation in the attack. Defaults to `eval`. */
  attackMode?: AttackMode;
}

/** @internal */
export const attaSchema = section('Attacks that go on where they ended an epoch ago.', {
  name: z.literal('atta'),
  alpha: fraction({ description: 'Step size of the training attack; null stands for eps / 2.', gt: 0 })
    .nullable()
    .prefault(null),
  steps: integer({ description: 'Attack steps per training step.', gte: 1 }).prefault(1),
  resetEvery: integer({ description: 'Epochs between fresh starts; 0 for none.', gte: 0 }).prefault(10),
  attackMode: attackMode('eval'),
}) satisfies z.ZodType<AttaStrategy>;

/**
 * ATTA: `steps + 1` forward and backward passes per example and epoch.
 *
 * @throws SelfgradError `ERR_OPTION`
 */
export function atta(options: AttaStrategyOptions = {}): AttaStrategy {
  return parse(attaSchema, { ...options, name: 'atta' }, 'atta');
}

/** Forward+backward passes per example and epoch. */
export function attaPasses({ steps }: AttaStrategy): number {
  return steps + 1;
}
