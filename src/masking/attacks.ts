/** Checks that compare attacks with each other: a stronger one must break at least what a weaker one does. */
import { formatEps } from '../config/fraction.ts';
import type { Rate } from '../evaluation.ts';
import type { MaskingCheck } from '../maskingAnalysis.ts';
import { percent } from '../report/format.ts';
import { advantage, check, share } from './check.ts';

/** Points that two attacks of equal strength may differ by without meaning. */
const slack = 0.01;
/** What more steps or restarts may still gain when an attack has converged. */
const converged = 0.02;
/** AutoAttack's own alarm. */
const squareMay = 0.002;

/** Robust accuracies under each attack on the same images. */
export interface MaskingRates {
  fgsm: Rate;
  pgd: Rate;
  /** PGD with five times the steps. */
  moreSteps: Rate;
  /** PGD with five restarts. */
  moreRestarts: Rate;
  random: Rate;
  square: Rate;
  /** APGD on two losses. */
  whiteBox: Rate;
  /** The same, then Square. */
  afterSquare: Rate;
}

export function singleStep({ fgsm, pgd }: MaskingRates): MaskingCheck {
  const lead = advantage(fgsm, pgd);
  return check('single-step', lead > slack, `FGSM leaves ${share(fgsm)}, PGD ${share(pgd)}`, { lead });
}

/** @param rates under PGD at each of `radii`, which ascend */
export function epsCurveFalls(radii: readonly number[], rates: readonly Rate[]): MaskingCheck {
  const rise = Math.max(0, ...rates.slice(1).map((rate, i) => advantage(rates[i]!, rate)));
  const ends = [0, rates.length - 1].map((i) => `${share(rates[i]!)} at eps ${formatEps(radii[i]!)}`);
  return check('eps-curve', rise > slack, `${ends.join(' to ')}, largest rise ${percent(rise, 1)}`, {
    rise,
    last: rates.at(-1)!.rate,
  });
}

/** @param robust under PGD whose ball reaches an image that tells nothing */
export function unbounded(robust: Rate, classes: number): MaskingCheck {
  return check(
    'unbounded',
    robust.rate > 1 / classes,
    `PGD that may reach plain grey leaves ${share(robust)}`,
    {
      robust: robust.rate,
    },
  );
}

export function moreSteps({ pgd, moreSteps: more }: MaskingRates, steps: number): MaskingCheck {
  const gain = advantage(more, pgd);
  return check('steps', gain > converged, `${steps} steps leave ${share(pgd)}, ${5 * steps} ${share(more)}`, {
    gain,
  });
}

export function moreRestarts({ pgd, moreRestarts: more }: MaskingRates): MaskingCheck {
  const gain = advantage(more, pgd);
  return check('restarts', gain > converged, `one start leaves ${share(pgd)}, five ${share(more)}`, { gain });
}

export function attackOrder({ random, square, whiteBox }: MaskingRates): MaskingCheck {
  const noise = advantage(random, square);
  const blackBox = advantage(square, whiteBox);
  return check(
    'attack-order',
    noise > slack || blackBox > slack,
    `noise leaves ${share(random)}, Square ${share(square)}, APGD ${share(whiteBox)}`,
    { noise, blackBox },
  );
}

/** One image alone is no evidence, however few were looked at. */
export function squareGain({ whiteBox, afterSquare }: MaskingRates): MaskingCheck {
  const images = whiteBox.correct - afterSquare.correct;
  const gain = images / whiteBox.count;
  return check(
    'square-gain',
    gain > squareMay && images > 1,
    `Square breaks ${images} of the ${whiteBox.correct} images that APGD left`,
    { gain },
  );
}
