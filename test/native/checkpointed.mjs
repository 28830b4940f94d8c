/** Trains three epochs into the folder that the argument names, with a checkpoint after each; goes on where one is. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Dataset, openArrays, train } from '../../dist/index.js';

const out = process.argv[2];
const images = Uint8Array.from({ length: 96 * 64 }, (_, i) => (i * 37) % 251);
const labels = Int32Array.from({ length: 96 }, (_, i) => i % 3);
const data = await Dataset.from(await openArrays({ images, labels, shape: [1, 8, 8], classes: 3 }));
const config = {
  threads: 1,
  model: { architecture: 'preact-resnet', depths: [1], width: 4 },
  train: { epochs: 3, batchSize: 16, crop: 1, flip: false, validate: { every: 0 }, checkpoint: { every: 1 } },
};
const resume = existsSync(join(out, 'checkpoint.safetensors'));
const { model } = await train(config, { data, out, resume }).result;
model.dispose();
data.dispose();
