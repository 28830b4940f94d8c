/** Robust accuracy against eps: it should fall to zero, or the attack is too weak to be believed. */
import type { EpsPoint, Evaluation } from '../../evaluation.ts';
import { normText, percent } from '../format.ts';
import type { Markup } from '../markup.ts';
import { lineChart } from './lineChart.ts';

/** The curve with its 95 % band and the threat model's eps marked. */
export function epsCurve(curve: NonNullable<Evaluation['epsCurve']>, threat: Evaluation['threat']): Markup {
  const points = curve.points.toSorted((a, b) => a.eps - b.eps);
  const [first, last] = [points[0]!, points.at(-1)!];
  const rank = ({ eps }: EpsPoint): number =>
    eps === threat.eps ? 0 : eps === first.eps || eps === last.eps ? 1 : 2;
  const ranked = points.toSorted((a, b) => rank(a) - rank(b));
  return lineChart({
    id: 'eps-curve',
    title: 'Robust accuracy against eps',
    description: `Accuracy under ${curve.attack} falls from ${percent(first.robust.rate)} at eps ${first.epsText} to ${percent(last.robust.rate)} at eps ${last.epsText}.`,
    xLabel: `eps (${normText(threat.norm)}, pixels in 0 … 1)`,
    yLabel: 'robust accuracy',
    xTicks: ranked.map(({ eps, epsText }) => ({ value: eps, text: epsText })),
    yMax: 1,
    yFormat: (value) => percent(value, 0),
    series: [
      {
        name: curve.attack,
        tone: 'robust',
        points: points.map(({ eps, robust }) => ({
          x: eps,
          y: robust.rate,
          low: robust.low,
          high: robust.high,
        })),
      },
    ],
    marks: threat.eps <= last.eps ? [{ value: threat.eps, text: `threat model ${threat.epsText}` }] : [],
  });
}
