/** Carlini and Wagner's L2 attack (https://arxiv.org/abs/1608.04644): the nearest adversarial image. */
import { z } from 'zod';
import type { NativeAttackOptions } from '../../native/measureBinding.ts';
import type { Fraction } from '../fraction.ts';
import { integer, number, parse, section } from '../option.ts';
import type { Threat } from '../threat.ts';
import { attackBudget, attackEps } from './budget.ts';
import { attackTarget, nativeTarget, type Targeted, type TargetOptions } from './target.ts';
import { unusedOptions } from './unused.ts';

export interface CwL2Attack extends Targeted {
  name: 'cw-l2';
  /** Adam steps in each search step. */
  steps: number;
  binarySearchSteps: number;
  /** First weight of the classification term. */
  initialC: number;
  learningRate: number;
  /** Margin in logits that an adversarial image must reach. */
  confidence: number;
  /** L2 radius within which a found image counts as broken; null stands for the threat model's. */
  eps: number | null;
}

export interface CwL2Options extends TargetOptions {
  /** Adam steps in each search step, at least 1. Defaults to 1000. */
  steps?: number;
  /** Search steps for the weight of the classification term, at least 1. Defaults to 9. */
  binarySearchSteps?: number;
  /** First weight of the classification term, above 0. Defaults to 0.001. */
  initialC?: number;
  /** Adam's learning rate, above 0. Defaults to 0.01. */
  learningRate?: number;
  /** Margin in logits that an adversarial image must reach, at least 0. Defaults to 0. */
  confidence?: number;
  /** L2 radius within which an image counts as broken. Defaults to null, which stands for the threat model's. */
  eps?: Fraction | null;
}

/** @internal */
export const cwL2Schema = section('The nearest adversarial image in L2.', {
  name: z.literal('cw-l2'),
  steps: integer({ description: 'Adam steps in each search step.', gte: 1 }).prefault(1000),
  binarySearchSteps: integer({ description: 'Search steps for c.', gte: 1 }).prefault(9),
  initialC: number({ description: 'First weight of the classification term.', gt: 0 }).prefault(1e-3),
  learningRate: number({ description: "Adam's learning rate.", gt: 0 }).prefault(0.01),
  confidence: number({
    description: 'Margin in logits that an adversarial image must reach.',
    gte: 0,
  }).prefault(0),
  target: attackTarget,
  eps: attackEps,
}) satisfies z.ZodType<CwL2Attack>;

/**
 * CW-L2 in tanh space, with 9 binary-search steps and Adam.
 *
 * @throws SelfgradError `ERR_OPTION`
 */
export function cwL2(options: CwL2Options = {}): CwL2Attack {
  return parse(cwL2Schema, { ...options, name: 'cw-l2' }, 'cwL2');
}

/** The attack as the native core runs it under `threat`; `path` names it in errors. */
export function nativeCwL2(attack: CwL2Attack, threat: Threat, path: string): NativeAttackOptions {
  const eps = attackBudget(attack.eps, 'l2', threat, path);
  return { ...unusedOptions, ...attack, ...nativeTarget(attack), norm: 'l2', loss: 'margin', eps, alpha: 0 };
}
