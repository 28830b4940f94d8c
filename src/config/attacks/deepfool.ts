/** DeepFool (https://arxiv.org/abs/1511.04599): the nearest adversarial image, boundary by boundary. */
import { z } from 'zod';
import type { NativeAttackOptions } from '../../native/measureBinding.ts';
import type { Fraction } from '../fraction.ts';
import { integer, number, parse, section } from '../option.ts';
import type { Norm, Threat } from '../threat.ts';
import { attackBall, attackEps, attackNorm } from './budget.ts';
import { unusedOptions } from './unused.ts';

export interface DeepFoolAttack {
  name: 'deepfool';
  steps: number;
  /** How far beyond the boundaries the image goes, as a share of the way. */
  overshoot: number;
  /** Wrong classes whose boundaries are looked at; all of them where there are fewer. */
  targets: number;
  /** Radius within which a found image counts as broken; null stands for the threat model's. */
  eps: number | null;
  /** Null stands for the threat model's. */
  norm: Norm | null;
}

export interface DeepFoolOptions {
  /** Steps at most, at least 1. Defaults to 50. */
  steps?: number;
  /** How far beyond the boundaries the image goes, as a share of the way, at least 0. Defaults to 0.02. */
  overshoot?: number;
  /**
   * Wrong classes whose boundaries are looked at, those of the largest logits on the clean image, at least 1; all of
   * them where there are fewer. Each costs a backward pass in each step. Defaults to 9.
   */
  targets?: number;
  /** Radius within which an image counts as broken. Defaults to null, which stands for the threat model's. */
  eps?: Fraction | null;
  /** Defaults to null, which stands for the threat model's. */
  norm?: Norm | null;
}

/** @internal */
export const deepFoolSchema = section('The nearest adversarial image, boundary by boundary.', {
  name: z.literal('deepfool'),
  steps: integer({ description: 'Steps at most.', gte: 1 }).prefault(50),
  overshoot: number({ description: 'Share of the way that is added to it.', gte: 0 }).prefault(0.02),
  targets: integer({ description: 'Wrong classes whose boundaries are looked at.', gte: 1 }).prefault(9),
  eps: attackEps,
  norm: attackNorm,
}) satisfies z.ZodType<DeepFoolAttack>;

/**
 * DeepFool: steps to the nearest of the linearised decision boundaries, until one is crossed.
 *
 * @throws SelfgradError `ERR_OPTION`
 */
export function deepFool(options: DeepFoolOptions = {}): DeepFoolAttack {
  return parse(deepFoolSchema, { ...options, name: 'deepfool' }, 'deepFool');
}

/** The attack as the native core runs it under `threat`; `path` names it in errors. */
export function nativeDeepFool(attack: DeepFoolAttack, threat: Threat, path: string): NativeAttackOptions {
  return { ...unusedOptions, ...attack, ...attackBall(attack, threat, path), alpha: 0 };
}
