/** The parts of the speed measurement that need no Python: plan, statistics, checks, tables, picture. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../src/native/packageRoot.ts';

interface Spread {
  median: number;
  min: number;
  q1: number;
  q3: number;
  max: number;
}
interface Measured {
  images: number;
  seconds: number;
  cpuSeconds: number;
  passes: { forward: number; backward: number; weightGradients: number };
  startBytes: number;
  peakBytes: number;
  load: number;
  logits?: number;
  standing?: number;
}
interface Summary {
  selfgrad: { imagesPerSecond: Spread; gflops: Spread; peakBytes: number };
  ratios: Record<'eager' | 'compile', Record<'images' | 'work' | 'cpu', Spread>>;
}
type Repetition = Record<'selfgrad' | 'eager' | 'compile', Measured> & {
  peak: { gflops: number; load: number };
};
interface Result {
  network: string;
  case: string;
  precision: string;
  settings: Record<string, unknown>;
  flops: number;
  repetitions: Repetition[];
  summary?: Summary;
}

const load = (name: string) => import(join(packageRoot, 'bench/speed', name));
const { quantile, spread, summarize, peakOf, checkEqualWork } = (await load('summary.mjs')) as {
  quantile(values: number[], q: number): number;
  spread(values: number[]): Spread;
  summarize(result: Result): Summary;
  peakOf(results: Result[], result: Result): number;
  checkEqualWork(repetition: Repetition, evaluation: boolean): void;
};
const { networks, plan } = (await load('cases.mjs')) as {
  networks: Record<string, { model: Record<string, unknown>; crop: number; flip: boolean }>;
  plan(wanted: object): { network: string; case: string; precision: string; steps: number }[];
};
const { renderTables } = (await load('table.mjs')) as { renderTables(results: Result[]): string };
const { ratioChart } = (await load('chart.mjs')) as { ratioChart(picture: object): string };

function measured(seconds: number, cpuSeconds: number, steps = 1): Measured {
  return {
    images: 128,
    seconds,
    cpuSeconds,
    passes: { forward: 128 * steps, backward: 128 * steps, weightGradients: 128 },
    startBytes: 100 * 2 ** 20,
    peakBytes: (100 + seconds) * 2 ** 20,
    load: 1,
  };
}
const repetition = (ours: number, eager: number, compile: number, gflops: number): Repetition => ({
  selfgrad: measured(ours, 1),
  eager: measured(eager, 2),
  compile: measured(compile, 3),
  peak: { gflops, load: 1 },
});
const result: Result = {
  network: 'small',
  case: 'standard',
  precision: 'float32',
  settings: {
    threads: 2,
    batch: 128,
    machine: { cpu: 'x', cores: 2, threads: 2 },
    versions: { selfgrad: '0', libtorch: '0', node: '0', torch: '0', compiler: 'g++' },
  },
  flops: 1e9,
  repetitions: [repetition(2, 2, 4, 700), repetition(4, 6, 4, 768), repetition(8, 24, 4, 500)],
};
const summary = summarize(result);

describe('spread', () => {
  it.each([
    [[5], 5, 5, 5],
    [[2, 1], 1.25, 1.5, 1.75],
    [[4, 1, 3, 2], 1.75, 2.5, 3.25],
    [[50, 10, 40, 30, 20], 20, 30, 40],
  ])('of %j has quartiles %d, %d, %d', (values, q1, median, q3) => {
    expect(spread(values)).toEqual({
      median,
      min: Math.min(...values),
      q1,
      q3,
      max: Math.max(...values),
    });
  });

  it('leaves its values in their order', () => {
    const values = [3, 1, 2];
    quantile(values, 0.5);
    expect(values).toEqual([3, 1, 2]);
  });
});

describe('summary', () => {
  it('takes ratios within each repetition, not of the medians', () => {
    // Seconds 2, 4, 8 against 2, 6, 24: the ratios are 1, 1.5 and 3.
    expect(summary.ratios.eager.images).toEqual({ median: 1.5, min: 1, q1: 1.25, q3: 2.25, max: 3 });
    expect(summary.ratios.compile.images.median).toBe(1);
    expect(summary.ratios.eager.cpu.median).toBe(2);
    expect(summary.selfgrad.imagesPerSecond.median).toBe(32);
  });

  it('counts forward, backward to the image and backward to the weights', () => {
    // 3 times 128 GFLOP in 4 seconds.
    expect(summary.selfgrad.gflops.median).toBe(96);
    expect(summary.selfgrad.peakBytes).toBe(108 * 2 ** 20);
  });

  it('compares operations a second where one side saves passes', () => {
    const saving = repetition(1, 2, 2, 1);
    saving.selfgrad.passes = { forward: 64, backward: 64, weightGradients: 0 };
    saving.eager.passes = { forward: 128, backward: 128, weightGradients: 0 };
    const { ratios } = summarize({ ...result, repetitions: [saving] });
    expect(ratios.eager.images.median).toBe(2);
    expect(ratios.eager.work.median).toBe(1);
  });

  it('takes the peak over all repetitions of the precision and the number of threads', () => {
    const other = { ...result, precision: 'bfloat16', repetitions: [repetition(1, 1, 1, 2000)] };
    const later = { ...result, case: 'pgd-10', repetitions: [repetition(1, 1, 1, 800)] };
    const single = { ...later, settings: { threads: 1 }, repetitions: [repetition(1, 1, 1, 900)] };
    expect(peakOf([result, other, later, single], result)).toBe(800);
  });
});

describe('checkEqualWork', () => {
  it('refuses contenders that counted other passes', () => {
    const unequal = repetition(1, 1, 1, 1);
    checkEqualWork(unequal, false);
    unequal.compile = measured(1, 1, 2);
    expect(() => checkEqualWork(unequal, false)).toThrow('Expected equal work but selfgrad did');
  });

  it('lets an evaluation save passes, but wants the same network', () => {
    const saving = repetition(1, 1, 1, 1);
    for (const name of ['selfgrad', 'eager', 'compile'] as const) saving[name].logits = 2;
    saving.selfgrad.passes = { forward: 1, backward: 1, weightGradients: 0 };
    checkEqualWork(saving, true);
    saving.eager.logits = 2.1;
    expect(() => checkEqualWork(saving, true)).toThrow('Expected the same logits');
  });
});

describe('plan', () => {
  const all = {
    networks: Object.keys(networks),
    cases: ['standard', 'pgd-20-evaluation'],
    precisions: ['float32', 'bfloat16'],
  };

  it('is every combination, but evaluations in float32 only', () => {
    expect(plan(all)).toHaveLength(9);
    expect(plan({ ...all, precisions: ['bfloat16'] }).map((one) => one.case)).toEqual(
      Array(3).fill('standard'),
    );
  });

  it('takes a number of steps for all', () => {
    expect(new Set(plan({ ...all, steps: 3 }).map(({ steps }) => steps))).toEqual(new Set([3]));
  });

  it('has the networks of the presets', () => {
    expect(networks.small).toEqual({
      model: { architecture: 'preact-resnet', depths: [1, 1, 1], width: 16, activation: 'silu' },
      crop: 0,
      flip: true,
    });
    expect(networks.resnet18!.model.activation).toBe('relu');
  });
});

describe('report', () => {
  const evaluation = repetition(1, 2, 2, 1);
  for (const name of ['selfgrad', 'eager', 'compile'] as const) evaluation[name].standing = 0.5;
  evaluation.selfgrad.passes = { forward: 640, backward: 640, weightGradients: 0 };
  const evaluated = { ...result, case: 'pgd-20-evaluation', repetitions: [evaluation] };
  const results = [result, evaluated].map((one) => ({
    ...one,
    settings: { ...one.settings, ...networks.small },
    summary: summarize(one),
  }));

  it('shows ratios with their spread, shares of the peak and memory', () => {
    const text = renderTables(results);
    expect(text).toContain('| standard | float32 | 32.0 (24.0 … 48.0) |');
    expect(text).toContain('| 1.50 (1.00 … 3.00) | 1.00 (0.50 … 2.00) |');
    expect(text).toContain('96.0 (13 %)');
    expect(text).toContain('108 (+8)');
    expect(text).toContain('PGD-20 took selfgrad 10.0 forwards and backwards an image, PyTorch 2.0; 50 %');
  });

  it('draws a bar for every ratio, as long as the ratio', () => {
    const rows = [
      { label: 'standard', values: [summary.ratios.eager.images, summary.ratios.compile.images] },
    ];
    const svg = ratioChart({
      title: 'a < b',
      note: '',
      xLabel: 'times',
      series: ['to eager', 'to torch.compile'],
      groups: [{ name: 'small', rows }],
    });
    expect(svg).toMatch(/^<svg .*<\/svg>\n$/s);
    expect(svg).toContain('a &lt; b');
    const widths = [...svg.matchAll(/class="bar" x="232" [^>]*width="([\d.]+)"/g)].map((match) =>
      Number(match[1]),
    );
    expect(widths).toHaveLength(2);
    expect(widths[0]! / widths[1]!).toBeCloseTo(1.5, 2);
  });
});
