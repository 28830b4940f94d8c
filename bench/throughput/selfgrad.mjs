/**
 * Training throughput of selfgrad: the peer of pytorch.py.
 *   node selfgrad.mjs STRATEGY PRECISION THREADS STEPS   ->   images a second on stdout
 */
import { Dataset, openArrays, train } from '../../dist/index.js';

const [strategy, precision, threads, steps] = process.argv.slice(2);
// What the PyTorch peer does: memory and one attack pass, no relay.
const measured = strategy === 'self-gradient' ? { name: strategy, steps: 1, relay: 1 } : strategy;
const count = 4096;
const images = new Uint8Array(count * 3 * 32 * 32).map((_, i) => (i * 2654435761) >>> 24);
const labels = Int32Array.from({ length: count }, (_, i) => i % 10);
const classes = Array.from({ length: 10 }, (_, i) => String(i));
const data = await Dataset.from(await openArrays({ images, labels, shape: [3, 32, 32], classes }));

async function run(wanted) {
  const { model, imagesPerSecond } = await train(
    {
      threads: Number(threads),
      model: { architecture: 'preact-resnet', depths: [1, 1, 1], width: 16 },
      train: {
        strategy: measured,
        precision,
        epochs: (wanted * 128) / count,
        lr: 0.01,
        validate: { every: 0 },
      },
    },
    { data },
  ).result;
  model.dispose();
  return imagesPerSecond;
}

await run(Math.max(2, Math.floor(Number(steps) / 4)));
console.log((await run(Number(steps))).toFixed(1));
