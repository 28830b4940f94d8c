/**
 * AutoAttack (https://arxiv.org/abs/2003.01690): a fixed list of attacks, run as a cascade. Its accuracy is what the
 * last of them leaves standing.
 */
import { z } from 'zod';
import type { Fraction } from '../fraction.ts';
import { choice, parse, section } from '../option.ts';
import type { Norm } from '../threat.ts';
import { apgdCe, apgdDlr, apgdT } from './apgd.ts';
import type { Attack } from './attack.ts';
import { attackEps, attackNorm } from './budget.ts';
import { fab, fabT } from './fab.ts';
import { attackPrecision, type GradientPrecision } from './gradients.ts';
import { square } from './square.ts';

export interface AutoAttack {
  name: 'autoattack';
  version: AutoAttackVersion;
  /** Of its APGD; the others compute in float32. */
  precision: GradientPrecision;
  /** Radius in pixel units; null stands for the threat model's. */
  eps: number | null;
  /** Null stands for the threat model's. */
  norm: Norm | null;
}

export type AutoAttackVersion = 'standard' | 'plus' | 'rand';

export interface AutoAttackOptions {
  /**
   * `standard`, what leaderboards report; `plus`, with restarts and untargeted attacks; `rand`, for networks that draw
   * random numbers. Defaults to `standard`.
   */
  version?: AutoAttackVersion;
  /** Number format of the gradients of its APGD, see `pgd`; the others compute in float32. Defaults to `float32`. */
  precision?: GradientPrecision;
  /** Radius, pixels in [0, 1]. Defaults to null, which stands for the threat model's. */
  eps?: Fraction | null;
  /** Defaults to null, which stands for the threat model's. */
  norm?: Norm | null;
}

/** @internal */
export const autoAttackSchema = section('The attacks of AutoAttack as a cascade.', {
  name: z.literal('autoattack'),
  version: choice(['standard', 'plus', 'rand'], { description: 'Which list of attacks.' }).prefault(
    'standard',
  ),
  precision: attackPrecision,
  eps: attackEps,
  norm: attackNorm,
}) satisfies z.ZodType<AutoAttack>;

/**
 * AutoAttack: `evaluate(model, data, { attacks: autoattack() })`. `standard` and `plus` need 4 classes, `rand` 3.
 *
 * @throws SelfgradError `ERR_OPTION`
 */
export function autoattack(options: AutoAttackOptions = {}): AutoAttack {
  return parse(autoAttackSchema, { ...options, name: 'autoattack' }, 'autoattack');
}

/** Its attacks in the order and with the settings of the authors' code, which shrinks Square's windows for 10 000 queries. */
export function autoAttackParts({ version, precision, eps, norm }: AutoAttack): Attack[] {
  const ball = { eps, norm };
  const climb = { ...ball, precision };
  // Only who is broken matters here, not by how much.
  const boundary = { ...ball, stopWithinEps: true };
  const targeted = [apgdT(climb), fabT(boundary)];
  const blackBox = square({ ...ball, queries: 5000, schedule: 10_000 });
  switch (version) {
    case 'standard':
      return [apgdCe(climb), ...targeted, blackBox];
    case 'plus': {
      const often = { ...climb, restarts: 5 };
      return [apgdCe(often), apgdDlr(often), fab({ ...boundary, restarts: 5 }), blackBox, ...targeted];
    }
    case 'rand': {
      const averaged = { ...climb, eot: 20 };
      return [apgdCe(averaged), apgdDlr(averaged)];
    }
  }
}
