/** Makes and disposes of models, data sets and runs, and says what of the process's memory and time they keep. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { Dataset, evaluate, loadModel, openArrays, pgd, train } from '../../dist/index.js';

const images = Uint8Array.from({ length: 96 * 64 }, (_, i) => (i * 37) % 251);
const labels = Int32Array.from({ length: 96 }, (_, i) => i % 3);
const load = async () => Dataset.from(await openArrays({ images, labels, shape: [1, 8, 8], classes: 3 }));
const config = {
  threads: 1,
  model: { depths: [1], width: 4 },
  train: { epochs: 1e6, batchSize: 16, validate: { every: 0 } },
};

const folder = mkdtempSync(join(tmpdir(), 'selfgrad-lifetimes-'));
const path = join(folder, 'model.safetensors');
const data = await load();
const first = await train({ ...config, train: { ...config.train, epochs: 1 } }, { data }).result;
first.model.save(path);
first.model.dispose();

/** One life of each kind. */
const lives = {
  async models() {
    (await loadModel(path)).dispose();
  },
  async sets() {
    (await load()).dispose();
  },
  async runs() {
    const stop = new AbortController();
    const run = train(config, { data, signal: stop.signal });
    for await (const { type } of run) if (type === 'start') stop.abort();
  },
  async evaluations() {
    const model = await loadModel(path);
    const stop = new AbortController();
    const options = { attacks: [pgd({ steps: 1e4 })], threads: 1, onEvent: () => stop.abort() };
    await evaluate(model, data, { ...options, signal: stop.signal }).finally(() => model.dispose());
  },
};

const [kind, count] = [process.argv[2], Number(process.argv[3])];
let longest = 0;
let last = performance.now();
const timer = setInterval(() => {
  const now = performance.now();
  longest = Math.max(longest, now - last);
  last = now;
}, 10);
const repeat = async (times) => {
  for (let i = 0; i < times; i++) {
    await lives[kind]().catch((error) => {
      if (error.name !== 'AbortError') throw error;
    });
    // A set of arrays is there without a turn of the event loop, and what is disposed of goes in such a turn.
    await setImmediate();
  }
  for (let turn = 0; turn < 3; turn++) {
    global.gc();
    await setImmediate();
  }
  return process.memoryUsage().rss;
};
// What the first lives keep is kept once: pools, caches, compiled code.
const before = await repeat(count / 10);
const after = await repeat(count - count / 10);
clearInterval(timer);
data.dispose();
rmSync(folder, { recursive: true });
console.log(JSON.stringify({ grown: after - before, longest: Math.round(longest) }));
