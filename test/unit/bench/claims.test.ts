/** The parts of the comparison that can be checked without a network: statistics, bits, rows, locks, tables. */
import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { resolveConfig } from '../../../src/config/resolve.ts';
import { packageRoot } from '../../../src/native/packageRoot.ts';

interface Interval {
  mean: number;
  half: number;
  seeds: number;
}
type Row = Record<string, unknown> & { id: string; method: string; lr: number };
interface Entry {
  method: string;
  lr: number;
  passes: number;
  flops: number;
  rates: Record<string, Interval>;
  differences: Record<string, Interval | null>;
}

const load = (name: string) => import(join(packageRoot, 'bench/claims', name));
const { meanInterval, pairedInterval } = (await load('statistics.mjs')) as {
  meanInterval(runs: number[][]): Interval;
  pairedInterval(a: number[][], b: number[][]): Interval;
};
const { packBits, unpackBits } = (await load('bits.mjs')) as {
  packBits(flags: boolean[]): string;
  unpackBits(text: string, count: number): number[];
};
const { codeCommit } = (await load('commit.mjs')) as {
  codeCommit(git: (command: string) => string): string | null;
};
const { takeLock } = (await load('lock.mjs')) as { takeLock(file: string): (() => void) | null };
const { merge, readRow, rowsOf, writeRow } = (await load('rows.mjs')) as {
  merge(...groups: object[]): Record<string, unknown>;
  readRow(folder: string, row: Row): Row | null;
  rowsOf(plan: object, stage: object, only: object, best?: (...row: unknown[]) => number): Row[];
  writeRow(folder: string, row: Row): Promise<void>;
};
const { bestRate, summarize } = (await load('summary.mjs')) as {
  bestRate(rows: Row[], attack: string, network: string, method: string, budget: number): number;
  summarize(rows: Row[], plan: object): Entry[];
};
const { renderTables } = (await load('table.mjs')) as {
  renderTables(plan: object, rows: Row[], entries: Entry[]): string;
};
const { plan } = (await load('plan.mjs')) as { plan: { stages: { name: string }[] } };

const folder = mkdtempSync(join(tmpdir(), 'selfgrad-claims-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('statistics', () => {
  it('is the normal interval of a share for one seed', () => {
    const { mean, half } = meanInterval([[1, 1, 1, 0, 0, 0, 0, 0, 0, 0]]);
    expect(mean).toBeCloseTo(0.3, 12);
    expect(half).toBeCloseTo(1.959964 * Math.sqrt((0.3 * 0.7) / 9), 6);
  });

  it("adds the seeds' variance with Student's quantile", () => {
    // Every image has the same mean over seeds: only the seeds differ, 0.25 and 0.75, 4 images each.
    const { mean, half } = meanInterval([
      [1, 0, 0, 0],
      [0, 1, 1, 1],
    ]);
    expect(mean).toBe(0.5);
    expect(half).toBeCloseTo(12.706 * Math.sqrt(0.125 / 2), 6);
  });

  it('pairs the images: what both get right or wrong adds no uncertainty', () => {
    const a = [[1, 1, 0, 0, 1, 0, 1, 1]];
    expect(pairedInterval(a, a)).toEqual({ mean: 0, half: 0, seeds: 1 });
    const b = [[1, 1, 0, 0, 1, 0, 1, 0]];
    expect(pairedInterval(a, b).mean).toBe(1 / 8);
    expect(pairedInterval(a, b).half).toBeCloseTo(1.959964 / 8, 6);
  });

  it('covers the truth in about 95 of 100 draws of three seeds', () => {
    let state = 1;
    const uniform = () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    };
    let covered = 0;
    for (let draw = 0; draw < 300; draw++) {
      const images = Array.from({ length: 200 }, uniform);
      const seeds = [0, 0, 0].map(() => (uniform() - 0.5) * 0.1);
      const runs = seeds.map((shift) => images.map((p) => (uniform() < p * 0.8 + 0.1 + shift ? 1 : 0)));
      const { mean, half } = meanInterval(runs);
      if (Math.abs(mean - 0.5) <= half) covered++;
    }
    expect(covered / 300).toBeGreaterThan(0.93);
    expect(covered / 300).toBeLessThan(1);
  });
});

describe('bits', () => {
  it.each([0, 1, 8, 9, 31])('come back from text, %d of them', (count) => {
    const flags = Array.from({ length: count }, (_, i) => i % 3 === 0);
    expect(unpackBits(packBits(flags), count)).toEqual(flags.map(Number));
  });

  it('have the first flag lowest', () => {
    expect(Buffer.from(packBits([true, false, true]), 'base64')).toEqual(Buffer.from([0b101]));
  });
});

describe('codeCommit', () => {
  it('says when the code differs from the commit, and null without one', () => {
    const git = (status: string) => (command: string) => (command === 'status' ? status : 'abc\n');
    expect(codeCommit(git(''))).toBe('abc');
    expect(codeCommit(git(' M src/train.ts\n'))).toBe('abc-dirty');
    const none = () => {
      throw new Error('not a git repository');
    };
    expect(codeCommit(none)).toBeNull();
  });
});

describe('takeLock', () => {
  it('gives a row to one process, and to the next when that is done', () => {
    const file = join(folder, 'a', 'row.lock');
    const release = takeLock(file);
    expect(release).not.toBeNull();
    expect(takeLock(file)).toBeNull();
    release!();
    expect(existsSync(file)).toBe(false);
  });

  it('takes what a killed process left', () => {
    const file = join(folder, 'stale.lock');
    writeFileSync(file, '1\n');
    expect(takeLock(file)).toBeNull();
    const old = new Date(Date.now() - 120_000);
    utimesSync(file, old, old);
    takeLock(file)!();
  });
});

