/**
 * One measurement of selfgrad; pytorch.py is its peer.
 *   node selfgrad.mjs TASK   ->   one line of JSON
 */
import { evaluate, loadModel, pgd, train } from '../../dist/index.js';
import { loadBinding } from '../../dist/native/load.js';
import { cpuSeconds } from '../cpuSeconds.mjs';
import { loadImages } from './prepare.mjs';

const task = JSON.parse(process.argv[2]);
const threat = { norm: 'linf', eps: task.eps };

/** Two epochs of `steps` steps: the first warms up and fills the memory, the second is measured. */
async function trained() {
  const { data } = await loadImages(task.images, task.steps * task.imagesPerStep);
  const strategy = { 'pgd-10': { name: 'pgd', steps: 10, alpha: task.alpha } }[task.case] ?? task.case;
  const run = train(
    {
      threads: task.threads,
      threat,
      model: task.model,
      train: {
        strategy,
        precision: task.precision,
        batchSize: task.batch,
        epochs: 2,
        crop: task.crop,
        flip: task.flip,
        lr: 0.01,
        validate: { every: 0 },
      },
    },
    { data },
  );
  const epochs = [];
  for await (const event of run)
    if (event.type === 'epoch') epochs.push({ ...event, cpuSeconds: cpuSeconds() });
  const { model, passes, weightGradients } = await run.result;
  const [first, second] = epochs;
  const backward = second.passes.backward - first.passes.backward;
  return {
    images: data.count,
    seconds: second.seconds - first.seconds,
    cpuSeconds: second.cpuSeconds - first.cpuSeconds,
    warmupSeconds: first.seconds,
    passes: {
      forward: second.passes.forward - first.passes.forward,
      backward,
      weightGradients: (backward * weightGradients) / passes.backward,
    },
    flops: model.flops,
  };
}

/** Labels are the network's own predictions, so that every image is attacked. */
async function evaluated() {
  const model = await loadModel(task.weights);
  const { images, data: drawn } = await loadImages(task.images, task.steps * task.imagesPerStep);
  const { batch: batchSize, threads } = task;
  const { predictions, logits } = await model.predict(images, { batchSize, threads });
  const labels = Int32Array.from(predictions, ({ label }) => label);
  const { data } = await loadImages(task.images, drawn.count, { labels });
  drawn.dispose();
  const attackBy = (steps, count) =>
    evaluate(model, data, {
      threat,
      attacks: [pgd({ steps, alpha: task.alpha })],
      count,
      batchSize,
      threads,
      examples: 0,
    });
  const warmup = await attackBy(2, batchSize);
  const started = cpuSeconds();
  const { seconds, passes, robust } = await attackBy(20, data.count);
  return {
    images: data.count,
    seconds,
    cpuSeconds: cpuSeconds() - started,
    warmupSeconds: warmup.seconds,
    passes: { ...passes, weightGradients: 0 },
    flops: model.flops,
    standing: robust.rate,
    logits: logits.reduce((sum, value) => sum + value ** 2, 0) / logits.length,
  };
}

// LibTorch is in memory, as it is in a Python process that has imported torch.
loadBinding();
const startBytes = process.memoryUsage.rss();
const measured = await (task.case === 'pgd-20-evaluation' ? evaluated() : trained());
const peakBytes = process.resourceUsage().maxRSS * 1024;
console.log(JSON.stringify({ ...measured, startBytes, peakBytes }));
