/** APGD (https://arxiv.org/abs/2003.01690): ascent that chooses its own step size; on three losses. */
import { z } from 'zod';
import { SelfgradError } from '../../errors.ts';
import type { NativeAttackOptions } from '../../native/measureBinding.ts';
import type { Fraction } from '../fraction.ts';
import { integer, parse, section } from '../option.ts';
import type { Norm, Threat } from '../threat.ts';
import { attackBall, attackEps, attackNorm } from './budget.ts';
import { type AttackGradients, attackGradients, type GradientOptions } from './gradients.ts';
import { attackTarget, checkTarget, nativeTarget, type Targeted, type TargetOptions } from './target.ts';
import { unusedOptions } from './unused.ts';

interface Apgd extends AttackGradients {
  steps: number;
  restarts: number;
  /** Radius in pixel units; null stands for the threat model's. */
  eps: number | null;
  /** Null stands for the threat model's. */
  norm: Norm | null;
}

export interface ApgdCeAttack extends Apgd, Targeted {
  name: 'apgd-ce';
}

export interface ApgdDlrAttack extends Apgd {
  name: 'apgd-dlr';
}

export interface ApgdTAttack extends Apgd {
  name: 'apgd-t';
  /** Wrong classes to aim at, one after another; all of them where there are fewer. */
  targets: number;
}

export interface ApgdOptions extends GradientOptions {
  /** At least 1. Defaults to 100. */
  steps?: number;
  /** Independent tries, at least 1; an image counts as broken when any try breaks it. Defaults to 1. */
  restarts?: number;
  /** Radius, pixels in [0, 1]. Defaults to null, which stands for the threat model's. */
  eps?: Fraction | null;
  /** Defaults to null, which stands for the threat model's. */
  norm?: Norm | null;
}

export interface ApgdCeOptions extends ApgdOptions, TargetOptions {}

export interface ApgdTOptions extends ApgdOptions {
  /**
   * Wrong classes to aim at, those of the largest logits on the clean image first, at least 1; all of them where
   * there are fewer. Defaults to 9.
   */
  targets?: number;
}

const shared = {
  steps: integer({ description: 'Gradient steps, of each climb.', gte: 1 }).prefault(100),
  restarts: integer({ description: 'Independent tries per image.', gte: 1 }).prefault(1),
  ...attackGradients,
  eps: attackEps,
  norm: attackNorm,
};

/** @internal */
export const apgdCeSchema = section('APGD on the cross-entropy.', {
  name: z.literal('apgd-ce'),
  ...shared,
  target: attackTarget,
}) satisfies z.ZodType<ApgdCeAttack>;

/** @internal */
export const apgdDlrSchema = section('APGD on the difference of logits ratio.', {
  name: z.literal('apgd-dlr'),
  ...shared,
}) satisfies z.ZodType<ApgdDlrAttack>;

/** @internal */
export const apgdTSchema = section('APGD towards one wrong class after another.', {
  name: z.literal('apgd-t'),
  ...shared,
  targets: integer({ description: 'Wrong classes to aim at.', gte: 1 }).prefault(9),
}) satisfies z.ZodType<ApgdTAttack>;

/**
 * APGD on the cross-entropy, the first attack of AutoAttack.
 *
 * @throws SelfgradError `ERR_OPTION`
 */
export function apgdCe(options: ApgdCeOptions = {}): ApgdCeAttack {
  return parse(apgdCeSchema, { ...options, name: 'apgd-ce' }, 'apgdCe');
}

/**
 * APGD on the difference of logits ratio, a margin that scaling the logits does not change. Needs 3 classes.
 *
 * @throws SelfgradError `ERR_OPTION`
 */
export function apgdDlr(options: ApgdOptions = {}): ApgdDlrAttack {
  return parse(apgdDlrSchema, { ...options, name: 'apgd-dlr' }, 'apgdDlr');
}

/**
 * APGD on the targeted difference of logits ratio, the second attack of AutoAttack: `targets` climbs of `steps`
 * steps an image, until one succeeds. Needs 4 classes.
 *
 * @throws SelfgradError `ERR_OPTION`
 */
export function apgdT(options: ApgdTOptions = {}): ApgdTAttack {
  return parse(apgdTSchema, { ...options, name: 'apgd-t' }, 'apgdT');
}

/**
 * Refuses an attack whose loss compares more logits than the network has, or whose target it does not have.
 *
 * @throws SelfgradError `ERR_OPTION`
 */
export function checkClasses(attacks: readonly NativeAttackOptions[], classes: number): void {
  for (const attack of attacks) {
    checkTarget(attack, classes);
    const name = attack.inner || attack.name;
    const least = name === 'apgd-t' ? 4 : name === 'apgd-dlr' ? 3 : 2;
    if (classes >= least) continue;
    throw new SelfgradError(
      'ERR_OPTION',
      `Expected at least ${least} classes for the attack ${name} but received a network with ${classes}.`,
      { fix: 'Use apgd-ce and fab-t.' },
    );
  }
}

/** The attack as the native core runs it under `threat`; `path` names it in errors. */
export function nativeApgd(
  attack: ApgdCeAttack | ApgdDlrAttack | ApgdTAttack,
  threat: Threat,
  path: string,
): NativeAttackOptions {
  const target = nativeTarget(attack.name === 'apgd-ce' ? attack : { target: null });
  return { ...unusedOptions, ...attack, ...target, ...attackBall(attack, threat, path), alpha: 0 };
}
