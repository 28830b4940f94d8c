/**
 * How fast training goes on a set that is larger than this machine's memory, against the same training on images that
 * memory holds: images a second and page faults that waited for the disk, interleaved.
 *   node bench/speed/mapped.mjs [--gigabytes 1.2 of the memory] [--strategies standard,self-gradient] [--steps 200]
 *     [--repeats 3] [--threads 1] [--out bench/results/mapped.json]
 * The set goes to the cache's folder and the memory of the gradients to the system's temporary one: each needs as many
 * bytes of disk. A table (mapped.md) lies beside the file.
 */
import { totalmem } from 'node:os';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { Dataset, train } from '../../dist/index.js';
import { machine, versions } from '../../dist/machine.js';
import { writeAtomic } from '../../dist/report/writeAtomic.js';
import { networks } from './cases.mjs';
import { batch } from './prepare.mjs';
import { spread } from './summary.mjs';

const text = (value) => ({ type: 'string', default: value });
const { values: flags } = parseArgs({
  options: {
    gigabytes: text(((1.2 * totalmem()) / 1e9).toFixed(0)),
    strategies: text('standard,self-gradient'),
    steps: text('200'),
    repeats: text('3'),
    threads: text('1'),
    out: text('bench/results/mapped.json'),
  },
});
const [steps, threads] = [Number(flags.steps), Number(flags.threads)];
const imageBytes = 3 * 32 * 32;
const heldCount = 16384;
const mappedCount = Math.round((Number(flags.gigabytes) * 1e9) / imageBytes);
const chunk = 8192;

/** Noise without a loop over pixels: the speed does not depend on them. */
function source(count) {
  const noise = Uint8Array.from({ length: chunk * imageBytes }, (_, i) => Math.imul(i, 2654435761) >>> 24);
  return {
    name: 'noise',
    split: 'train',
    count,
    channels: 3,
    height: 32,
    width: 32,
    classes: Array.from({ length: 10 }, (_, i) => `class ${i}`),
    note: null,
    async *[Symbol.asyncIterator]() {
      for (let first = 0; first < count; first += chunk) {
        const n = Math.min(chunk, count - first);
        yield {
          images: noise.subarray(0, n * imageBytes),
          labels: Int32Array.from({ length: n }, (_, i) => (first + i) % 10),
          indices: Int32Array.from({ length: n }, (_, i) => first + i),
        };
      }
    },
  };
}

/** Of the steps behind the first event, by which the run has drawn its order. */
async function measure(data, strategy) {
  const { model, crop, flip } = networks.small;
  const run = train(
    {
      threads,
      threat: { norm: 'linf', eps: '8/255' },
      model,
      train: {
        strategy,
        batchSize: batch,
        // Steps are of a batch, or of a half of one where the other half stays in flight.
        epochs: (steps * batch) / data.count,
        precision: 'bfloat16',
        crop,
        flip,
        lr: 0.01,
        validate: { every: 0 },
      },
    },
    { data },
  );
  let first;
  let last;
  for await (const event of run) {
    if (event.type !== 'step') continue;
    last = {
      seconds: event.seconds,
      images: event.imagesPerSecond * event.seconds,
      faults: process.resourceUsage().majorPageFault,
    };
    first ??= last;
  }
  (await run.result).model.dispose();
  if (!(last?.images > first.images)) throw new Error('Expected several step events: give more --steps.');
  const images = last.images - first.images;
  return {
    imagesPerSecond: images / (last.seconds - first.seconds),
    faultsPerImage: (last.faults - first.faults) / images,
  };
}

const held = await Dataset.from(source(heldCount), { storage: 'memory' });
const started = performance.now();
const mapped = await Dataset.from(source(mappedCount), { storage: 'mapped' });
const writeSeconds = (performance.now() - started) / 1000;
console.log(`${mappedCount} images written in ${writeSeconds.toFixed(0)} s`);
await measure(held, 'standard');
const results = [];
for (const strategy of flags.strategies.split(',')) {
  const measured = { memory: [], mapped: [] };
  for (let i = 0; i < Number(flags.repeats); i++)
    for (const name of i % 2 ? ['mapped', 'memory'] : ['memory', 'mapped']) {
      measured[name].push(await measure(name === 'memory' ? held : mapped, strategy));
      console.log(strategy, name, JSON.stringify(measured[name].at(-1)));
    }
  results.push({
    strategy,
    ...Object.fromEntries(
      Object.entries(measured).map(([name, runs]) => [
        name,
        {
          imagesPerSecond: spread(runs.map((run) => run.imagesPerSecond)),
          faultsPerImage: spread(runs.map((run) => run.faultsPerImage)),
        },
      ]),
    ),
    ratio: spread(measured.mapped.map((run, i) => run.imagesPerSecond / measured.memory[i].imagesPerSecond)),
  });
}
const document = {
  what: 'training on a set larger than memory, mapped, against images held in memory; bfloat16, small network',
  bytes: mappedCount * imageBytes,
  memoryBytes: totalmem(),
  images: mappedCount,
  writeSeconds,
  steps,
  batch,
  machine: machine(threads),
  versions: versions(),
  at: new Date().toISOString(),
  results,
};
await writeAtomic(flags.out, `${JSON.stringify(document, null, 1)}\n`);
await writeAtomic(flags.out.replace(/json$/, 'md'), table(document));

function table({ bytes, memoryBytes, images }) {
  const shown = ({ median, min, max }, digits) =>
    `${median.toFixed(digits)} (${min.toFixed(digits)} … ${max.toFixed(digits)})`;
  const rows = results.map(
    ({ strategy, memory, mapped: file, ratio }) =>
      `| \`${strategy}\` | ${shown(memory.imagesPerSecond, 0)} | ${shown(file.imagesPerSecond, 0)} | ${shown(ratio, 2)} | ${shown(file.faultsPerImage, 3)} |`,
  );
  return `# Training on a set larger than memory

Written by \`bench/speed/mapped.mjs\` from \`mapped.json\`: ${images} images of 32×32×3 (${(bytes / 1e9).toFixed(1)} GB) on a machine with
${(memoryBytes / 1e9).toFixed(1)} GB of memory, written in ${writeSeconds.toFixed(0)} s; small network, bfloat16, batch ${batch}, ${threads} ${threads === 1 ? 'thread' : 'threads'}, ${steps} steps in random order,
interleaved with the same training on ${heldCount} images in memory. Medians (least … greatest); \`self-gradient\` maps its memory
of the gradients too. A major fault is a page that training had to wait for.

| strategy | in memory, images/s | mapped, images/s | ratio | major faults an image |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}
