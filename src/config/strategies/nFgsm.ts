/** N-FGSM (https://arxiv.org/abs/2202.01181): one FGSM step from noise stronger than the threat, not clipped to it. */
import { z } from 'zod';
import { type Fraction, fraction } from '../fraction.ts';
import { number, parse, section } from '../option.ts';
import { type AttackMode, attackMode } from './attackMode.ts';

export interface NFgsmStrategy {
  name: 'n-fgsm';
  /** Step size in pixel units; null stands for eps. */
  alpha: number | null;
  /** Size of the noise as a multiple of eps. */
  noise: number;
  attackMode: AttackMode;
}

export interface NFgsmStrategyOptions {
  /** Step size, pixels in [0, 1]; above 0. Defaults to null, which stands for eps. */
  alpha?: Fraction | null;
  /** Half-width of the uniform noise (`linf`) or its largest length (`l2`), in eps; 0 or more. Defaults to 2. */
  noise?: number;
  /** Mode of batch normalisation in the attack. Defaults to `train`. */
  attackMode?: AttackMode;
}

/** @internal */
export const nFgsmSchema = section('FGSM from strong noise, without clipping to the ball.', {
  name: z.literal('n-fgsm'),
  alpha: fraction({ description: 'Step size of the training attack; null stands for eps.', gt: 0 })
    .nullable()
    .prefault(null),
  noise: number({ description: 'Size of the noise as a multiple of eps.', gte: 0 }).prefault(2),
  attackMode: attackMode('train'),
}) satisfies z.ZodType<NFgsmStrategy>;

/**
 * N-FGSM: two forward and backward passes per example and epoch.
 *
 * @throws SelfgradError `ERR_OPTION`
 */
export function nFgsm(options: NFgsmStrategyOptions = {}): NFgsmStrategy {
  return parse(nFgsmSchema, { ...options, name: 'n-fgsm' }, 'nFgsm');
}

/** Forward+backward passes per example and epoch. */
export function nFgsmPasses(): number {
  return 2;
}
