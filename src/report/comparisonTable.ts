/** A comparison as aligned lines for a terminal. */
import type { Comparison } from '../comparison.ts';
import type { Difference } from '../interval.ts';
import { counted, differenceText, interval, percent, threatText, warningText } from './format.ts';
import { align, plain } from './table.ts';

const difference = (found: Difference | null) => (found === null ? '' : differenceText(found));

/** The lines that `selfgrad compare` prints: a row for each run, differences to the first, and the warnings. */
export function renderComparisonTable({ data, threat, rows, warnings }: Comparison): string {
  const cells = [
    ['run', 'clean', '', 'to the first', 'robust', '', 'to the first'],
    ...rows.map(({ name, clean, robust, cleanDifference, robustDifference }) => [
      name,
      percent(clean.rate),
      interval(clean),
      difference(cleanDifference),
      percent(robust.rate),
      interval(robust),
      difference(robustDifference),
    ]),
  ];
  return [
    `compare  ${data.name} ${data.split} · ${counted(data.count, 'image')} · ${threatText(threat)}`,
    ...align(cells, 0),
    ...warnings.map((warning) => `warning  ${warningText(warning)}`),
  ]
    .map(plain)
    .join('\n');
}
