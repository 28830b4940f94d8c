/**
 * Trains and evaluates on a generated set with `data.storage` = argv[2], and prints what came out as JSON. `probe` prints
 * the writable memory (KiB) that the process has before it holds any data; argv[3] is the number of images.
 */
import { readFileSync } from 'node:fs';
import { Dataset, evaluate, selfGradient, train } from '../../dist/index.js';
import { loadBinding } from '../../dist/native/load.js';

const [storage, images] = process.argv.slice(2);
const shape = { channels: 3, height: 256, width: 256 };
const imageBytes = 3 * 256 * 256;
const count = Number(images);
const perBatch = 16;

/** Noise, brighter where the class is: images that a small network tells apart. */
async function* batches() {
  let state = 1;
  const noise = Uint8Array.from({ length: imageBytes }, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 16) % 150;
  });
  for (let first = 0; first < count; first += perBatch) {
    const n = Math.min(perBatch, count - first);
    const labels = Int32Array.from({ length: n }, (_, i) => (first + i) % 2);
    const pixels = new Uint8Array(n * imageBytes);
    for (const [i, label] of labels.entries()) {
      const turn = ((first + i) * 7919) % imageBytes;
      const image = pixels.subarray(i * imageBytes, (i + 1) * imageBytes);
      image.set(noise.subarray(turn));
      image.set(noise.subarray(0, turn), imageBytes - turn);
      if (label === 1) for (let at = 0; at < imageBytes / 3; at++) image[at] += 60;
    }
    yield { images: pixels, labels, indices: Int32Array.from(labels, (_, i) => first + i) };
  }
}

const source = {
  name: 'generated',
  split: 'train',
  count,
  ...shape,
  classes: ['dark', 'bright'],
  note: null,
};
const config = {
  seed: 3,
  threads: 1,
  data: { storage },
  threat: { norm: 'linf', eps: '8/255' },
  model: {
    architecture: 'layers',
    layers: [
      { name: 'conv', channels: 4, kernel: 16, stride: 16, padding: 0 },
      'norm-activation',
      'global-average-pool',
      'linear',
    ],
  },
  train: { strategy: selfGradient({ steps: 1 }), epochs: 0.3, batchSize: 8, crop: 4, validate: { every: 0 } },
};

loadBinding();
if (storage === 'probe') {
  console.log(/VmData:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
} else {
  try {
    const data = await Dataset.from({ ...source, [Symbol.asyncIterator]: batches }, { storage });
    const { model, history } = await train(config, { data }).result;
    const losses = history.filter(({ type }) => type === 'epoch').map(({ loss }) => loss);
    const result = await evaluate(model, data, {
      threads: 1,
      threat: config.threat,
      attacks: ['fgsm'],
      batchSize: 8,
      count: 300,
    });
    const rates = [result.clean.rate, result.robust.rate];
    console.log(JSON.stringify({ storage: data.storage, sha256: data.sha256, losses, rates }));
  } catch (error) {
    console.log(`${error.code}  ${error.message}`);
    process.exitCode = 1;
  }
}
