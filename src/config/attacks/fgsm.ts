/** The fast gradient sign method (https://arxiv.org/abs/1412.6572): one step of length eps. */
import { z } from 'zod';
import type { NativeAttackOptions } from '../../native/measureBinding.ts';
import type { Fraction } from '../fraction.ts';
import { parse, section } from '../option.ts';
import type { Norm, Threat } from '../threat.ts';
import { attackBall, attackEps, attackNorm } from './budget.ts';
import { type AttackGradients, attackGradients, type GradientOptions } from './gradients.ts';
import { attackTarget, nativeTarget, type Targeted, type TargetOptions } from './target.ts';
import { unusedOptions } from './unused.ts';

export interface FgsmAttack extends AttackGradients, Targeted {
  name: 'fgsm';
  /** Radius in pixel units; null stands for the threat model's. */
  eps: number | null;
  /** Null stands for the threat model's. */
  norm: Norm | null;
}

export interface FgsmOptions extends GradientOptions, TargetOptions {
  /** Radius, pixels in [0, 1]. Defaults to null, which stands for the threat model's. */
  eps?: Fraction | null;
  /** Defaults to null, which stands for the threat model's. */
  norm?: Norm | null;
}

/** @internal */
export const fgsmSchema = section('One step along the gradient.', {
  name: z.literal('fgsm'),
  ...attackGradients,
  target: attackTarget,
  eps: attackEps,
  norm: attackNorm,
}) satisfies z.ZodType<FgsmAttack>;

/**
 * FGSM: one step of length eps along the gradient (its sign for Linf) of the cross-entropy.
 *
 * @throws SelfgradError `ERR_OPTION`
 */
export function fgsm(options: FgsmOptions = {}): FgsmAttack {
  return parse(fgsmSchema, { ...options, name: 'fgsm' }, 'fgsm');
}

/** The attack as the native core runs it under `threat`; `path` names it in errors. */
export function nativeFgsm(attack: FgsmAttack, threat: Threat, path: string): NativeAttackOptions {
  const { norm, eps } = attackBall(attack, threat, path);
  return { ...unusedOptions, ...attack, ...nativeTarget(attack), norm, eps, alpha: eps };
}
