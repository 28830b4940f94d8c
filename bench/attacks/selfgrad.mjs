/** One attack of ours, timed: node selfgrad.mjs TASK -> one line of JSON. Used by run.mjs. */
import { Dataset, loadModel, openData } from '../../dist/index.js';
import { runCascade } from '../cascade.mjs';
import { cpuSeconds } from '../cpuSeconds.mjs';

const { file, source, path, count, attack, threat, threads } = JSON.parse(process.argv[2]);
const model = await loadModel(file);
const data = await Dataset.from(await openData({ source, path, split: 'test', limit: count }));
const started = cpuSeconds();
const { native, result } = await runCascade(model, data, [attack], {
  origin: 'bench/attacks',
  threat,
  count,
  threads,
});
const measured = { cpuSeconds: cpuSeconds() - started, robust: result.robust, passes: result.passes };
console.log(JSON.stringify({ ...measured, attacks: native.map(({ name }) => name) }));
