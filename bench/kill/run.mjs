/**
 * kill -9 at random moments, in a training run and in an evaluation: what is resumed must end in the bytes of the
 * run that nothing interrupted.
 *   node bench/kill/run.mjs [--kills 50] [--seed 0] [--out bench/results/kill.json] [--work runs/kill]
 * Start it again after an interruption: it goes on where it was.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { machine, versions } from '../../dist/machine.js';
import { writeAtomic } from '../../dist/report/writeAtomic.js';
import { evaluationJob, killRepeatedly, nothing, start, trainingJob } from './killing.mjs';

const text = (value) => ({ type: 'string', default: value });
const { values: flags } = parseArgs({
  options: {
    kills: text('50'),
    seed: text('0'),
    out: text('bench/results/kill.json'),
    work: text('runs/kill'),
  },
});
const kills = Number(flags.kills);

const training = [
  ...['model.architecture=small-cnn', 'model.width=8', 'threat.eps=0.1', 'threads=1'],
  ...['data.trainCount=512', 'train.batchSize=64', 'train.epochs=160', 'train.validate.every=0'],
];
const evaluation = [
  ...['data.testCount=2000', 'evaluate.saveEvery=20', 'threads=1'],
  'evaluate.attacks=[{name: pgd, steps: 20}, {name: square, queries: 50}]',
];

/** Kills come at random within this share of the uninterrupted run: a start takes about a sixth of it, more on a busy machine. */
const window = 0.3;

mkdirSync(flags.work, { recursive: true });
const document = existsSync(flags.out)
  ? JSON.parse(readFileSync(flags.out, 'utf8'))
  : { schema: 'selfgrad.kill/1', machine: machine(1), versions: versions(), window, jobs: {} };

async function measure(job, options) {
  const row = document.jobs[job.name] ?? { options, seed: Number(flags.seed), ...nothing };
  const save = async (change) => {
    document.jobs[job.name] = Object.assign(row, change);
    await writeAtomic(flags.out, `${JSON.stringify(document, null, 2)}\n`);
  };
  if (row.expected === undefined) {
    const whole = join(flags.work, `${job.name}-whole`);
    rmSync(whole, { recursive: true, force: true });
    const started = performance.now();
    await start(job.next(whole));
    const seconds = Number(((performance.now() - started) / 1000).toFixed(1));
    await save({ uninterruptedSeconds: seconds, expected: job.result(whole) });
  }
  const { expected, seed } = row;
  const windowMs = row.uninterruptedSeconds * 1000 * window;
  const out = join(flags.work, job.name);
  if (row.kills >= kills && row.completed > 0) return;
  const counts = Object.fromEntries(Object.keys(nothing).map((name) => [name, row[name]]));
  await killRepeatedly({ job, out, expected, kills, windowMs, seed, counts, onCounts: save });
}

await measure(trainingJob(training), training);
const model = join(flags.work, 'train-whole/model.safetensors');
await measure(evaluationJob(model, evaluation), evaluation);
for (const [name, { kills, progressed, completed, equal }] of Object.entries(document.jobs)) {
  console.log(
    `${name.padEnd(6)} ${kills} kills, ${progressed} after new progress, ${completed} runs ended, ${equal} with the bytes of the uninterrupted one`,
  );
}
process.exitCode = Object.values(document.jobs).every(({ completed, equal }) => completed === equal) ? 0 : 1;
