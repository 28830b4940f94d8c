/** The numbers of a comparison as one CSV table (RFC 4180): a row for clean, robust and each attack of each run. */
import type { Comparison } from '../comparison.ts';
import type { Rate } from '../evaluation.ts';
import type { Difference } from '../interval.ts';
import { csvLine } from './csv.ts';

const columns = [
  'run',
  'strategy',
  'architecture',
  'parameters',
  'kind',
  'name',
  'correct',
  'count',
  'rate',
  'low',
  'high',
  'difference',
  'difference_low',
  'difference_high',
];

/** Differences are to the first run, in shares; empty where the images are others. */
export function comparisonCsv({ rows }: Comparison): string {
  const lines = rows.flatMap((row) => {
    const line = (kind: string, name: string, rate: Rate, difference: Difference | null = null) =>
      csvLine([
        ...[row.name, row.strategy, row.architecture, row.parameters, kind, name],
        ...[rate.correct, rate.count, rate.rate, rate.low, rate.high],
        ...[difference?.value, difference?.low, difference?.high],
      ]);
    return [
      line('clean', 'clean', row.clean, row.cleanDifference),
      ...row.attacks.map(({ name, robust }) => line('attack', name, robust)),
      line('robust', 'worst case', row.robust, row.robustDifference),
    ];
  });
  return `${[csvLine(columns), ...lines].join('\n')}\n`;
}
