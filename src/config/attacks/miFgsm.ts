/** MI-FGSM (https://arxiv.org/abs/1710.06081): iterated FGSM with momentum. */
import { z } from 'zod';
import type { NativeAttackOptions } from '../../native/measureBinding.ts';
import { type Fraction, fraction } from '../fraction.ts';
import { integer, number, parse, section } from '../option.ts';
import type { Norm, Threat } from '../threat.ts';
import { attackBall, attackEps, attackNorm } from './budget.ts';
import { type AttackGradients, attackGradients, type GradientOptions } from './gradients.ts';
import { attackTarget, nativeTarget, type Targeted, type TargetOptions } from './target.ts';
import { unusedOptions } from './unused.ts';

export interface MiFgsmAttack extends AttackGradients, Targeted {
  name: 'mi-fgsm';
  steps: number;
  /** Step size in pixel units; null stands for eps / steps. */
  alpha: number | null;
  /** What is kept of the accumulated gradient in a step, the paper's mu. */
  decay: number;
  /** Radius in pixel units; null stands for the threat model's. */
  eps: number | null;
  /** Null stands for the threat model's. */
  norm: Norm | null;
}

export interface MiFgsmOptions extends GradientOptions, TargetOptions {
  /** At least 1. Defaults to 10. */
  steps?: number;
  /** Step size, pixels in [0, 1]; above 0. Defaults to null, which stands for eps / steps. */
  alpha?: Fraction | null;
  /** What is kept of the accumulated gradient in a step, at least 0; the paper's mu. Defaults to 1. */
  decay?: number;
  /** Radius, pixels in [0, 1]. Defaults to null, which stands for the threat model's. */
  eps?: Fraction | null;
  /** Defaults to null, which stands for the threat model's. */
  norm?: Norm | null;
}

/** @internal */
export const miFgsmSchema = section('Iterated FGSM with momentum.', {
  name: z.literal('mi-fgsm'),
  steps: integer({ description: 'Gradient steps.', gte: 1 }).prefault(10),
  alpha: fraction({ description: 'Step size; null stands for eps / steps.', gt: 0 })
    .nullable()
    .prefault(null),
  decay: number({ description: 'What is kept of the accumulated gradient in a step.', gte: 0 }).prefault(1),
  ...attackGradients,
  target: attackTarget,
  eps: attackEps,
  norm: attackNorm,
}) satisfies z.ZodType<MiFgsmAttack>;

/**
 * MI-FGSM: steps along accumulated gradients, each over its L1 norm. Its images transfer better to other networks.
 *
 * @throws SelfgradError `ERR_OPTION`
 */
export function miFgsm(options: MiFgsmOptions = {}): MiFgsmAttack {
  return parse(miFgsmSchema, { ...options, name: 'mi-fgsm' }, 'miFgsm');
}

/** The attack as the native core runs it under `threat`; `path` names it in errors. */
export function nativeMiFgsm(attack: MiFgsmAttack, threat: Threat, path: string): NativeAttackOptions {
  const { norm, eps } = attackBall(attack, threat, path);
  return {
    ...unusedOptions,
    ...attack,
    ...nativeTarget(attack),
    norm,
    eps,
    alpha: attack.alpha ?? eps / attack.steps,
  };
}
