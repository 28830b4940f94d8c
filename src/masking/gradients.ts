/** Checks of the input gradient itself: is there one, and does the network do what it says? */
import { distribution } from '../distribution.ts';
import type { MaskingCheck } from '../maskingAnalysis.ts';
import { percent } from '../report/format.ts';
import { check } from './check.ts';

/** @param norms of each image's cross-entropy gradient */
export function zeroGradient(norms: readonly (number | null)[]): MaskingCheck {
  const zero = norms.filter((norm) => norm === 0).length;
  const found = zero / norms.length;
  return check('zero-gradient', found > 0.01, `${zero} of ${norms.length} gradients are exactly zero`, {
    share: found,
  });
}

/** @param errors of each image's gradient against finite differences, relative; null where it is zero */
export function gradientError(errors: readonly (number | null)[]): MaskingCheck {
  const wrong = errors.filter((error) => error === null || error > 0.5).length / errors.length;
  const { median } = distribution(errors.filter((error) => error !== null));
  return check(
    'gradient-error',
    median === null || median > 0.1 || wrong > 0.05,
    median === null
      ? 'no image has a gradient'
      : `finite differences deviate by ${percent(median, 2)} (median), by more than half or without a gradient in ${percent(wrong, 1)} of the images`,
    { ...(median !== null && { median }), wrong },
  );
}
