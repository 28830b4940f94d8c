/**
 * The one line chart of the report, as SVG text: lines with error bands and labels at their ends. It is
 * drawn twice, for wide and for narrow screens, and the style sheet shows one: text keeps its size.
 */
import { scaleLinear, scaleSymlog } from 'd3-scale';
import { area, curveLinear, curveStepAfter, line } from 'd3-shape';
import { html, type Markup } from '../markup.ts';
import { spread, textWidth, thinByRank, thinEvenly } from './labels.ts';

/** What a line shows; the style sheet gives each its colour and dash. */
export type Tone = 'clean' | 'robust' | 'train' | 'neutral' | RunTone;

/** One a run, where several stand side by side. */
export const runTones = ['run-1', 'run-2', 'run-3', 'run-4', 'run-5', 'run-6'] as const;
export type RunTone = (typeof runTones)[number];

export interface LinePoint {
  x: number;
  y: number;
  /** The ends of the error band, when there is one. */
  low?: number;
  high?: number;
}

export interface LineSeries {
  name: string;
  tone: Tone;
  points: readonly LinePoint[];
}

export interface AxisTick {
  value: number;
  text: string;
}

export interface LineChart {
  /** Unique in the document. */
  id: string;
  title: string;
  /** What the chart shows, in words, for those who do not see it. */
  description: string;
  xLabel: string;
  yLabel: string;
  /** Ticks, the most important first: where texts would touch, the later goes. Defaults to round numbers. */
  xTicks?: readonly AxisTick[];
  /** Whether x is drawn as log(1 + x); `xTicks` are then needed. Defaults to false. */
  xLogarithmic?: boolean;
  /** From 0 to this; at least the largest y, or the curve leaves the plot. */
  yMax: number;
  yFormat: (value: number) => string;
  /** Whether a value holds up to the next point, which then has no dot. Defaults to false: lines are straight. */
  stepped?: boolean;
  series: readonly LineSeries[];
  /** Vertical lines with a text above them, such as the ends of epochs; `marksName` stands before them. */
  marks: readonly AxisTick[];
  marksName?: string;
}

interface Layout {
  name: 'wide' | 'narrow';
  width: number;
  height: number;
}

const layouts: readonly Layout[] = [
  { name: 'wide', width: 520, height: 306 },
  { name: 'narrow', width: 330, height: 276 },
];

const fontSize = 12;
const margin = { top: 50, bottom: 44, left: 46 };
/** More dots than this hide the line. */
const maxDots = 30;
/** Room for the labels at the ends; charts side by side with short labels share it. */
const minimumRight = 66;

/** The chart as a figure's content: an SVG for wide and one for narrow screens. */
export function lineChart(chart: LineChart): Markup {
  return html`${layouts.map((layout) => draw(chart, layout))}`;
}

/** Whether a chart has a point to show. */
export function hasPoints({ series }: LineChart): boolean {
  return series.some(({ points }) => points.length > 0);
}

/** A figure for each chart that has points, beside one another where there is room. */
export function sideBySide(charts: readonly LineChart[]): Markup {
  const figures = charts.filter(hasPoints).map((chart) => html`<figure>${lineChart(chart)}</figure>`);
  return html`<div class="side-by-side">${figures}</div>`;
}

