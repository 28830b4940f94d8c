/** The threat model: how far an adversary may move an image. */
import type { z } from 'zod';
import { SelfgradError } from '../errors.ts';
import { type Fraction, formatEps, fraction, parseFraction } from './fraction.ts';
import { choice, section, sentence } from './option.ts';

/**
 * Largest change of any pixel (`linf`), Euclidean length of the change over the whole image (`l2`), or sum of its sizes
 * (`l1`, for attacks with APGD alone).
 */
export type Norm = 'linf' | 'l2' | 'l1';

export interface Threat {
  norm: Norm;
  /** Radius of the ball in pixel units, images in [0, 1]. */
  eps: number;
}

export interface ThreatInput {
  /** Defaults to `linf`. */
  norm?: Norm;
  /** In (0, 1] for `linf`, above 0 for `l2` and `l1`. Defaults to `8/255`. */
  eps?: Fraction;
}

/** @internal */
export const norms = ['linf', 'l2', 'l1'] as const;

/**
 * Refuses what does not work in L1.
 *
 * @param what as errors name it, e.g. `training`
 * @throws SelfgradError `ERR_OPTION`
 */
export function refuseL1(norm: Norm, what: string): void {
  if (norm !== 'l1') return;
  throw new SelfgradError(
    'ERR_OPTION',
    `Expected linf or l2 for the norm of ${what} but received 'l1' (string).`,
    { fix: 'In l1 these attacks work: apgd-ce, apgd-dlr, apgd-t.' },
  );
}

/** What to write instead of an eps that was given in grey levels. */
export function pixelFix(value: unknown): string {
  const number = parseFraction(value);
  const levels = number !== undefined && number > 1 && number <= 255 ? formatEps(number / 255) : '8/255';
  return `Pixels are in [0, 1]: write ${levels}.`;
}

/** @internal */
export const threatSchema = section('The adversary to withstand.', {
  norm: choice(norms, { description: 'Norm of the perturbation.' }).prefault('linf'),
  eps: fraction({
    description: 'Radius of the ball around each image, pixels in [0, 1].',
    gt: 0,
    fix: pixelFix,
  }).prefault('8/255'),
}).refine(({ norm, eps }) => norm !== 'linf' || typeof eps !== 'number' || eps <= 1, {
  path: ['eps'],
  error: (issue) => {
    const { eps } = issue.input as Threat;
    return sentence('a number in (0, 1]', '{path}', eps, pixelFix(eps));
  },
}) satisfies z.ZodType<Threat>;
