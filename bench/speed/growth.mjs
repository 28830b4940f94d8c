/**
 * How the cost of PGD training grows with each thing that a user can raise, the others held: wall and CPU seconds of an
 * epoch behind a first one, and how much of it the JavaScript thread was busy.
 *   node bench/speed/growth.mjs [--axes images,width,steps,classes,threads] [--repeats 3] [--work runs/speed]
 *     [--out bench/results/growth.json]
 * Axes run in turn, values within an axis in rotating order; a table (growth.md) and a picture (growth.svg) lie beside
 * the file.
 */
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { train } from '../../dist/index.js';
import { machine, versions } from '../../dist/machine.js';
import { writeAtomic } from '../../dist/report/writeAtomic.js';
import { cpuSeconds } from '../cpuSeconds.mjs';
import { networks } from './cases.mjs';
import { growthChart } from './growthChart.mjs';
import { loadImages, prepareImages } from './prepare.mjs';
import { spread } from './summary.mjs';

const axes = {
  images: { label: 'images', values: [128, 256, 512, 1024, 2048] },
  width: { label: 'channels of the first stage', values: [8, 16, 32, 64] },
  steps: { label: 'attack steps', values: [1, 2, 5, 10, 20] },
  classes: { label: 'classes', values: [2, 10, 100, 1000] },
  threads: { label: 'threads', values: [1, 2] },
};
const base = { images: 512, width: 16, steps: 10, classes: 10, threads: 1 };
const text = (value) => ({ type: 'string', default: value });
const { values: flags } = parseArgs({
  options: {
    axes: text(Object.keys(axes).join()),
    repeats: text('3'),
    work: text('runs/speed'),
    out: text('bench/results/growth.json'),
  },
});
const file = prepareImages(flags.work);
const { model, crop } = networks.small;

/** The second of two epochs. */
async function measure({ images, width, steps, classes, threads }) {
  const { data } = await loadImages(file, images, { classes });
  const run = train(
    {
      threads,
      threat: { norm: 'linf', eps: '8/255' },
      model: { ...model, width },
      train: {
        strategy: { name: 'pgd', steps, alpha: '2/255' },
        batchSize: 128,
        epochs: 2,
        crop,
        lr: 0.01,
        validate: { every: 0 },
      },
    },
    { data },
  );
  const epochs = [];
  let before;
  for await (const event of run) {
    if (event.type !== 'epoch') continue;
    epochs.push({ seconds: event.seconds, cpuSeconds: cpuSeconds() });
    before ??= performance.eventLoopUtilization();
    if (epochs.length === 2) epochs[1].javascript = performance.eventLoopUtilization(before).utilization;
  }
  (await run.result).model.dispose();
  data.dispose();
  const [first, second] = epochs;
  return {
    seconds: second.seconds - first.seconds,
    cpuSeconds: second.cpuSeconds - first.cpuSeconds,
    javascript: second.javascript,
  };
}

await measure({ ...base, images: 128, steps: 1 });
const results = [];
for (const axis of flags.axes.split(',')) {
  const { label, values } = axes[axis];
  const repetitions = values.map(() => []);
  for (let i = 0; i < Number(flags.repeats); i++)
    for (let k = 0; k < values.length; k++) {
      const place = (i + k) % values.length;
      repetitions[place].push(await measure({ ...base, [axis]: values[place] }));
    }
  const points = values.map((value, place) => ({
    value,
    ...Object.fromEntries(
      ['seconds', 'cpuSeconds', 'javascript'].map((name) => [
        name,
        spread(repetitions[place].map((one) => one[name])),
      ]),
    ),
  }));
  results.push({ axis, label, points });
  console.log(
    `${axis}: ${points.map(({ value, seconds }) => `${value} ${seconds.median.toFixed(2)} s`).join(', ')}`,
  );
  const document = {
    what: 'an epoch of PGD training, the second of two, in float32',
    base,
    machine: machine(1),
    versions: versions(),
    at: new Date().toISOString(),
    results,
  };
  await writeAtomic(flags.out, `${JSON.stringify(document, null, 1)}\n`);
  await writeAtomic(flags.out.replace(/json$/, 'svg'), growthChart(results));
  await writeAtomic(flags.out.replace(/json$/, 'md'), table(results));
}

/** The points in Markdown. */
function table(measured) {
  const shown = ({ median, min, max }) =>
    `${median.toPrecision(3)} (${min.toPrecision(3)} … ${max.toPrecision(3)})`;
  const rows = measured.flatMap(({ axis, points }) =>
    points.map(
      ({ value, seconds, cpuSeconds: cpu, javascript }) =>
        `| ${axis} | ${value} | ${shown(seconds)} | ${shown(cpu)} | ${(100 * javascript.median).toFixed(2)} |`,
    ),
  );
  return `# How cost grows

Written by \`bench/speed/growth.mjs\` from \`growth.json\`: seconds of an epoch of PGD training, the second of two, float32, small
network; where an axis does not say otherwise ${Object.entries(base)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')}. Medians (least … greatest).

| axis | value | seconds | CPU seconds | JavaScript's thread busy, % |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}
