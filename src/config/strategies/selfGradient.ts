/**
 * Self-gradient training: the attack starts where the example's last visit ended, kept by the input tap in a
 * memory that lives across epochs, and takes one fresh step.
 */
import { z } from 'zod';
import { type Fraction, fraction } from '../fraction.ts';
import { number, parse, section } from '../option.ts';
import { type AttackMode, attackMode } from './attackMode.ts';

export interface SelfGradientStrategy {
  name: 'self-gradient';
  /** Step size in pixel units; null stands for eps. */
  alpha: number | null;
  attackMode: AttackMode;
  /** Share of eps of the uniform noise at an example's first visit, 0 … 1. */
  initialNoise: number;
}

export interface SelfGradientStrategyOptions {
  /** Step size, pixels in [0, 1]; above 0. Defaults to null, which stands for eps. */
  alpha?: Fraction | null;
  /** Mode of batch normalisation in the fresh step. Defaults to `train`. */
  attackMode?: AttackMode;
  /** Uniform noise at an example's first visit, as a share of eps in [0, 1]. Defaults to 1. */
  initialNoise?: number;
}

/** @internal */
export const selfGradientSchema = section('Memory of input gradients, plus one fresh step.', {
  name: z.literal('self-gradient'),
  alpha: fraction({ description: 'Step size of the fresh step; null stands for eps.', gt: 0 })
    .nullable()
    .prefault(null),
  attackMode: attackMode('train'),
  initialNoise: number({
    description: "Uniform noise at an example's first visit, as a share of eps.",
    gte: 0,
    lte: 1,
  }).prefault(1),
}) satisfies z.ZodType<SelfGradientStrategy>;

/**
 * Self-gradient training: two forward and backward passes per example and epoch.
 *
 * @throws SelfgradError `ERR_OPTION`
 */
export function selfGradient(options: SelfGradientStrategyOptions = {}): SelfGradientStrategy {
  return parse(selfGradientSchema, { ...options, name: 'self-gradient' }, 'selfGradient');
}

/** Forward+backward passes per example and epoch. */
export function selfGradientPasses(): number {
  return 2;
}
