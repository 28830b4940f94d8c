/** The runs of a sweep: always the same ones, in the same order, under the same names. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nameOf, planSweep, runsOfShard } from '../../../src/sweep/plan.ts';

const plan = (values: unknown) => planSweep({ origin: 'sweep.yaml', values });
const grid = { 'train.lr': [0.1, 0.2], 'train.strategy': ['standard', { name: 'pgd', steps: 3 }] };

test('the last option changes first, seeds within', () => {
  expect(plan({ grid, seeds: [7, 3] }).runs.map(nameOf)).toEqual([
    'train.lr=0.1 train.strategy=standard seed=7',
    'train.lr=0.1 train.strategy=standard seed=3',
    'train.lr=0.1 train.strategy={"name":"pgd","steps":3} seed=7',
    'train.lr=0.1 train.strategy={"name":"pgd","steps":3} seed=3',
    'train.lr=0.2 train.strategy=standard seed=7',
    'train.lr=0.2 train.strategy=standard seed=3',
    'train.lr=0.2 train.strategy={"name":"pgd","steps":3} seed=7',
    'train.lr=0.2 train.strategy={"name":"pgd","steps":3} seed=3',
  ]);
});

test('each run has the configuration of its point, over that of all', () => {
  const [run] = plan({ base: { preset: 'quickstart', train: { lr: 9, epochs: 2 } }, grid, seeds: 1 }).runs;
  expect(run!.config).toMatchObject({
    seed: 0,
    threat: { eps: 0.1 },
    train: { lr: 0.1, epochs: 2, strategy: { name: 'standard' } },
  });
});

test('names come from what decides the numbers: not from order, threads, or what is the default anyway', () => {
  const ids = (values: unknown) => plan(values).runs.map(({ id }) => id);
  const wanted = ids({ grid, seeds: 2 });
  expect(new Set(wanted).size).toBe(8);
  const turned = { 'train.strategy': [{ steps: 3, name: 'pgd' }, 'standard'], 'train.lr': [0.2, 0.1] };
  expect(ids({ grid: turned, seeds: [1, 0] }).sort()).toEqual([...wanted].sort());
  expect(ids({ base: { threads: 3, train: { momentum: 0.9 } }, grid, seeds: 2 })).toEqual(wanted);
  expect(ids({ base: { train: { momentum: 0.8 } }, grid, seeds: 2 })).not.toEqual(wanted);
});

test('ids hold over versions of the sweep: a larger grid keeps those of the smaller', () => {
  const larger = { ...grid, 'train.lr': [0.05, 0.1, 0.2] };
  const ids = plan({ grid: larger, seeds: 3 }).runs.map(({ id }) => id);
  for (const { id } of plan({ grid, seeds: 2 }).runs) expect(ids).toContain(id);
});

test('shards are disjoint, complete, and differ by one run at most', () => {
  const { runs } = plan({ grid: { 'train.lr': [1, 2, 3, 4, 5].map((n) => n / 100) }, seeds: 2 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 15 }), (of) => {
      const shards = Array.from({ length: of }, (_, i) => runsOfShard(runs, { index: i + 1, of }));
      expect(shards.flat().sort((a, b) => runs.indexOf(a) - runs.indexOf(b))).toEqual(runs);
      const sizes = shards.map(({ length }) => length);
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
    }),
  );
});

test.each<[string, unknown, string]>([
  [
    'a value that is no list',
    { grid: { 'train.lr': 0.1 } },
    'Expected a list of values for grid.train.lr in sweep.yaml but received 0.1 (number).',
  ],
  [
    'an empty list',
    { grid: { 'train.lr': [] } },
    'Expected a list of values for grid.train.lr in sweep.yaml',
  ],
  ['a misspelt option', { grid: { 'train.lrr': [1] } }, 'Unknown option train.lrr. Did you mean train.lr?'],
  [
    'a bad value',
    { grid: { 'train.lr': [-1] } },
    'Expected a number > 0 for train.lr but received -1 (number).',
  ],
  ['seeds in the grid', { grid: { seed: [1, 2] } }, 'List the seeds under seeds.'],
  ['a misspelt key', { seed: 3 }, 'Unknown option seed. Did you mean seeds?'],
  ['no seeds', { seeds: [] }, 'Expected a list of integers >= 0 for seeds'],
  [
    'two values that mean the same',
    { grid: { 'threat.eps': ['8/255', 8 / 255] } },
    'are the same. Remove one of the two values from the grid of sweep.yaml.',
  ],
  ['a seed twice', { seeds: [1, 1] }, 'Expected runs that differ but seed=1 and seed=1 are the same.'],
])('%s is refused', (_, values, sentence) => {
  expect(() => plan(values)).toThrow(sentence);
});
