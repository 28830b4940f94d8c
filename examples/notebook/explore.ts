/**
 * A notebook in one file: each block below is a cell, run from top to bottom. Which training withstands attacks best
 * on these images, at equal cost? `node explore.js [--train-count 2000] [--test-count 500] [--passes 24]`
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Dataset, evaluate, openData, pgd, renderTable, train } from 'selfgrad';

// --- What to try: the figures grow more certain with more images, and every method better with more passes.
const { values } = parseArgs({
  options: {
    'train-count': { type: 'string', default: '2000' },
    'test-count': { type: 'string', default: '500' },
    passes: { type: 'string', default: '24' },
  },
});
const passes = Number(values.passes);
const strategies = ['standard', 'pgd', 'self-gradient'] as const;

// --- The images, read once for all methods.
const source = 'fashion-mnist-mini';
const trainSet = await Dataset.from(await openData({ source, split: 'train' }), {
  limit: Number(values['train-count']),
});
const testSet = await Dataset.from(await openData({ source, split: 'test' }), {
  limit: Number(values['test-count']),
});
console.log(
  `${trainSet.count} images to train, ${testSet.count} to test, ${trainSet.classes.length} classes`,
);

// --- Train each method with as many passes through the network, all at one learning rate. A comparison to publish gives
// each method its own best rate and several seeds: `selfgrad sweep`.
const folder = mkdtempSync(join(tmpdir(), 'explore-'));
const shared = {
  threat: { norm: 'linf', eps: 0.1 },
  model: { architecture: 'small-cnn' },
} as const;
const rows = [];
for (const strategy of strategies) {
  const run = train(
    { ...shared, train: { strategy, passes, lr: 0.05, validate: { every: 0 } } },
    { data: trainSet, out: join(folder, strategy) },
  );
  const { model, seconds } = await run.result;
  // --- Judge it.
  const evaluation = await evaluate(model, testSet, {
    threat: shared.threat,
    attacks: [pgd({ steps: 20, restarts: 1 })],
  });
  rows.push({ strategy, seconds, clean: evaluation.clean, robust: evaluation.robust });
  console.log(`\n${strategy}, ${seconds.toFixed(0)} s`);
  console.log(renderTable(evaluation));
  model.dispose();
}

// --- The result, for a table or a chart elsewhere.
const percent = ({ rate, low, high }: { rate: number; low: number; high: number }) =>
  `${(100 * rate).toFixed(1)} (${(100 * low).toFixed(1)} … ${(100 * high).toFixed(1)})`;
console.table(
  rows.map(({ strategy, clean, robust }) => ({ strategy, clean: percent(clean), robust: percent(robust) })),
);
writeFileSync('explore.json', `${JSON.stringify(rows, null, 2)}\n`);
rmSync(folder, { recursive: true });
trainSet.dispose();
testSet.dispose();
