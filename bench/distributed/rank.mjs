/**
 * One rank of a measured run: trains by the configuration in its first argument, and prints one line of JSON. Rank 0
 * also judges the network, on the images that the second argument says.
 */
import { Dataset, evaluate, openData, pgd, train } from '../../dist/index.js';
import { cpuSeconds } from '../cpuSeconds.mjs';

const config = JSON.parse(process.argv[2]);
const images = Number(process.argv[3]);

const before = cpuSeconds();
const { model, passes, steps, seconds, distributed } = await train(config, { distributed: 'env' }).result;
const trained = { passes, steps, seconds, cpuSeconds: cpuSeconds() - before, ...distributed };

async function judged() {
  if (distributed.rank > 0 || images === 0) return {};
  const test = await Dataset.from(await openData({ ...config.data, split: 'test', limit: images }));
  const attacks = [pgd({ steps: 20 })];
  const { clean, robust } = await evaluate(model, test, {
    threat: config.threat,
    attacks,
    threads: config.threads,
  });
  test.dispose();
  return { clean: clean.correct, robust: robust.correct, images };
}
console.log(JSON.stringify({ ...trained, ...(await judged()) }));
model.dispose();
