/** What a sweep found: each point of the grid with its means over seeds. */
import type { Evaluation } from '../evaluation.ts';
import { csvLine } from '../report/csv.ts';
import { percent } from '../report/format.ts';
import { align, plain } from '../report/table.ts';
import type { SweepManifest } from './manifest.ts';
import { type Point, pointText } from './plan.ts';
import { type SeedMean, seedMean } from './seedMean.ts';

export interface SweepRow {
  point: Point;
  /** Of the runs that are evaluated. */
  seeds: number[];
  /** Null where none is. */
  clean: SeedMean | null;
  robust: SeedMean | null;
  /** Mean accuracy under each attack. */
  attacks: { name: string; robust: number }[];
}

export interface SweepSummary {
  schema: 'selfgrad.sweep-summary/1';
  done: number;
  count: number;
  rows: SweepRow[];
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

function rowOf(point: Point, runs: readonly { seed: number; evaluation: Evaluation }[]): SweepRow {
  const outcomes = (counts: (brokenBy: number) => boolean) =>
    runs.length === 0 ? null : seedMean(runs.map(({ evaluation }) => evaluation.images.brokenBy.map(counts)));
  return {
    point,
    seeds: runs.map(({ seed }) => seed),
    clean: outcomes((by) => by !== -2),
    robust: outcomes((by) => by === -1),
    attacks: (runs[0]?.evaluation.attacks ?? []).map(({ name }, i) => ({
      name,
      robust: mean(runs.map(({ evaluation }) => evaluation.attacks[i]!.robust.rate)),
    })),
  };
}

/** Joins the evaluations of a sweep, by the id of their run; those that are missing are left out of the means. */
export function summarize(
  { runs }: SweepManifest,
  evaluations: ReadonlyMap<string, Evaluation>,
): SweepSummary {
  const points = new Map(runs.map(({ point }) => [JSON.stringify(point), point]));
  const rows = [...points].map(([key, point]) =>
    rowOf(
      point,
      runs
        .filter((run) => JSON.stringify(run.point) === key && evaluations.has(run.id))
        .map(({ id, seed }) => ({ seed, evaluation: evaluations.get(id)! })),
    ),
  );
  return {
    schema: 'selfgrad.sweep-summary/1',
    done: runs.filter(({ id }) => evaluations.has(id)).length,
    count: runs.length,
    rows,
  };
}

function cell(value: SeedMean | null): string {
  return value === null ? '' : `${percent(value.mean)} ± ${(value.half * 100).toFixed(2)}`;
}

/** A row for each point, for a terminal. */
export function renderSweep({ done, count, rows }: SweepSummary): string {
  const attacks = rows.find((row) => row.attacks.length > 0)?.attacks.map(({ name }) => name) ?? [];
  const cells = [
    ['point', 'seeds', 'clean', 'robust', ...attacks],
    ...rows.map(({ point, seeds, clean, robust, attacks: found }) => [
      pointText(point) || 'base',
      String(seeds.length),
      cell(clean),
      cell(robust),
      ...found.map((attack) => percent(attack.robust)),
    ]),
  ];
  return [
    `sweep  ${done} of ${count} runs are done`,
    ...align(cells, 0),
    '±: 95 %, over images and seeds; with one seed over images alone.',
  ]
    .map(plain)
    .join('\n');
}

/** A header line, then a line for each point; an option of the grid is a column. */
export function sweepCsv({ rows }: SweepSummary): string {
  const paths = Object.keys(rows[0]?.point ?? {});
  const header = [...paths, 'seeds', 'clean', 'clean_half', 'robust', 'robust_half'];
  const lines = rows.map(({ point, seeds, clean, robust }) => [
    ...paths.map((path) => {
      const value = point[path];
      return typeof value === 'number' || typeof value === 'string' ? value : JSON.stringify(value);
    }),
    seeds.length,
    ...[clean, robust].flatMap((found) => [found?.mean, found?.half]),
  ]);
  return [header, ...lines].map((line) => `${csvLine(line)}\n`).join('');
}
