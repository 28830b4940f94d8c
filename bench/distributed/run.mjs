/**
 * One, two and four processes that train the same network on the loopback: accuracy, passes a second, bytes between
 * ranks, the share of the time in which a rank waits for the others, and processor time.
 *   node bench/distributed/run.mjs [--networks 'NAME;NAME'] [--seeds 0,1,2] [--worlds 1,2,4]
 *     [--epochs 6] [--images 1000]
 *     [--out bench/results/distributed.json]
 * Start it again after an interruption: it goes on where it was. The tables are drawn from the file at each end.
 */
import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { machine, versions } from '../../dist/machine.js';
import { writeAtomic } from '../../dist/report/writeAtomic.js';
import { launch } from './launch.mjs';
import { table } from './table.mjs';

const text = (value) => ({ type: 'string', default: value });
const { values: flags } = parseArgs({
  options: {
    networks: { type: 'string' },
    seeds: text('0,1,2'),
    worlds: text('1,2,4'),
    epochs: text('6'),
    images: text('1000'),
    out: text('bench/results/distributed.json'),
  },
});
const numbers = (list) => list.split(',').map(Number);

/**
 * One with BatchNorm, whose statistics are taken over the ranks, and one without; each with a memory and a relay. Both
 * are so small that messages are most of a step; the wide one is a network that computes.
 */
const networks = {
  'small-cnn': { architecture: 'small-cnn', width: 16 },
  'preact-resnet': { architecture: 'preact-resnet', depths: [1, 1, 1], width: 8 },
  'preact-resnet, wide': { architecture: 'preact-resnet', depths: [1, 1, 1], width: 48 },
};

const configOf = (model, seed) => ({
  seed,
  threads: 1,
  data: { source: 'fashion-mnist-mini' },
  model,
  threat: { norm: 'linf', eps: 0.1 },
  train: {
    strategy: 'self-gradient',
    epochs: Number(flags.epochs),
    batchSize: 128,
    lr: 0.05,
    crop: 1,
    precision: 'float32',
    validate: { every: 0 },
  },
});

const document = existsSync(flags.out)
  ? JSON.parse(readFileSync(flags.out, 'utf8'))
  : { schema: 'selfgrad.distributed/1', machine: machine(1), versions: versions(), runs: [] };

for (const seed of numbers(flags.seeds))
  for (const network of flags.networks?.split(';') ?? Object.keys(networks))
    for (const worldSize of numbers(flags.worlds)) {
      const config = configOf(networks[network], seed);
      const same = (run) => run.network === network && run.worldSize === worldSize && run.seed === seed;
      if (document.runs.some(same)) continue;
      const ranks = await launch({
        config,
        images: Number(flags.images),
        ranks: Array.from({ length: worldSize }, () => []),
      });
      document.runs.push({ network, worldSize, seed, config, ranks });
      await writeAtomic(flags.out, `${JSON.stringify(document, null, 2)}\n`);
      console.log(`${network}, seed ${seed}, ${worldSize} ranks: robust ${ranks[0].robust}`);
    }
await writeAtomic(flags.out.replace(/\.json$/, '.md'), table(document));
