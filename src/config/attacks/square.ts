/** The Square attack (https://arxiv.org/abs/1912.00049): random search that needs logits and no gradient. */
import { z } from 'zod';
import type { NativeAttackOptions } from '../../native/measureBinding.ts';
import type { Fraction } from '../fraction.ts';
import { integer, number, parse, section } from '../option.ts';
import type { Norm, Threat } from '../threat.ts';
import { attackBall, attackEps, attackNorm } from './budget.ts';
import { unusedOptions } from './unused.ts';

export interface SquareAttack {
  name: 'square';
  /** Forward passes of an image, the start included. */
  queries: number;
  /** Share of the pixels that the first windows cover. */
  pInit: number;
  /** Queries over which the windows shrink; null stands for `queries`. */
  schedule: number | null;
  restarts: number;
  /** Radius in pixel units; null stands for the threat model's. */
  eps: number | null;
  /** Null stands for the threat model's. */
  norm: Norm | null;
}

export interface SquareOptions {
  /** Forward passes of an image in each try, the start included, at least 1. Defaults to 5000. */
  queries?: number;
  /** Share of the pixels that the first windows cover, in (0, 1]; it is halved on a schedule. Defaults to 0.8. */
  pInit?: number;
  /**
   * Queries over which the windows shrink, at least 1: more than `queries` ends the search before they are smallest.
   * Defaults to null, which stands for `queries`.
   */
  schedule?: number | null;
  /** Independent tries, at least 1; an image counts as broken when any try breaks it. Defaults to 1. */
  restarts?: number;
  /** Radius, pixels in [0, 1]. Defaults to null, which stands for the threat model's. */
  eps?: Fraction | null;
  /** Defaults to null, which stands for the threat model's. */
  norm?: Norm | null;
}

/** @internal */
export const squareSchema = section('Random search with logits alone.', {
  name: z.literal('square'),
  queries: integer({ description: 'Forward passes of an image in each try.', gte: 1 }).prefault(5000),
  pInit: number({ description: 'Share of the pixels that the first windows cover.', gt: 0, lte: 1 }).prefault(
    0.8,
  ),
  schedule: integer({
    description: 'Queries over which the windows shrink; null stands for those there are.',
    gte: 1,
  })
    .nullable()
    .prefault(null),
  restarts: integer({ description: 'Independent tries per image.', gte: 1 }).prefault(1),
  eps: attackEps,
  norm: attackNorm,
}) satisfies z.ZodType<SquareAttack>;

/**
 * The Square attack on the margin, the black-box attack of AutoAttack: where it breaks what gradient attacks leave
 * standing, gradients are masked.
 *
 * @throws SelfgradError `ERR_OPTION`
 */
export function square(options: SquareOptions = {}): SquareAttack {
  return parse(squareSchema, { ...options, name: 'square' }, 'square');
}

/** The attack as the native core runs it under `threat`; `path` names it in errors. */
export function nativeSquare(attack: SquareAttack, threat: Threat, path: string): NativeAttackOptions {
  const schedule = attack.schedule ?? attack.queries;
  return { ...unusedOptions, ...attack, ...attackBall(attack, threat, path), alpha: 0, schedule };
}
