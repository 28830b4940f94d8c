/** The page that sets runs side by side. */
import type { Comparison, ComparisonRow } from '../comparison.ts';
import type { Evaluation, Rate } from '../evaluation.ts';
import type { TrainEvent } from '../events.ts';
import type { Difference } from '../interval.ts';
import {
  hasPoints,
  type LineChart,
  type LineSeries,
  runTones,
  sideBySide,
  type Tone,
} from './charts/lineChart.ts';
import { explanations, warningList } from './explanations.ts';
import {
  counted,
  differenceText,
  duration,
  normText,
  passes,
  percent,
  shortened,
  threatText,
} from './format.ts';
import { type Cost, type EpochRow, epochRows, trainingHistory } from './history.ts';
import { html, type Markup } from './markup.ts';
import { renderPage, section } from './page.ts';
import { heads, rateCell, rateHead, scrolling, valueCell } from './tables.ts';

export interface ComparisonInput {
  comparison: Comparison;
  /** In the order of the comparison's rows: what each row was made of, and its training where that is known. */
  runs: readonly { evaluation: Evaluation; history: readonly TrainEvent[] }[];
  /** The version of selfgrad that writes the page. */
  version: string;
}

/** The rate, and below it the difference to the first run where there is one. */
function comparedCell(rate: Rate, tone: Tone, difference: Difference | null): Markup {
  return rateCell(
    rate,
    tone,
    difference !== null && html`<small class="difference">${differenceText(difference)} to the first</small>`,
  );
}

function comparisonTable({ rows }: Comparison): Markup {
  const row = ({ name, strategy, parameters, clean, robust, ...differences }: ComparisonRow) =>
    html`<tr><th scope="row">${name}<small>${[strategy, counted(parameters, 'parameter')].filter(Boolean).join(' · ')}</small></th>${comparedCell(clean, 'clean', differences.cleanDifference)}${comparedCell(robust, 'robust', differences.robustDifference)}</tr>`;
  return scrolling(
    'Clean and robust accuracy of each run',
    heads(['run', rateHead('clean, 95 % interval'), rateHead('robust, 95 % interval')]),
    rows.map(row),
    { sorts: true },
  );
}

/** Accuracy under each attack; a cell is empty where a run was not attacked by it. */
function attacksTable({ rows }: Comparison): Markup {
  const names = [...new Set(rows.flatMap(({ attacks }) => attacks.map(({ name }) => name)))];
  return scrolling(
    'Accuracy under each attack',
    heads(['run', ...names]),
    rows.map(({ name, attacks }) => {
      const cells = names.map((wanted) => {
        const found = attacks.find((attack) => attack.name === wanted);
        return found ? valueCell(found.robust.rate, percent(found.robust.rate)) : html`<td></td>`;
      });
      return html`<tr><th scope="row">${name}</th>${cells}</tr>`;
    }),
    { sorts: true },
  );
}

/** What a line of a run is drawn from; a run without points has no line. */
function lines(
  { comparison, runs }: ComparisonInput,
  points: (run: ComparisonInput['runs'][number]) => LineSeries['points'],
): LineSeries[] {
  return runTones
    .map((tone, i) => ({
      name: shortened(comparison.rows[i]?.name ?? ''),
      tone,
      points: runs[i] === undefined ? [] : points(runs[i]),
    }))
    .filter((series) => series.points.length > 0);
}

function ends(series: readonly LineSeries[]): string {
  return series.map(({ name, points }) => `${name} ${percent(points.at(-1)!.y)}`).join(', ');
}

const share = (value: number) => percent(value, 0);

function charts(input: ComparisonInput): LineChart[] {
  const { threat } = input.comparison;
  const curves = lines(input, ({ evaluation }) =>
    (evaluation.epsCurve?.points ?? []).map(({ eps, robust: { rate, low, high } }) => ({
      x: eps,
      y: rate,
      low,
      high,
    })),
  );
  const training = (cost: Cost) =>
    lines(input, ({ history }) => trainingHistory(history, cost)?.robust ?? []);
  const convergence = (cost: Cost, xLabel: string): LineChart => ({
    id: `convergence-${cost}`,
    title: `Validation robust accuracy against ${cost} of training`,
    description: `At the end of training: ${ends(training(cost))}.`,
    xLabel,
    yLabel: 'validation robust accuracy',
    yMax: 1,
    yFormat: share,
    series: training(cost),
    marks: [],
  });
  return [
    {
      id: 'eps-curves',
      title: 'Robust accuracy against eps',
      description: `At the largest eps: ${ends(curves)}.`,
      xLabel: `eps (${normText(threat.norm)}, pixels in 0 … 1)`,
      yLabel: 'robust accuracy',
      yMax: 1,
      yFormat: share,
      series: curves,
      marks: [{ value: threat.eps, text: `threat model ${threat.epsText}` }],
    },
    convergence('passes', 'forward + backward passes, all images'),
    convergence('seconds', 'seconds of training'),
  ];
}

/** What each run had spent when its validation first reached what all of them reach. */
function targetTable({ comparison, runs }: ComparisonInput): Markup | null {
  const validated = runs.map(({ history }) => epochRows(history).filter(({ robust }) => robust !== null));
  if (validated.some((epochs) => epochs.length === 0)) return null;
  const best = validated.map((epochs) => Math.max(...epochs.map(({ robust }) => robust!.rate)));
  const target = Math.min(...best);
  const row = (epochs: readonly EpochRow[], i: number) => {
    const { epoch, passes: spent, seconds } = epochs.find(({ robust }) => robust!.rate >= target)!;
    return html`<tr><th scope="row">${comparison.rows[i]!.name}</th>${valueCell(spent, passes(spent))}${valueCell(seconds, duration(seconds))}${valueCell(epoch, String(epoch))}${valueCell(best[i]!, percent(best[i]!))}</tr>`;
  };
  const title = `When validation first reached ${percent(target)} robust, the best that all runs reach`;
  return html`<h3>${title}</h3>${scrolling(title, heads(['run', 'passes', 'time', 'epoch', 'its best']), validated.map(row), { sorts: true })}`;
}

/**
 * Draws a comparison as one self-contained HTML document: the table with paired differences, each attack, robust
 * accuracy against eps and during training. Charts show the first six runs.
 */
export function renderComparison(input: ComparisonInput): string {
  const { comparison, version } = input;
  const { data, threat, rows, warnings } = comparison;
  const curves = charts(input);
  return renderPage({
    title: `${counted(rows.length, 'run')} on ${data.name}, ${threatText(threat)}`,
    version,
    header: html`<p class="eyebrow">selfgrad · comparison</p>
<h1>${counted(rows.length, 'run')} <span>on</span> ${data.name}</h1>
<ul class="subject"><li>${threatText(threat)}</li><li>${counted(data.count, 'image')} (${data.split})</li>${data.note !== null && html`<li>${data.note}</li>`}</ul>`,
    main: [
      warnings.length > 0 && section('warnings', 'Warnings', null, warningList(warnings)),
      section(
        'runs',
        'Runs',
        'Differences are taken image by image, with 95 % intervals for the draw of the images: other training seeds may differ by more.',
        comparisonTable(comparison),
      ),
      section('attacks', 'Attacks', null, attacksTable(comparison)),
      curves.some(hasPoints) &&
        section(
          'curves',
          'Curves',
          'Robust accuracy against eps is under the first attack of each evaluation, during training on validation images; bands are 95 % intervals.',
          html`${sideBySide(curves)}${targetTable(input)}`,
        ),
      explanations(warnings.map(({ code }) => code)),
    ],
    footer: `Written by selfgrad ${version}.`,
  });
}