function draw(chart: LineChart, { name, width, height }: Layout): Markup {
  const labelled = chart.series.filter(({ points }) => points.length > 0);
  const right = Math.max(minimumRight, ...labelled.map((series) => 14 + textWidth(series.name, fontSize)));
  const bottom = height - margin.bottom;
  const xMax = Math.max(...labelled.flatMap(({ points }) => points.map(({ x }) => x)));
  const linear = scaleLinear([0, xMax || 1], [margin.left, width - right]);
  const x = chart.xLogarithmic ? scaleSymlog(linear.domain(), linear.range()) : linear;
  const y = scaleLinear([0, chart.yMax], [bottom, margin.top]).nice(5);
  const place = (tick: AxisTick) => ({ ...tick, at: x(tick.value) });
  const round = linear.ticks(5).map((value) => ({
    value,
    text: value === 0 ? '0' : linear.tickFormat(5, xMax < 1000 ? undefined : '~s')(value),
  }));
  const xTicks = thinByRank((chart.xTicks ?? round).map(place), fontSize);
  const marks = chart.marks.map(place);
  const markTexts = thinEvenly(marks, fontSize).map(({ at, text }) => {
    const half = textWidth(text, fontSize) / 2;
    return { text, at: Math.min(Math.max(at, half), width - half) };
  });
  // Beside the plot, not where a line ends before others do: there they would run through its label.
  const labelAt = spread(
    labelled.map(({ points }) => y(points.at(-1)!.y)),
    fontSize + 3,
    margin.top,
    bottom,
  );
  const ids = { title: `${chart.id}-${name}-title`, text: `${chart.id}-${name}-text` };

  return html`<svg class="chart ${name}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${ids.title} ${ids.text}">
<title id="${ids.title}">${chart.title}</title><desc id="${ids.text}">${chart.description}</desc>
<text class="axis-name" x="0" y="14">${chart.yLabel}</text>
<g class="grid">${y.ticks(5).map((value) => html`<line x1="${margin.left}" x2="${width - right}" y1="${pixel(y(value))}" y2="${pixel(y(value))}"/><text x="${margin.left - 8}" y="${pixel(y(value) + 4)}" text-anchor="end">${chart.yFormat(value)}</text>`)}</g>
<g class="marks">${marks.map(({ at }) => html`<line x1="${pixel(at)}" x2="${pixel(at)}" y1="${margin.top - 8}" y2="${bottom}"/>`)}${chart.marksName && html`<text x="0" y="${margin.top - 14}">${chart.marksName}</text>`}${markTexts.map(({ at, text }) => html`<text x="${pixel(at)}" y="${margin.top - 14}" text-anchor="middle">${text}</text>`)}</g>
<g class="x-axis"><line x1="${margin.left}" x2="${width - right}" y1="${bottom}" y2="${bottom}"/>${xTicks.map(({ at, text }) => html`<line x1="${pixel(at)}" x2="${pixel(at)}" y1="${bottom}" y2="${bottom + 4}"/><text x="${pixel(at)}" y="${bottom + 18}" text-anchor="middle">${text}</text>`)}</g>
<text class="axis-name" x="${pixel((margin.left + width - right) / 2)}" y="${height - 6}" text-anchor="middle">${chart.xLabel}</text>
${labelled.map((series, index) => html`<g class="series tone-${series.tone}">${drawLine(chart, series, x, y)}<text x="${width - right + 8}" y="${pixel(labelAt[index]! + 4)}">${series.name}</text></g>`)}
</svg>`;
}

type Scale = (value: number) => number;

function drawLine(chart: LineChart, { name, points }: LineSeries, x: Scale, y: Scale): Markup {
  const path = line<LinePoint>(
    (point) => x(point.x),
    (point) => y(point.y),
  )
    .curve(chart.stepped ? curveStepAfter : curveLinear)
    .digits(1);
  const band = area<LinePoint>(
    (point) => x(point.x),
    (point) => y(point.low!),
    (point) => y(point.high!),
  )
    .defined(({ low, high }) => low !== undefined && high !== undefined)
    .digits(1);
  const dots = chart.stepped || points.length > maxDots ? [] : points;
  return html`<path class="band" d="${band(points as LinePoint[]) ?? ''}"/><path class="line" d="${path(points as LinePoint[]) ?? ''}"/>${dots.map((point) => html`<circle cx="${pixel(x(point.x))}" cy="${pixel(y(point.y))}" r="2.5"><title>${name}: ${chart.yFormat(point.y)}</title></circle>`)}`;
}

/** A tenth of a pixel is finer than a screen shows. */
function pixel(value: number): string {
  return String(Math.round(value * 10) / 10);
}
