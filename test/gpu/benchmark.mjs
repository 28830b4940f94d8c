/**
 * Images a second in training and under attack, on the CPU and on each precision of a GPU: node
 * test/gpu/benchmark.mjs. Random images: only the time is looked at. Run by test/gpu/run.mjs.
 */
import { cpus } from 'node:os';
import { Dataset, evaluate, openArrays, pgd, pgdTraining, selfGradient, train } from '../../dist/index.js';

const networks = {
  'preact-resnet-8 (width 16)': { architecture: 'preact-resnet', depths: [1, 1, 1], width: 16 },
  'preact-resnet-18': { architecture: 'preact-resnet', depths: [2, 2, 2, 2], width: 64 },
};
const strategies = { 'pgd-10': pgdTraining({ steps: 10 }), 'self-gradient': selfGradient() };
const count = 2048;

async function images() {
  let state = 1;
  const next = () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return state >>> 24;
  };
  const source = await openArrays({
    images: Uint8Array.from({ length: count * 3072 }, next),
    labels: Int32Array.from({ length: count }, (_, i) => i % 10),
    shape: [3, 32, 32],
    classes: 10,
    name: 'random',
  });
  return Dataset.from(source);
}

const data = await images();
const rows = [];
const measure = (row) => {
  rows.push(row);
  console.error(JSON.stringify(row));
};
for (const [network, model] of Object.entries(networks)) {
  for (const device of ['cpu', 'cuda:0']) {
    for (const precision of ['float32', 'bfloat16']) {
      for (const [strategy, options] of Object.entries(strategies)) {
        // On the CPU the large network would take minutes a step.
        const epochs = device === 'cpu' ? 0.0625 : 2;
        const config = {
          device,
          model,
          train: { strategy: options, epochs, batchSize: 128, precision, validate: { every: 0 } },
        };
        const { model: trained, imagesPerSecond } = await train(config, { data }).result;
        trained.dispose();
        measure({ network, device, precision, what: `training, ${strategy}`, imagesPerSecond });
      }
    }
  }
  const config = {
    model,
    train: { strategy: pgdTraining({ steps: 1 }), epochs: 0.0625, validate: { every: 0 } },
  };
  const { model: trained } = await train({ ...config, device: 'cpu' }, { data }).result;
  for (const device of ['cpu', 'cuda:0']) {
    const some = device === 'cpu' ? 64 : count;
    // An eps of nothing: no image is broken, and all take every step.
    const options = {
      device,
      count: some,
      threat: { eps: 1e-6 },
      attacks: [pgd({ steps: 20 })],
      batchSize: 256,
    };
    const { attacks } = await evaluate(trained, data, options);
    const imagesPerSecond = attacks[0].attacked / attacks[0].seconds;
    measure({ network, device, precision: 'float32', what: 'evaluation, pgd-20', imagesPerSecond });
  }
  trained.dispose();
}
data.dispose();
console.log(`CPU: ${cpus()[0]?.model}, ${cpus().length} threads\n`);
console.log('| network | what | device | precision | images/s |\n| --- | --- | --- | --- | --- |');
for (const { network, what, device, precision, imagesPerSecond } of rows)
  console.log(`| ${network} | ${what} | ${device} | ${precision} | ${imagesPerSecond.toFixed(0)} |`);
