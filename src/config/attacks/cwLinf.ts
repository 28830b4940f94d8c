/** Carlini and Wagner's margin loss under an Linf bound: PGD on the margin with a confidence. */
import { z } from 'zod';
import type { NativeAttackOptions } from '../../native/measureBinding.ts';
import type { Fraction } from '../fraction.ts';
import { number, parse, section } from '../option.ts';
import type { Threat } from '../threat.ts';
import { attackBudget, attackEps } from './budget.ts';
import { climb, type PgdAttack, type PgdOptions } from './pgd.ts';
import { nativeTarget } from './target.ts';
import { unusedOptions } from './unused.ts';

/** What it has of PGD. */
type Climb = 'steps' | 'alpha' | 'restarts' | 'randomStart' | 'eot' | 'precision' | 'target';

export interface CwLinfAttack extends Pick<PgdAttack, Climb> {
  name: 'cw-linf';
  /** Margin in logits at which the attack on an image ends. */
  confidence: number;
  /** Linf radius in pixel units; null stands for the threat model's. */
  eps: number | null;
}

export interface CwLinfOptions extends Pick<PgdOptions, Climb> {
  /** Margin in logits that an adversarial image must reach before its attack ends, at least 0. Defaults to 0. */
  confidence?: number;
  /** Linf radius, pixels in [0, 1]. Defaults to null, which stands for the threat model's. */
  eps?: Fraction | null;
}

/** @internal */
export const cwLinfSchema = section('PGD on the Carlini-Wagner margin.', {
  name: z.literal('cw-linf'),
  ...climb,
  confidence: number({ description: 'Margin at which the attack on an image ends.', gte: 0 }).prefault(0),
  eps: attackEps,
}) satisfies z.ZodType<CwLinfAttack>;

/**
 * CW under an Linf bound: PGD on max over wrong classes of z_i - z_y.
 * The literature cuts the loss at a confidence of 50; what an image is broken by does not depend on it.
 *
 * @throws SelfgradError `ERR_OPTION`
 */
export function cwLinf(options: CwLinfOptions = {}): CwLinfAttack {
  return parse(cwLinfSchema, { ...options, name: 'cw-linf' }, 'cwLinf');
}

/** The attack as the native core runs it under `threat`; `path` names it in errors. */
export function nativeCwLinf(attack: CwLinfAttack, threat: Threat, path: string): NativeAttackOptions {
  const eps = attackBudget(attack.eps, 'linf', threat, path);
  return {
    ...unusedOptions,
    ...attack,
    ...nativeTarget(attack),
    norm: 'linf',
    loss: 'margin',
    eps,
    alpha: attack.alpha ?? eps / 4,
  };
}
