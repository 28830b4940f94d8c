/** Trains the network of one row in a folder of its own, in slices, so that even a killed process loses little. */
import { existsSync, readFileSync } from 'node:fs';
import { loadModel, train } from '../../dist/index.js';
import { runFiles } from '../../dist/runFiles.js';

const sliceMs = 10 * 60_000;
const logEveryMs = 60_000;

/**
 * The trained model and what its training cost. A finished run is read, an interrupted one continued.
 *
 * @returns `model` (the caller disposes of it), steps, passes, weightGradients, seconds, alarms
 */
export async function trainRow(config, data, { out, signal, log }) {
  const files = runFiles(out);
  while (!existsSync(files.model)) {
    // A checkpoint is written when a run is aborted, and an epoch of PGD-10 is long: abort it now and then.
    const slice = AbortSignal.timeout(sliceMs);
    const run = train(config, {
      data,
      out,
      resume: existsSync(files.checkpoint),
      signal: AbortSignal.any([signal, slice]),
    });
    try {
      await follow(run, log);
      (await run.result).model.dispose();
    } catch (error) {
      if (signal.aborted || !slice.aborted) throw error;
    }
  }
  const events = readFileSync(files.events, 'utf8').trim().split('\n').map(JSON.parse);
  const { steps, passes, weightGradients, seconds } = events.findLast(({ completed }) => completed);
  const alarms = events.filter(({ type }) => type === 'alarm').length;
  return { model: await loadModel(out), steps, passes, weightGradients, seconds, alarms };
}

async function follow(run, log) {
  let last = Date.now();
  for await (const event of run) {
    if (event.type !== 'step' || Date.now() - last < logEveryMs) continue;
    last = Date.now();
    log(`step ${event.step} of ${event.steps}, loss ${event.loss.toFixed(3)}, ${event.seconds.toFixed(0)} s`);
  }
}
