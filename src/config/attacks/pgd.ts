/** Projected gradient descent (https://arxiv.org/abs/1706.06083): the attack that every paper reports. */
import { z } from 'zod';
import type { NativeAttackOptions } from '../../native/measureBinding.ts';
import { type Fraction, fraction } from '../fraction.ts';
import { choice, flag, integer, parse, section } from '../option.ts';
import type { Norm, Threat } from '../threat.ts';
import { attackBall, attackEps, attackNorm } from './budget.ts';
import { type AttackGradients, attackGradients, type GradientOptions } from './gradients.ts';
import { attackTarget, nativeTarget, type Targeted, type TargetOptions } from './target.ts';
import { unusedOptions } from './unused.ts';

export interface PgdAttack extends AttackGradients, Targeted {
  name: 'pgd';
  steps: number;
  /** Step size in pixel units; null stands for eps / 4. */
  alpha: number | null;
  restarts: number;
  randomStart: boolean;
  loss: 'ce' | 'margin';
  /** Radius in pixel units; null stands for the threat model's. */
  eps: number | null;
  /** Null stands for the threat model's. */
  norm: Norm | null;
}

export interface PgdOptions extends GradientOptions, TargetOptions {
  /** At least 1. Defaults to 20. */
  steps?: number;
  /** Step size, pixels in [0, 1]; above 0. Defaults to null, which stands for eps / 4. */
  alpha?: Fraction | null;
  /** Independent tries, at least 1; an image counts as broken when any try breaks it. Defaults to 1. */
  restarts?: number;
  /** Start at random in the ball instead of at the image. Defaults to true. */
  randomStart?: boolean;
  /** What to climb: cross-entropy, or the margin of the best wrong class. Defaults to `ce`. */
  loss?: 'ce' | 'margin';
  /** Radius, pixels in [0, 1]. Defaults to null, which stands for the threat model's. */
  eps?: Fraction | null;
  /** Defaults to null, which stands for the threat model's. */
  norm?: Norm | null;
}

/** @internal Steps of fixed size, whatever the loss. */
export const climb = {
  steps: integer({ description: 'Gradient steps.', gte: 1 }).prefault(20),
  alpha: fraction({ description: 'Step size; null stands for eps / 4.', gt: 0 }).nullable().prefault(null),
  restarts: integer({ description: 'Independent tries per image.', gte: 1 }).prefault(1),
  randomStart: flag({ description: 'Start at random in the ball.' }).prefault(true),
  ...attackGradients,
  target: attackTarget,
};

/** @internal */
export const pgdSchema = section('Projected gradient descent.', {
  name: z.literal('pgd'),
  ...climb,
  loss: choice(['ce', 'margin'], {
    description: 'Cross-entropy, or the margin of the best wrong class.',
  }).prefault('ce'),
  eps: attackEps,
  norm: attackNorm,
}) satisfies z.ZodType<PgdAttack>;

/**
 * PGD. `pgd({ steps: 20 })` at eps 8/255 is the PGD-20 of the literature (steps of 2/255).
 *
 * @throws SelfgradError `ERR_OPTION`
 */
export function pgd(options: PgdOptions = {}): PgdAttack {
  return parse(pgdSchema, { ...options, name: 'pgd' }, 'pgd');
}

/** The attack as the native core runs it under `threat`; `path` names it in errors. */
export function nativePgd(attack: PgdAttack, threat: Threat, path: string): NativeAttackOptions {
  const { norm, eps } = attackBall(attack, threat, path);
  return { ...unusedOptions, ...attack, ...nativeTarget(attack), norm, eps, alpha: attack.alpha ?? eps / 4 };
}
