/**
 * Draws what was measured: tables (speed.md) and a picture (speed.svg), beside the file of results.
 *   node bench/speed/draw.mjs [--results bench/results/speed.json]
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { cases, contenders, networks } from './cases.mjs';
import { ratioChart } from './chart.mjs';
import { renderTables } from './table.mjs';

const { values: flags } = parseArgs({
  options: { results: { type: 'string', default: 'bench/results/speed.json' } },
});
const place = (list, value) => Object.keys(list).indexOf(value);
const results = JSON.parse(readFileSync(flags.results, 'utf8')).results.sort(
  (a, b) =>
    place(networks, a.network) - place(networks, b.network) ||
    place(cases, a.case) - place(cases, b.case) ||
    b.precision.localeCompare(a.precision),
);
const peers = contenders.slice(1);

function rowsOf({ case: name, precision, summary: { ratios } }) {
  const { title, equalPasses } = cases[name];
  const values = (which) => peers.map((peer) => ratios[peer][which]);
  const rows = [{ label: `${title}, ${precision}`, values: values('images') }];
  if (equalPasses) rows.push({ label: equalPasses, values: values('work') });
  return rows;
}

const base = flags.results.replace(/\.json$/, '');
writeFileSync(`${base}.md`, renderTables(results));
writeFileSync(
  `${base}.svg`,
  ratioChart({
    title: 'Speed of selfgrad against PyTorch on the CPU',
    note: 'Medians; whiskers from the least to the greatest of the repetitions',
    xLabel: 'times as many images a second as PyTorch',
    series: ['against PyTorch eager', 'against torch.compile'],
    groups: [...new Set(results.map(({ network }) => network))].map((network) => ({
      name: network,
      rows: results.filter((result) => result.network === network).flatMap(rowsOf),
    })),
  }),
);
