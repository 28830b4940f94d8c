/** GradAlign (https://arxiv.org/abs/2007.02617): FGSM, and a penalty on gradients that turn within the ball. */
import { z } from 'zod';
import { type Fraction, fraction } from '../fraction.ts';
import { number, parse, section } from '../option.ts';
import { type AttackMode, attackMode } from './attackMode.ts';

export interface GradalignStrategy {
  name: 'gradalign';
  /** Step size in pixel units; null stands for eps. */
  alpha: number | null;
  /** Weight of 1 - cos of the two gradients. */
  lambda: number;
  attackMode: AttackMode;
}

export interface GradalignStrategyOptions {
  /** Step size from the image, pixels in [0, 1]; above 0. Defaults to null, which stands for eps. */
  alpha?: Fraction | null;
  /** Weight of the penalty, 0 or more; the original takes more for larger eps. Defaults to 0.2, its value at 8/255. */
  lambda?: number;
  /** Mode of batch normalisation where the two gradients are taken. Defaults to `train`. */
  attackMode?: AttackMode;
}

/** @internal */
export const gradalignSchema = section('FGSM from the image with a penalty on gradients that turn.', {
  name: z.literal('gradalign'),
  alpha: fraction({ description: 'Step size of the training attack; null stands for eps.', gt: 0 })
    .nullable()
    .prefault(null),
  lambda: number({ description: 'Weight of the penalty.', gte: 0 }).prefault(0.2),
  attackMode: attackMode('train'),
}) satisfies z.ZodType<GradalignStrategy>;

/**
 * GradAlign: four forward and backward passes per example and epoch; the penalty's two are a gradient and its
 * differentiation, which repeats the work of both.
 *
 * @throws SelfgradError `ERR_OPTION`
 */
export function gradalign(options: GradalignStrategyOptions = {}): GradalignStrategy {
  return parse(gradalignSchema, { ...options, name: 'gradalign' }, 'gradalign');
}

/** Forward+backward passes per example and epoch. */
export function gradalignPasses(): number {
  return 4;
}