describe('rows', () => {
  it('replace a named choice instead of mixing two', () => {
    expect(
      merge(
        { train: { lr: 1, strategy: { name: 'pgd', steps: 5 } } },
        { train: { strategy: { name: 'x' } } },
      ),
    ).toEqual({ train: { lr: 1, strategy: { name: 'x' } } });
  });

  it.each(plan.stages)('of stage $name are configurations that can be run', (stage) => {
    const rows = rowsOf(plan, stage, {}, () => 0.1);
    expect(rows.length).toBeGreaterThan(0);
    expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length);
    for (const { id, input } of rows) resolveConfig([{ origin: id, values: input }]);
  });

  it('can be filtered', () => {
    const only = { networks: ['small'], methods: ['pgd-10'], budgets: ['12'], rates: ['0.1'], seeds: ['0'] };
    expect(rowsOf(plan, plan.stages[0]!, only).map(({ id }) => id)).toEqual(['small/pgd-10-p12-lr0.1-s0']);
  });

  it("have the stage's own learning rates, which can be filtered too", () => {
    const stage = { networks: ['small'], methods: ['free'], budgets: [6], seeds: [0], rates: [0.05, 0.3] };
    const rates = (only: object) => rowsOf(plan, stage, only).map(({ lr }) => lr);
    expect(rates({})).toEqual([0.05, 0.3]);
    expect(rates({ rates: ['0.3'] })).toEqual([0.3]);
    const best = { ...stage, rates: 'best' };
    expect(rowsOf(plan, best, {}, () => 0.1).map(({ lr }) => lr)).toEqual([0.1]);
    expect(rowsOf(plan, best, { rates: ['0.4'] }, () => 0.1).map(({ lr }) => lr)).toEqual([0.4]);
  });

  it('are refused when they were made with another configuration', async () => {
    const [row] = rowsOf(plan, plan.stages[0]!, {}) as [Row];
    expect(readRow(folder, row)).toBeNull();
    await writeRow(folder, row);
    expect(readRow(folder, row)).toEqual(row);
    expect(() => readRow(folder, { ...row, input: { seed: 9 } })).toThrow('another configuration');
  });
});

/** A row whose first `right` of 100 images withstand. */
function row(method: string, budget: number, lr: number, seed: number, right: number): Row {
  const bits = (n: number) => packBits(Array.from({ length: 100 }, (_, i) => i < n));
  const attacks = { APGD: { robust: bits(right) } };
  return {
    id: `${method}-${budget}-${lr}-${seed}`,
    network: 'small',
    method,
    budget,
    lr,
    seed,
    flops: 1e6,
    parameters: 10,
    config: { model: { architecture: 'small-cnn', width: 16 } },
    machine: { cpu: 'x', cores: 2, threads: 1 },
    data: { name: 'tiny', note: null, trainCount: 50 },
    train: {
      passes: { forward: 50 * budget, backward: 50 * budget },
      weightGradients: 25 * budget,
      seconds: 3 * budget,
    },
    outcomes: { count: 100, clean: bits(60), attacks },
  };
}

describe('summary', () => {
  const small = {
    ...plan,
    methods: { ours: {}, theirs: {} },
    reference: 'theirs',
    judge: { count: 100, attacks: { APGD: [] }, decides: 'APGD' },
  };
  const rows = [
    row('ours', 12, 0.05, 0, 30),
    row('ours', 12, 0.1, 0, 28),
    row('ours', 12, 0.1, 1, 28),
    row('theirs', 12, 0.1, 0, 20),
    row('theirs', 12, 0.1, 1, 20),
    row('theirs', 24, 0.1, 0, 25),
    { ...row('ours', 24, 0.1, 0, 0), failure: 'not finite' },
  ];
  const entries = summarize(rows, small);
  const entry = entries.find(({ method }) => method === 'ours')!;

  it('takes the learning rate with the most seeds, and leaves failed runs out', () => {
    expect(entries.map(({ method }) => method)).toEqual(['ours', 'theirs', 'theirs']);
    expect(entry.lr).toBe(0.1);
  });

  it('pairs with the reference at the same budget', () => {
    expect(entry.rates.APGD!.mean).toBeCloseTo(0.28, 12);
    expect(entry.differences.APGD!.mean).toBeCloseTo(0.08, 12);
    expect(entry.differences.clean).toEqual({ mean: 0, half: 0, seeds: 2 });
    expect(entries[1]!.differences.APGD).toBeNull();
  });

  it('counts forward, backward to the image and backward to the weights', () => {
    expect(entry.passes).toBe(12);
    expect(entry.flops).toBe(1e6 * (12 + 12 + 6));
  });

  it('finds the best learning rate at the nearest budget that tried several', () => {
    expect(bestRate(rows, 'APGD', 'small', 'ours', 110)).toBe(0.05);
    expect(bestRate(rows, 'APGD', 'small', 'theirs', 48)).toBe(0.1);
    expect(() => bestRate(rows, 'APGD', 'wide', 'ours', 12)).toThrow('run the stage that screens it');
  });

  it('says in the table what it takes to be as robust as the reference at its best', () => {
    const text = renderTables(small, rows, entries);
    expect(text).toContain('| `ours` | 28.0 ± 8.8 | 12.0 (÷ 2.00) | 0.0300 (÷ 2.00) | 36.0 (÷ 2.00) |');
    expect(text).toContain('- ours-24-0.1-0 failed: not finite');
    expect(text).toContain('- Learning rates: 0.05, 0.1 were run');
  });
});
