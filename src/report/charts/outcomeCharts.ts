/** Charts of what became of single images: who stands after so many steps, and how far the others fell. */
import type { Evaluation } from '../../evaluation.ts';
import { counted, percent, shortened } from '../format.ts';
import type { Markup } from '../markup.ts';
import { leadCurve, standingCurves } from '../outcomes.ts';
import { type AxisTick, hasPoints, type LineChart, runTones, sideBySide } from './lineChart.ts';

const share = (value: number) => percent(value, 0);

/** 0, powers of ten, then what lies between them, up to `end`. */
function stepTicks(end: number): AxisTick[] {
  const powers = Array.from({ length: Math.floor(Math.log10(end)) + 1 }, (_, k) => 10 ** k);
  return [0, ...powers, ...powers.flatMap((power) => [5 * power, 2 * power])]
    .filter((value) => value <= end)
    .map((value) => ({ value, text: String(value) }));
}

function standingChart(evaluation: Evaluation): LineChart {
  const curves = standingCurves(evaluation)
    .filter(({ broken }) => broken > 0)
    .slice(0, runTones.length);
  const end = Math.max(1, ...curves.flatMap(({ points }) => points.map(({ steps }) => steps)));
  const told = curves.map(({ attack, points }) => {
    const { steps, standing } = points.at(-1)!;
    return `${attack} leaves ${percent(standing.rate)} after ${counted(steps, 'step')}`;
  });
  return {
    id: 'attack-steps',
    title: 'Robust accuracy against attack steps',
    description: `${told.join(', ')}.`,
    xLabel: 'steps or queries of the attack, logarithmic',
    yLabel: 'images still standing',
    xTicks: stepTicks(end),
    xLogarithmic: true,
    yMax: 1,
    yFormat: share,
    stepped: true,
    series: curves.map(({ attack, points }, i) => ({
      name: shortened(attack),
      tone: runTones[i]!,
      points: points.map(({ steps, standing }) => ({ x: steps, y: standing.rate })),
    })),
    marks: [],
  };
}

function leadChart({ images }: Evaluation): LineChart {
  const points = leadCurve(images);
  const middle = points.find((point) => point.share.rate >= 0.5);
  return {
    id: 'leads',
    title: 'Lead of the wrong class on broken images',
    description: `On half of the broken images the wrong class leads by at most ${middle?.lead.toPrecision(3)}, on all by at most ${points.at(-1)?.lead.toPrecision(3)} logits.`,
    xLabel: 'lead of the wrong class, logits',
    yLabel: 'broken images with at most this lead',
    yMax: 1,
    yFormat: share,
    stepped: true,
    series: [
      {
        name: 'all attacks',
        tone: 'neutral',
        points: points.map(({ lead, share: { rate } }) => ({ x: lead, y: rate })),
      },
    ],
    marks: [],
  };
}

/** Both side by side, of the first six attacks that broke an image; null where nothing was broken. */
export function outcomeCharts(evaluation: Evaluation): Markup | null {
  const charts = [standingChart(evaluation), leadChart(evaluation)];
  return charts.some(hasPoints) ? sideBySide(charts) : null;
}
