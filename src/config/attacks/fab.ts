/** FAB-T (https://arxiv.org/abs/1907.02044): the nearest adversarial image, along the decision boundary. */
import { z } from 'zod';
import type { NativeAttackOptions } from '../../native/binding.ts';
import type { Fraction } from '../fraction.ts';
import { integer, parse, section } from '../option.ts';
import type { Norm, Threat } from '../threat.ts';
import { attackBall, attackEps, attackNorm } from './budget.ts';
import { unusedOptions } from './unused.ts';

export interface FabTAttack {
  name: 'fab-t';
  /** Steps towards each target. */
  steps: number;
  restarts: number;
  /** Wrong classes to aim at, one after another; all of them where there are fewer. */
  targets: number;
  /** Radius within which a found image counts as broken; null stands for the threat model's. */
  eps: number | null;
  /** Null stands for the threat model's. */
  norm: Norm | null;
}

export interface FabTOptions {
  /** Steps towards each target, at least 1. Defaults to 100. */
  steps?: number;
  /**
   * Tries towards each target, at least 1: the first starts at the image, the others at random in the ball; the
   * nearest image of all counts. Defaults to 1.
   */
  restarts?: number;
  /**
   * Wrong classes to aim at, those of the largest logits on the clean image first, at least 1; all of them where
   * there are fewer. Defaults to 9.
   */
  targets?: number;
  /** Radius within which an image counts as broken. Defaults to null, which stands for the threat model's. */
  eps?: Fraction | null;
  /** Defaults to null, which stands for the threat model's. */
  norm?: Norm | null;
}

/** @internal */
export const fabTSchema = section('The nearest adversarial image, along the decision boundary.', {
  name: z.literal('fab-t'),
  steps: integer({ description: 'Steps towards each target.', gte: 1 }).prefault(100),
  restarts: integer({ description: 'Tries towards each target.', gte: 1 }).prefault(1),
  targets: integer({ description: 'Wrong classes to aim at.', gte: 1 }).prefault(9),
  eps: attackEps,
  norm: attackNorm,
}) satisfies z.ZodType<FabTAttack>;

/**
 * FAB-T, the third attack of AutoAttack: the nearest adversarial image, towards one wrong class after another.
 *
 * @throws SelfgradError `ERR_OPTION`
 */
export function fabT(options: FabTOptions = {}): FabTAttack {
  return parse(fabTSchema, { ...options, name: 'fab-t' }, 'fabT');
}

/** The attack as the native core runs it under `threat`; `path` names it in errors. */
export function nativeFabT(attack: FabTAttack, threat: Threat, path: string): NativeAttackOptions {
  return { ...unusedOptions, ...attack, ...attackBall(attack, threat, path), alpha: 0 };
}
