import { describe, expect, test } from 'vitest';
import { rate } from '../../../../src/interval.ts';
import { epsCurve } from '../../../../src/report/charts/epsCurve.ts';
import { textWidth } from '../../../../src/report/charts/labels.ts';
import { type LineChart, lineChart } from '../../../../src/report/charts/lineChart.ts';
import { outcomeCharts } from '../../../../src/report/charts/outcomeCharts.ts';
import { rateBar } from '../../../../src/report/charts/rateBar.ts';
import { trainingCurve } from '../../../../src/report/charts/trainingCurve.ts';
import { trainingHistory } from '../../../../src/report/history.ts';
import { evaluationFixture, historyFixture } from '../fixture.ts';

/** The drawings in a piece of markup: its SVG elements. */
function drawings(text: string): string[] {
  return text.match(/<svg.*?<\/svg>/gs) ?? [];
}

/** The number of points of each line. */
function linePoints(svg: string): number[] {
  return [...svg.matchAll(/class="line" d="([^"]*)"/g)].map(([, d]) => d!.match(/[ML]/g)?.length ?? 0);
}

interface Text {
  left: number;
  right: number;
  y: number;
  text: string;
}

/** Every text of a drawing with the room that it takes. */
function texts(svg: string): Text[] {
  return [...svg.matchAll(/<text ([^>]*)>([^<]*)<\/text>/g)].map(([, attributes, text]) => {
    const [, x] = /(?<![\w-])x="([^"]*)"/.exec(attributes!)!;
    const [, y] = /(?<![\w-])y="([^"]*)"/.exec(attributes!)!;
    const anchor = /text-anchor="(\w+)"/.exec(attributes!)?.[1];
    const width = textWidth(text!, 12);
    const left = Number(x) - (anchor === 'middle' ? width / 2 : anchor === 'end' ? width : 0);
    return { left, right: left + width, y: Number(y), text: text! };
  });
}

function overlaps(svg: string): string[] {
  const all = texts(svg);
  return all.flatMap((a, index) =>
    all
      .slice(index + 1)
      .filter((b) => a.left < b.right && b.left < a.right && Math.abs(a.y - b.y) < 11)
      .map((b) => `${a.text} / ${b.text}`),
  );
}

