/** Random points of the ball: what noise alone breaks. */
import { z } from 'zod';
import type { NativeAttackOptions } from '../../native/measureBinding.ts';
import type { Fraction } from '../fraction.ts';
import { integer, parse, section } from '../option.ts';
import type { Norm, Threat } from '../threat.ts';
import { attackBall, attackEps, attackNorm } from './budget.ts';
import { unusedOptions } from './unused.ts';

export interface RandomAttack {
  name: 'random';
  /** Points tried. */
  restarts: number;
  /** Radius in pixel units; null stands for the threat model's. */
  eps: number | null;
  /** Null stands for the threat model's. */
  norm: Norm | null;
}

export interface RandomOptions {
  /** Points tried, at least 1; an image counts as broken when any of them breaks it. Defaults to 100. */
  restarts?: number;
  /** Radius, pixels in [0, 1]. Defaults to null, which stands for the threat model's. */
  eps?: Fraction | null;
  /** Defaults to null, which stands for the threat model's. */
  norm?: Norm | null;
}

/** @internal */
export const randomSchema = section('Random points of the ball.', {
  name: z.literal('random'),
  restarts: integer({ description: 'Points tried per image.', gte: 1 }).prefault(100),
  eps: attackEps,
  norm: attackNorm,
}) satisfies z.ZodType<RandomAttack>;

/**
 * Random noise, the weakest attack: uniform in the ball for Linf, a uniform direction with uniform length for L2. What
 * it breaks, every attack worth the name breaks.
 *
 * @throws SelfgradError `ERR_OPTION`
 */
export function random(options: RandomOptions = {}): RandomAttack {
  return parse(randomSchema, { ...options, name: 'random' }, 'random');
}

/** The attack as the native core runs it under `threat`; `path` names it in errors. */
export function nativeRandom(attack: RandomAttack, threat: Threat, path: string): NativeAttackOptions {
  return { ...unusedOptions, ...attack, ...attackBall(attack, threat, path), alpha: 0 };
}
