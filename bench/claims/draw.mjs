/**
 * Draws the rows that there are: a table (README.md) and pictures, beside the rows.
 *   node bench/claims/draw.mjs [--plan bench/claims/plan.mjs] [--out bench/results/claims] [--images docs/images]
 *     [--reference METHOD]   prints the tables with the differences to this method instead, and writes nothing
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { chart } from './chart.mjs';
import { readRows } from './rows.mjs';
import { summarize } from './summary.mjs';
import { renderTables } from './table.mjs';

const axes = {
  passes: { label: 'forward + backward passes an image', value: ({ passes }) => passes },
  flops: { label: 'training cost, GFLOP an image', value: ({ flops }) => flops / 1e9 },
  seconds: { label: 'training time, seconds', value: ({ seconds }) => seconds },
};

/**
 * Writes README.md into `out` and, unless the plan's `pictures` is false, a picture for each network and axis into `images`
 * (defaults to `out`).
 */
export function draw(plan, out, images = out) {
  const rows = readRows(out);
  const entries = summarize(rows, plan);
  writeFileSync(join(out, 'README.md'), renderTables(plan, rows, entries));
  if (plan.pictures === false) return;
  mkdirSync(images, { recursive: true });
  const { decides } = plan.judge;
  for (const network of new Set(entries.map((entry) => entry.network)))
    for (const [axis, { label, value }] of Object.entries(axes)) {
      const series = Object.keys(plan.methods).map((name) => ({
        name,
        points: entries
          .filter((entry) => entry.network === network && entry.method === name)
          .map((entry) => ({
            x: value(entry),
            y: entry.rates[decides].mean,
            half: entry.rates[decides].half,
          }))
          .sort((a, b) => a.x - b.x),
      }));
      const svg = chart({
        title: `Accuracy under ${decides}, network ${network}`,
        xLabel: label,
        yLabel: `accuracy under ${decides}`,
        series: series.filter(({ points }) => points.length > 0),
        reference: plan.reference,
      });
      writeFileSync(join(images, `claims-${network}-${axis}.svg`), svg);
    }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const here = fileURLToPath(new URL('.', import.meta.url));
  const { values } = parseArgs({
    options: {
      plan: { type: 'string', default: join(here, 'plan.mjs') },
      out: { type: 'string', default: join(here, '..', 'results', 'claims') },
      images: { type: 'string' },
      reference: { type: 'string' },
    },
  });
  const { plan } = await import(pathToFileURL(resolve(values.plan)));
  if (values.reference === undefined) {
    draw(plan, values.out, values.images);
  } else {
    const other = { ...plan, reference: values.reference };
    const rows = readRows(values.out);
    console.log(renderTables(other, rows, summarize(rows, other)));
  }
}