/** Texts that leave the drawing to the left or right. */
function cut(svg: string): string[] {
  const width = Number(/viewBox="0 0 (\d+)/.exec(svg)![1]);
  return texts(svg)
    .filter(({ left, right }) => left < -0.5 || right > width + 0.5)
    .map(({ text }) => text);
}

const chart: LineChart = {
  id: 'test',
  title: 'A title',
  description: 'A description',
  xLabel: 'x',
  yLabel: 'y',
  yMax: 1,
  yFormat: String,
  series: [
    {
      name: 'robust',
      tone: 'robust',
      points: [
        { x: 0, y: 0, low: 0, high: 0.5 },
        { x: 10, y: 1, low: 0.5, high: 1 },
      ],
    },
  ],
  marks: [],
};

describe('lineChart', () => {
  test('draws a wide and a narrow version, each named and described for screen readers', () => {
    const [wide, narrow] = drawings(lineChart(chart).text);
    expect(wide).toContain('role="img" aria-labelledby="test-wide-title test-wide-text"');
    expect(wide).toContain('<title id="test-wide-title">A title</title>');
    expect(wide).toContain('<desc id="test-wide-text">A description</desc>');
    expect(narrow).toContain('aria-labelledby="test-narrow-title test-narrow-text"');
  });

  test('puts zero on the axis and the largest value at the top of the plot', () => {
    const [wide] = drawings(lineChart(chart).text);
    const [, baseline] = /<g class="x-axis"><line [^>]*y1="([\d.]+)"/.exec(wide!)!;
    const [, start, end] = /class="line" d="M[\d.]+,([\d.]+)L[\d.]+,([\d.]+)"/.exec(wide!)!;
    expect(start).toBe(baseline);
    expect(Number(end)).toBe(50);
  });

  test('draws a band only where a point has an interval', () => {
    const points = [
      { x: 0, y: 0.5 },
      { x: 1, y: 0.5 },
    ];
    const [wide] = drawings(lineChart({ ...chart, series: [{ name: 'a', tone: 'train', points }] }).text);
    expect(wide).toContain('class="band" d=""');
    expect(drawings(lineChart(chart).text)[0]).toMatch(/class="band" d="M[^"]+Z"/);
  });

  test('holds a value up to the next point, without dots, where it is stepped', () => {
    const [wide] = drawings(lineChart({ ...chart, stepped: true }).text);
    expect(linePoints(wide!)).toEqual([3]);
    expect(wide).not.toContain('<circle');
  });

  test('draws x as log(1 + x) where it is logarithmic', () => {
    const xTicks = [0, 1, 3, 7].map((value) => ({ value, text: String(value) }));
    const series = [{ ...chart.series[0]!, points: [0, 7].map((x) => ({ x, y: 1 })) }];
    const [wide] = drawings(lineChart({ ...chart, series, xTicks, xLogarithmic: true }).text);
    const places = [...wide!.matchAll(/<text x="([\d.]+)"[^>]*>[0137]<\/text>/g)].map(([, x]) => Number(x));
    const [a, b, c, d] = places.slice(-4).toSorted((one, other) => one - other);
    expect(b! - a!).toBeCloseTo(c! - b!, 0);
    expect(c! - b!).toBeCloseTo(d! - c!, 0);
  });

  test('has thousandths on the axis, not milli, and thousands as k', () => {
    const ticks = (xMax: number) => {
      const series = [{ ...chart.series[0]!, points: [0, xMax].map((x) => ({ x, y: 1 })) }];
      return texts(drawings(lineChart({ ...chart, series }).text)[0]!).map(({ text }) => text);
    };
    expect(ticks(0.48)).toContain('0.2');
    expect(ticks(48_000)).toContain('20k');
  });

  test('keeps a curve of one point as a dot', () => {
    const series = [{ name: 'a', tone: 'clean' as const, points: [{ x: 5, y: 0.5 }] }];
    const [wide] = drawings(lineChart({ ...chart, series }).text);
    expect(wide!.match(/<circle/g)).toHaveLength(1);
    expect(wide).not.toContain('NaN');
  });

  test('moves the labels of lines that end together apart', () => {
    const points = [
      { x: 0, y: 0.1 },
      { x: 1, y: 0.5 },
    ];
    const tones = ['clean', 'robust', 'train'] as const;
    const series = tones.map((tone) => ({ name: tone, tone, points }));
    for (const svg of drawings(lineChart({ ...chart, series }).text)) expect(overlaps(svg)).toEqual([]);
  });
});

describe('epsCurve', () => {
  const { threat, epsCurve: curve } = evaluationFixture();

  test('has a point for each eps, in order, and marks the threat model', () => {
    const shuffled = { ...curve!, points: curve!.points.toReversed() };
    const [wide] = drawings(epsCurve(shuffled, threat).text);
    expect(linePoints(wide!)).toEqual([3]);
    expect(wide).toMatch(/class="band" d="M/);
    const xs = [...wide!.matchAll(/<circle cx="([\d.]+)"/g)].map(([, x]) => Number(x));
    expect(xs).toEqual(xs.toSorted((a, b) => a - b));
    expect(texts(wide!).map(({ text }) => text)).toEqual(
      expect.arrayContaining(['0', '8/255', '32/255', 'threat model 8/255', 'pgd']),
    );
  });

  test.each([4, 8, 16, 32])('texts do not overlap and are not cut off with %d points', (count) => {
    const points = Array.from({ length: count }, (_, k) => ({
      eps: (k * k) / 255,
      epsText: `${k * k}/255`,
      robust: rate(500 - 15 * k, 500),
    }));
    for (const svg of drawings(epsCurve({ ...curve!, points }, threat).text)) {
      expect(overlaps(svg)).toEqual([]);
      expect(cut(svg)).toEqual([]);
    }
  });

  test('has no mark where the threat model lies beyond the curve', () => {
    expect(epsCurve(curve!, { norm: 'linf', eps: 0.5, epsText: '0.5' }).text).not.toContain('threat model');
  });
});

describe('trainingCurve', () => {
  test('draws accuracy with three lines and the loss, and marks the epochs', () => {
    const svgs = drawings(trainingCurve(trainingHistory(historyFixture(6))!).text);
    expect(svgs).toHaveLength(4);
    expect(linePoints(svgs[0]!)).toEqual([6, 6, 6]);
    expect(linePoints(svgs[2]!)).toEqual([24]);
    expect(texts(svgs[0]!).map(({ text }) => text)).toEqual(
      expect.arrayContaining(['epoch', '1', '6', 'training', 'clean', 'robust']),
    );
  });

  test.each([1, 2, 6, 30, 200])('texts do not overlap and are not cut off with %d epochs', (epochs) => {
    for (const svg of drawings(trainingCurve(trainingHistory(historyFixture(epochs))!).text)) {
      expect(overlaps(svg)).toEqual([]);
      expect(cut(svg)).toEqual([]);
    }
  });

  test('leaves the accuracy out when training was stopped within its first epoch', () => {
    const events = historyFixture(1).filter((event) => event.type === 'step');
    const svgs = drawings(trainingCurve(trainingHistory(events)!).text);
    expect(svgs).toHaveLength(2);
    expect(svgs[0]).toContain('Loss during training');
  });
});

describe('outcomeCharts', () => {
  const evaluation = evaluationFixture();

  test('are two, and none where nothing was broken', () => {
    const svgs = drawings(outcomeCharts(evaluation)!.text);
    expect(svgs).toHaveLength(4);
    expect(svgs[0]).toContain('pgd leaves 33.33 % after 20 steps.');
    expect(svgs[2]).toContain('leads by at most 0.250, on all by at most 0.250 logits');
    const images = { ...evaluation.images, brokenBy: [-1, -2, -1], steps: [null], margins: [null] };
    expect(outcomeCharts({ ...evaluation, images })).toBeNull();
  });

  test.each([1, 20, 5000])('show the first six attacks that broke an image, of %d steps', (steps) => {
    const attacks = Array.from({ length: 9 }, (_, i) => ({
      ...evaluation.attacks[0]!,
      name: `attack-${i}`,
      options: { steps },
    }));
    const brokenBy = attacks.flatMap((_, i) => (i === 1 ? [-1] : [i, i]));
    const images = {
      ...evaluation.images,
      brokenBy,
      steps: brokenBy.map((by, image) => (by < 0 ? null : image % (steps + 1))),
      margins: brokenBy.map((by, image) => (by < 0 ? null : -image)),
    };
    const svgs = drawings(outcomeCharts({ ...evaluation, attacks, images })!.text);
    const names = texts(svgs[0]!).flatMap(({ text }) => /^attack-\d$/.exec(text) ?? []);
    expect(names).toEqual([0, 2, 3, 4, 5, 6].map((i) => `attack-${i}`));
    for (const svg of svgs) {
      expect(overlaps(svg)).toEqual([]);
      expect(cut(svg)).toEqual([]);
      expect(svg).not.toContain('NaN');
    }
  });
});

describe('rateBar', () => {
  test('is as long as the rate and hidden from screen readers', () => {
    const { text } = rateBar({ correct: 1, count: 4, rate: 0.25, low: 0.1, high: 0.5 }, 'clean');
    expect(text).toContain('class="fill" width="25.0"');
    expect(text).toContain('x1="10.0" x2="50.0"');
    expect(text).toContain('aria-hidden="true"');
  });
});
