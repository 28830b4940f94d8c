/** The stability analysis that lies beside an evaluation, and its section of the report. */
import { z } from 'zod';
import type { Evaluation, Rate, Warning } from '../evaluation.ts';
import type { Diagnostics, Distribution, StabilityAnalysis } from '../stabilityAnalysis.ts';
import { sideBySide, type Tone } from './charts/lineChart.ts';
import { warningList } from './explanations.ts';
import { foreignSection, ofSameNetwork, readFindings, subjectSchema } from './findings.ts';
import { counted, grouped, percent, threatText } from './format.ts';
import { html, type Markup } from './markup.ts';
import { section } from './page.ts';
import { diagnosticLabels, figureText } from './stabilityTable.ts';
import { heads, scrolling } from './tables.ts';

/** What the report shows of an analysis. */
export interface StabilityFindings {
  model: Pick<StabilityAnalysis['model'], 'sha256'>;
  data: Pick<StabilityAnalysis['data'], 'count'>;
  threat: StabilityAnalysis['threat'];
  clean: Pick<Rate, 'rate' | 'count'>;
  attacked: Pick<Rate, 'rate' | 'count'>;
  zeroGradient: Pick<Rate, 'rate' | 'count'>;
  diagnostics: Diagnostics<Distribution>;
  profile: StabilityAnalysis['profile'];
  bound: { certified: Pick<Rate, 'rate' | 'count'>; attacked: Pick<Rate, 'rate' | 'count'> } | null;
  warnings: Warning[];
}

const rateSchema = z.object({ rate: z.number().min(0).max(1), count: z.number().int().min(0) });
const value = z.number().nullable();
const distribution = z.object({
  count: z.number().int().min(0),
  mean: value,
  p5: value,
  median: value,
  p95: value,
});
const names = Object.keys(diagnosticLabels) as (keyof Diagnostics<unknown>)[];

const findingsSchema: z.ZodType<StabilityFindings> = z
  .object({
    schema: z.literal('selfgrad.stability/1'),
    ...subjectSchema,
    clean: rateSchema,
    attacked: rateSchema,
    zeroGradient: rateSchema,
    diagnostics: z.record(z.enum(names), distribution),
    profile: z.object({
      multiples: z.array(z.number().min(0)).min(1),
      curves: z.array(
        z.object({
          direction: z.enum(['gradient', 'pgd', 'random']),
          loss: z.array(z.number()),
          accuracy: z.array(z.number().min(0).max(1)),
        }),
      ),
    }),
    bound: z.object({ certified: rateSchema, attacked: rateSchema }).nullable(),
    warnings: z.array(z.object({ code: z.string(), message: z.string() })),
  })
  .refine(
    ({ profile: { multiples, curves } }) =>
      curves.every(({ loss, accuracy }) =>
        [loss, accuracy].every(({ length }) => length === multiples.length),
      ),
    { message: 'a curve needs a value for each multiple', path: ['profile', 'curves'] },
  );

/**
 * Reads what `selfgrad stability --out` wrote; null when there is no such file.
 *
 * @throws SelfgradError `ERR_DATA` when the file holds something else
 */
export function readStability(path: string): Promise<StabilityFindings | null> {
  return readFindings(path, findingsSchema, 'stability');
}

function diagnosticsTable({ diagnostics }: StabilityFindings): Markup {
  return scrolling(
    'Diagnostics of each image',
    heads(['diagnostic', '5th percentile', 'median', '95th percentile', 'mean', 'images']),
    names.map((name) => {
      const { p5, median, p95, mean, count } = diagnostics[name];
      const cells = [p5, median, p95, mean].map((one) => html`<td>${figureText(one)}</td>`);
      return html`<tr><th scope="row">${diagnosticLabels[name]}</th>${cells}<td>${grouped(count)}</td></tr>`;
    }),
  );
}

const directions: Record<StabilityAnalysis['profile']['curves'][number]['direction'], [string, Tone]> = {
  gradient: ['along gradient', 'run-1'],
  pgd: ['towards PGD', 'run-2'],
  random: ['at random', 'neutral'],
};

function profileCharts({ profile: { multiples, curves } }: StabilityFindings): Markup {
  const series = (kind: 'loss' | 'accuracy') =>
    curves.map((curve) => {
      const [name, tone] = directions[curve.direction];
      return { name, tone, points: multiples.map((x, i) => ({ x, y: curve[kind][i]! })) };
    });
  const ends = (kind: 'loss' | 'accuracy', text: (value: number) => string) =>
    series(kind)
      .map(({ name, points }) => `${name} ${text(points.at(-1)!.y)}`)
      .join(', ');
  const [last, xLabel] = [multiples.at(-1)!, 'size of the perturbation, multiples of eps'];
  const loss = (one: number) => String(Number(one.toPrecision(3)));
  const share = (one: number) => percent(one, 0);
  return sideBySide([
    {
      id: 'loss-profile',
      title: 'Mean loss along three directions',
      description: `At ${last} eps: ${ends('loss', loss)}.`,
      xLabel,
      yLabel: 'mean loss',
      yMax: Math.max(...curves.flatMap((curve) => curve.loss)) || 1,
      yFormat: loss,
      series: series('loss'),
      marks: [{ value: 1, text: 'eps' }],
    },
    {
      id: 'accuracy-profile',
      title: 'Accuracy along three directions',
      description: `At ${last} eps: ${ends('accuracy', share)}.`,
      xLabel,
      yLabel: 'accuracy',
      yMax: 1,
      yFormat: share,
      series: series('accuracy'),
      marks: [{ value: 1, text: 'eps' }],
    },
  ]);
}

/** Diagnostics, and loss and accuracy along three directions; another network's are named as such and not shown. */
export function stabilitySection(found: StabilityFindings, evaluation: Evaluation): Markup {
  const title = 'Stability';
  if (!ofSameNetwork(found, evaluation)) return foreignSection('stability', title);
  const { data, threat, clean, attacked, zeroGradient, bound, warnings } = found;
  const rates = [
    `clean ${percent(clean.rate)}`,
    `under PGD from the image ${percent(attacked.rate)}`,
    `gradient exactly zero ${percent(zeroGradient.rate)}`,
    ...(bound
      ? [
          `of the first ${grouped(bound.certified.count)} certified ${percent(bound.certified.rate)}, where PGD leaves ${percent(bound.attacked.rate)}`,
        ]
      : []),
  ];
  return section(
    'stability',
    title,
    `How the loss behaves around ${counted(data.count, 'image')}, ${threatText(threat)}: ${rates.join(', ')}.`,
    html`${warnings.length > 0 && warningList(warnings)}${found.profile.curves.length > 0 && profileCharts(found)}
${diagnosticsTable(found)}`,
  );
}
