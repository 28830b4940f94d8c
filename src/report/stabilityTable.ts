/** The result of a stability analysis as aligned lines for a terminal. */
import { formatEps } from '../config/fraction.ts';
import type { Rate } from '../evaluation.ts';
import type { Diagnostics, Distribution, StabilityAnalysis } from '../stabilityAnalysis.ts';
import { counted, duration, grouped, interval, passPair, percent, warningText } from './format.ts';
import { align, headline, plain } from './table.ts';

/** The words for each diagnostic. */
export const diagnosticLabels: Record<keyof Diagnostics<unknown>, string> = {
  loss: 'loss',
  gradientL1: 'gradient, l1',
  gradientL2: 'gradient, l2',
  gradientCurvature: 'curvature along gradient',
  eigenvalue: 'largest eigenvalue',
  eigenvalueResidual: 'eigenvalue residual',
  linearityError: 'linearity error',
  linearityRatio: 'linearity ratio',
  gradientCosine: 'gradient cosine',
  gradientAgreement: 'gradient agreement',
  adversaryQuality: 'adversary quality',
  marginRadius: 'margin radius (estimate)',
  gradientError: 'gradient error',
};

/** A figure with four digits behind the point, or as a power of ten; a dash for none. */
export function figureText(value: number | null): string {
  if (value === null) return '-';
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e4) ? value.toExponential(2) : value.toFixed(4);
}

function figures({ p5, median, p95, mean, count }: Distribution): string[] {
  return [figureText(p5), figureText(median), figureText(p95), figureText(mean), grouped(count)];
}

function rateLine(name: string, rate: Rate, note: string): string[] {
  return [name, percent(rate.rate), interval(rate), note];
}

/** The radius in 255ths, the unit in which radii are compared. */
function levels(value: number | null): string {
  return value === null ? '-' : `${(value * 255).toPrecision(3)}/255`;
}

/**
 * The lines that `selfgrad stability` prints: accuracy with its ceiling and floor, the spread of each diagnostic over
 * the images, mean loss along three directions, and the warnings.
 */
export function renderStability(analysis: StabilityAnalysis): string {
  const { threat, bound, diagnostics, profile, warnings } = analysis;
  const rates = [
    rateLine('clean', analysis.clean, ''),
    rateLine('under PGD', analysis.attacked, `${counted(analysis.options.steps, 'step')}: a ceiling`),
    rateLine('zero gradient', analysis.zeroGradient, ''),
  ];
  if (bound) {
    rates.push(
      rateLine('under PGD', bound.attacked, `of the first ${grouped(bound.certified.count)}: a ceiling`),
      rateLine('certified', bound.certified, `of the first ${grouped(bound.certified.count)}: a floor`),
    );
  }
  const radius = bound
    ? [
        `certified radius  p5 ${levels(bound.radius.p5)}  median ${levels(bound.radius.median)}  ` +
          `p95 ${levels(bound.radius.p95)}  (up to ${formatEps(4 * threat.eps)})`,
      ]
    : [];
  const spread = [
    ['per image', 'p5', 'median', 'p95', 'mean', 'images'],
    ...Object.entries(diagnosticLabels).map(([name, label]) => [
      label,
      ...figures(diagnostics[name as keyof typeof diagnosticLabels]),
    ]),
  ];
  const curves = [
    ['mean loss at', ...profile.multiples.map((k) => `${k} eps`)],
    ...profile.curves.map(({ direction, loss }) => [`along ${direction}`, ...loss.map(figureText)]),
  ];
  return [
    `stability  ${headline(analysis)}`,
    ...align(rates, 0),
    ...radius,
    '',
    ...align(spread, 0),
    '',
    ...align(curves, 0),
    '',
    `passes  ${passPair(analysis.passes).join('  ')}  ${duration(analysis.seconds)}`,
    ...warnings.map((warning) => `warning  ${warningText(warning)}`),
  ]
    .map(plain)
    .join('\n');
}
