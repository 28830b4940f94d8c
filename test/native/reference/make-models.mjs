/**
 * Trains the tiny networks beside this file, whose logits make_pytorch_logits.py then computes.
 * Usage: npm run setup && node test/native/reference/make-models.mjs
 */
import { fileURLToPath } from 'node:url';
import { Dataset, openArrays, train } from 'selfgrad';

const shape = [2, 9, 7];
const count = 30;
const images = Uint8Array.from({ length: count * 2 * 9 * 7 }, (_, i) => (i * 7919) % 256);
const labels = Int32Array.from({ length: count }, (_, i) => i % 3);
const networks = {
  'small-cnn': { architecture: 'small-cnn', width: 2, activation: 'silu' },
  'preact-resnet': { architecture: 'preact-resnet', depths: [1, 2], width: 4, activation: 'relu' },
  'wide-resnet': { architecture: 'wide-resnet', depths: [1, 1, 1], width: 1, activation: 'silu' },
};

const data = await Dataset.from(await openArrays({ images, labels, shape, classes: 3, name: 'pixels' }));
for (const [name, model] of Object.entries(networks)) {
  const options = { batchSize: 10, epochs: 3, crop: 1, validate: { every: 0 } };
  const run = train({ model, train: options, threads: 1 }, { data });
  const { model: network } = await run.result;
  network.save(fileURLToPath(new URL(`${name}.safetensors`, import.meta.url)));
  network.dispose();
}
data.dispose();
