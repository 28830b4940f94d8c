/** FAB and FAB-T (https://arxiv.org/abs/1907.02044): the nearest adversarial image, along the decision boundary. */
import { z } from 'zod';
import type { NativeAttackOptions } from '../../native/measureBinding.ts';
import type { Fraction } from '../fraction.ts';
import { flag, integer, parse, section } from '../option.ts';
import type { Norm, Threat } from '../threat.ts';
import { attackBall, attackEps, attackNorm } from './budget.ts';
import { unusedOptions } from './unused.ts';

export interface FabAttack {
  name: 'fab';
  /** Steps of each try. */
  steps: number;
  restarts: number;
  /** Leave with the first image within the radius; no distances. */
  stopWithinEps: boolean;
  /** Radius within which a found image counts as broken; null stands for the threat model's. */
  eps: number | null;
  /** Null stands for the threat model's. */
  norm: Norm | null;
}

export interface FabTAttack extends Omit<FabAttack, 'name'> {
  name: 'fab-t';
  /** Wrong classes to aim at, one after another; all of them where there are fewer. */
  targets: number;
}

export interface FabOptions {
  /** Steps of each try (`fab-t`: towards each target), at least 1. Defaults to 100. */
  steps?: number;
  /**
   * Tries (`fab-t`: towards each target), at least 1: the first starts at the image, the others at random in the ball;
   * the nearest image of all counts. Defaults to 1.
   */
  restarts?: number;
  /**
   * Leave an image as soon as it is broken: the same verdicts with fewer passes, and no distances. `autoattack` sets it.
   * Defaults to false.
   */
  stopWithinEps?: boolean;
  /** Radius within which an image counts as broken. Defaults to null, which stands for the threat model's. */
  eps?: Fraction | null;
  /** Defaults to null, which stands for the threat model's. */
  norm?: Norm | null;
}

export interface FabTOptions extends FabOptions {
  /**
   * Wrong classes to aim at, those of the largest logits on the clean image first, at least 1; all of them where
   * there are fewer. Defaults to 9.
   */
  targets?: number;
}

const shared = {
  steps: integer({ description: 'Steps of each try, towards each target.', gte: 1 }).prefault(100),
  restarts: integer({ description: 'Tries, towards each target.', gte: 1 }).prefault(1),
  stopWithinEps: flag({
    description: 'Leave an image as soon as it is broken, without its distance.',
  }).prefault(false),
  eps: attackEps,
  norm: attackNorm,
};

/** @internal */
export const fabSchema = section('The nearest adversarial image, along the nearest decision boundary.', {
  name: z.literal('fab'),
  ...shared,
}) satisfies z.ZodType<FabAttack>;

/** @internal */
export const fabTSchema = section(
  'The nearest adversarial image, along one decision boundary after another.',
  {
    name: z.literal('fab-t'),
    ...shared,
    targets: integer({ description: 'Wrong classes to aim at.', gte: 1 }).prefault(9),
  },
) satisfies z.ZodType<FabTAttack>;

/**
 * FAB: the nearest adversarial image, in each step towards the wrong class whose boundary is the nearest. A step costs
 * a backward pass for each wrong class.
 *
 * @throws SelfgradError `ERR_OPTION`
 */
export function fab(options: FabOptions = {}): FabAttack {
  return parse(fabSchema, { ...options, name: 'fab' }, 'fab');
}

/**
 * FAB-T, the third attack of AutoAttack: the nearest adversarial image, towards one wrong class after another.
 *
 * @throws SelfgradError `ERR_OPTION`
 */
export function fabT(options: FabTOptions = {}): FabTAttack {
  return parse(fabTSchema, { ...options, name: 'fab-t' }, 'fabT');
}

/** The attack as the native core runs it under `threat`; `path` names it in errors. */
export function nativeFab(attack: FabAttack | FabTAttack, threat: Threat, path: string): NativeAttackOptions {
  return { ...unusedOptions, ...attack, ...attackBall(attack, threat, path), alpha: 0 };
}
