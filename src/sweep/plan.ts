/** A sweep: every combination of some options, with several seeds each, as a list of runs that is always the same. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Config } from '../config/config.ts';
import { readConfigFile } from '../config/files.ts';
import type { Layer } from '../config/layers.ts';
import { either, flag, integer, list, parse, section, sentence } from '../config/option.ts';
import { nest } from '../config/overrides.ts';
import { resolveConfig } from '../config/resolve.ts';
import { SelfgradError } from '../errors.ts';
import type { Shard } from '../evaluate/ranges.ts';

/** Options by their dotted path: where a run stands in the grid. */
export type Point = Record<string, unknown>;

export interface SweepRun {
  /** From what decides the run's numbers: the same in every order of the grid, and in a grid that has grown. */
  id: string;
  point: Point;
  seed: number;
  config: Config;
}

export interface Sweep {
  /** Whether each run is evaluated when it is trained. */
  evaluate: boolean;
  /** By the grid's options in their order, the last changing first, seeds within. */
  runs: SweepRun[];
}

const group = (description: string, expected: string) =>
  z
    .record(z.string(), z.unknown(), {
      error: ({ input }) => sentence(expected, '{path}', input),
    })
    .meta({ description, expected });

const seed = integer({ description: 'A seed.', gte: 0 });

const sweepSchema = section('A sweep.', {
  base: group('The configuration of all runs.', 'a group of options').prefault({}),
  grid: group('Options by their dotted path, with a list of values each.', 'a group of lists').prefault({}),
  seeds: either(
    [
      integer({ description: 'How many, from 0 on.', gte: 1 }),
      list(seed, {
        description: 'These.',
        expected: 'a list of integers >= 0',
        length: [1],
      }),
    ],
    {
      description: 'How many seeds, from 0 on, or a list of them.',
      expected: 'an integer >= 1 or a list of integers >= 0',
    },
  ).prefault(1),
  evaluate: flag({ description: 'Whether each run is evaluated when it is trained.' }).prefault(true),
});

/** Every combination, the last option changing first. */
function combinations(grid: Record<string, readonly unknown[]>): Point[] {
  return Object.entries(grid).reduce<Point[]>(
    (points, [path, values]) =>
      points.flatMap((point) => values.map((value) => ({ ...point, [path]: value }))),
    [{}],
  );
}

function lists(grid: Record<string, unknown>, origin: string): Record<string, readonly unknown[]> {
  for (const [path, values] of Object.entries(grid)) {
    if (!Array.isArray(values) || values.length === 0)
      throw new SelfgradError(
        'ERR_OPTION',
        sentence('a list of values', `grid.${path} in ${origin}`, values),
      );
    if (path === 'seed' || path === 'preset')
      throw new SelfgradError('ERR_OPTION', `Expected no ${path} in the grid of ${origin}.`, {
        fix: path === 'seed' ? 'List the seeds under seeds.' : 'Name a preset under base.',
      });
  }
  return grid as Record<string, readonly unknown[]>;
}

/** JSON with the keys of every group in order, so that equal values have equal text. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** Threads and device decide how fast a run is, not which. */
function idOf({ threads: _, device: __, ...decisive }: Config): string {
  return createHash('sha256').update(canonical(decisive)).digest('hex').slice(0, 12);
}

/**
 * The runs of a sweep, every configuration checked.
 *
 * @param layer what the file holds: base, grid, seeds, evaluate
 * @throws SelfgradError `ERR_OPTION`, also when two runs are the same
 */
export function planSweep({ origin, values }: Layer): Sweep {
  const { base, grid, seeds, evaluate } = parse(sweepSchema, values, '', [
    'base',
    'grid',
    'seeds',
    'evaluate',
  ]);
  const seedList = typeof seeds === 'number' ? Array.from({ length: seeds }, (_, i) => i) : seeds;
  const runs = combinations(lists(grid, origin)).flatMap((point) =>
    seedList.map((seed): SweepRun => {
      const layers = Object.entries(point).map(([path, value]) => ({
        origin: `grid.${path}`,
        values: nest(path.split('.'), value),
      }));
      const { config } = resolveConfig([
        { origin: `${origin} base`, values: base },
        ...layers,
        { origin: 'seeds', values: { seed } },
      ]);
      return { id: idOf(config), point, seed, config };
    }),
  );
  const seen = new Map<string, SweepRun>();
  for (const run of runs) {
    const twin = seen.get(run.id);
    if (twin) {
      throw new SelfgradError(
        'ERR_OPTION',
        `Expected runs that differ but ${nameOf(twin)} and ${nameOf(run)} are the same.`,
        { fix: `Remove one of the two values from the grid of ${origin}.` },
      );
    }
    seen.set(run.id, run);
  }
  return { evaluate, runs };
}

/** @throws SelfgradError `ERR_CONFIG`, `ERR_OPTION` */
export async function readSweep(path: string): Promise<Sweep> {
  return planSweep(await readConfigFile(path));
}

/** `train.lr=0.1 train.strategy=pgd`; empty for a sweep over seeds alone. */
export function pointText(point: Point): string {
  const text = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
  return Object.entries(point)
    .map(([path, value]) => `${path}=${text(value)}`)
    .join(' ');
}

/** `train.lr=0.1 seed=2` */
export function nameOf({ point, seed }: Pick<SweepRun, 'point' | 'seed'>): string {
  return `${pointText(point)} seed=${seed}`.trim();
}

/** Every `of`-th run, so that costly corners of the grid are spread; together the shards hold each run once. */
export function runsOfShard(runs: readonly SweepRun[], shard: Shard | null): readonly SweepRun[] {
  return shard === null ? runs : runs.filter((_, i) => i % shard.of === shard.index - 1);
}
