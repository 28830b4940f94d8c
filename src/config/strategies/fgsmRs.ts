/** Fast adversarial training (https://arxiv.org/abs/2001.03994): one FGSM step from a random start. */
import { z } from 'zod';
import { type Fraction, fraction } from '../fraction.ts';
import { parse, section } from '../option.ts';
import { type AttackMode, attackMode } from './attackMode.ts';

export interface FgsmRsStrategy {
  name: 'fgsm-rs';
  /** Step size in pixel units; null stands for 1.25 eps. */
  alpha: number | null;
  attackMode: AttackMode;
}

export interface FgsmRsStrategyOptions {
  /** Step size, pixels in [0, 1]; above 0. Defaults to null, which stands for 1.25 eps. */
  alpha?: Fraction | null;
  /** Mode of batch normalisation in the attack. Defaults to `train`. */
  attackMode?: AttackMode;
}

/** @internal */
export const fgsmRsSchema = section('FGSM from a random start.', {
  name: z.literal('fgsm-rs'),
  alpha: fraction({ description: 'Step size of the training attack; null stands for 1.25 eps.', gt: 0 })
    .nullable()
    .prefault(null),
  attackMode: attackMode('train'),
}) satisfies z.ZodType<FgsmRsStrategy>;

/**
 * Fast adversarial training: two forward and backward passes per example and epoch.
 *
 * @throws SelfgradError `ERR_OPTION`
 */
export function fgsmRs(options: FgsmRsStrategyOptions = {}): FgsmRsStrategy {
  return parse(fgsmRsSchema, { ...options, name: 'fgsm-rs' }, 'fgsmRs');
}

/** Forward+backward passes per example and epoch. */
export function fgsmRsPasses(): number {
  return 2;
}
