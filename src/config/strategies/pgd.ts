/** Madry's adversarial training (https://arxiv.org/abs/1706.06083): each step trains on a fresh PGD attack. */
import { z } from 'zod';
import { type Fraction, fraction } from '../fraction.ts';
import { flag, integer, parse, section } from '../option.ts';
import { type AttackMode, attackMode } from './attackMode.ts';

export interface PgdStrategy {
  name: 'pgd';
  /** Step size in pixel units. */
  alpha: number;
  steps: number;
  randomStart: boolean;
  attackMode: AttackMode;
}

export interface PgdStrategyOptions {
  /** Step size, pixels in [0, 1]; above 0. Defaults to `2/255`. */
  alpha?: Fraction;
  /** Attack steps per training step, at least 1. Defaults to 10. */
  steps?: number;
  /** Start uniformly in the ball instead of at the image. Defaults to true. */
  randomStart?: boolean;
  /** Mode of batch normalisation in the attack. Defaults to `eval`. */
  attackMode?: AttackMode;
}

/** @internal */
export const pgdStrategySchema = section('PGD adversarial training.', {
  name: z.literal('pgd'),
  alpha: fraction({ description: 'Step size of the training attack.', gt: 0 }).prefault('2/255'),
  steps: integer({ description: 'Attack steps per training step.', gte: 1 }).prefault(10),
  randomStart: flag({ description: 'Start uniformly in the ball.' }).prefault(true),
  attackMode: attackMode('eval'),
}) satisfies z.ZodType<PgdStrategy>;

/**
 * PGD adversarial training: `steps + 1` forward and backward passes per example and epoch.
 *
 * @throws SelfgradError `ERR_OPTION`
 */
export function pgdTraining(options: PgdStrategyOptions = {}): PgdStrategy {
  return parse(pgdStrategySchema, { ...options, name: 'pgd' }, 'pgdTraining');
}

/** Forward+backward passes per example and epoch. */
export function pgdPasses({ steps }: PgdStrategy): number {
  return steps + 1;
}
