/**
 * Trains strategies on CIFAR-10 at an equal budget of passes and measures them under PGD-20 and CW-20.
 *   node bench/cifar10/compare.mjs --path FOLDER [--source image-folder|cifar10] [--passes 12] [--seeds 0,1,2]
 *     [--strategies self-gradient,pgd] [--out bench/results/cifar10-12-passes.json] [key=value …]
 * Each finished run is written at once and skipped when the script is started again; key=value changes the
 * configuration of every run and belongs to its name.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { parseOverride } from '../../dist/config/overrides.js';
import { resolveConfig } from '../../dist/config/resolve.js';
import { cwLinf, Dataset, evaluate, openData, pgd, train } from '../../dist/index.js';

const { values: flags, positionals: overrides } = parseArgs({
  allowPositionals: true,
  options: {
    path: { type: 'string' },
    source: { type: 'string', default: 'image-folder' },
    passes: { type: 'string', default: '12' },
    seeds: { type: 'string', default: '0,1,2' },
    strategies: { type: 'string', default: 'self-gradient,pgd' },
    count: { type: 'string', default: '2000' },
    out: { type: 'string', default: 'bench/results/cifar10-12-passes.json' },
  },
});
if (!flags.path) throw new Error('Give --path: the folder of CIFAR-10.');

const table = existsSync(flags.out) ? JSON.parse(readFileSync(flags.out, 'utf8')) : { runs: [] };
const save = () => {
  writeFileSync(`${flags.out}.tmp`, `${JSON.stringify(table, null, 2)}\n`);
  renameSync(`${flags.out}.tmp`, flags.out);
};

/** Reads one split into memory; the same set serves every run. */
async function load(split) {
  const started = performance.now();
  const source = await openData({ source: flags.source, path: flags.path, split });
  const data = await Dataset.from(source);
  console.error(`${split}: ${data.count} images in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return data;
}

const trainSet = await load('train');
const testSet = await load('test');

for (const seed of flags.seeds.split(',').map(Number)) {
  for (const strategy of flags.strategies.split(',')) {
    const key = [strategy, `seed ${seed}`, `${flags.passes} passes`, ...overrides].join(' · ');
    if (table.runs.some((run) => run.key === key)) continue;
    const base = {
      preset: 'cifar10-small',
      seed,
      data: { source: flags.source, path: flags.path },
      train: { strategy, passes: Number(flags.passes), validate: { every: 0 } },
    };
    const layers = [{ origin: 'bench', values: base }, ...overrides.map(parseOverride)];
    const { config } = resolveConfig(layers);
    const { model, seconds, imagesPerSecond, passes } = await train(config, { data: trainSet }).result;
    const { threat, threads } = config;
    const attacks = [pgd({ steps: 20, alpha: '2/255' }), cwLinf({ steps: 20, alpha: '2/255' })];
    const result = await evaluate(model, testSet, {
      threat,
      attacks,
      threads,
      seed: 0,
      count: Number(flags.count),
    });
    model.dispose();
    const { data, model: network, versions, machine } = result;
    const run = {
      key,
      clean: result.clean,
      pgd20: result.attacks[0].robust,
      cw20: result.attacks[1].robust,
      worst: result.robust,
      train: { seconds, imagesPerSecond, passes, config: config.train, model: config.model },
      evaluation: { count: data.count, seconds: result.seconds },
      parameters: network.parameters,
      data: { name: data.name, note: data.note, trainSha256: trainSet.sha256, testSha256: testSet.sha256 },
      versions,
      machine,
      at: result.createdAt,
    };
    table.runs.push(run);
    save();
    const percent = ({ rate }) => (100 * rate).toFixed(2).padStart(6);
    console.log(
      `${key}  clean ${percent(run.clean)}  PGD-20 ${percent(run.pgd20)}  CW-20 ${percent(run.cw20)}  ${seconds.toFixed(0)} s`,
    );
  }
}
