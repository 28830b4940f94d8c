/**
 * Runs the comparison of a plan, judges every network and draws what there is:
 *   node bench/claims/run.mjs --path FOLDER [--source cifar10] [--note TEXT] [--threads 1] [--workers 2]
 *     [--stage screen] [--network small] [--methods a,b] [--budgets 12] [--rates 0.1] [--seeds 0]
 *     [--attacks PGD-20,CW-20]
 *     [--plan bench/claims/plan.mjs] [--out bench/results/claims] [--work runs/claims]
 * Start it again after an interruption, or several times at once: what is done is skipped, what another process works
 * on is left to it. Models and checkpoints stay in `--work`, so that an attack which the plan's judge gets later is
 * run on the same networks.
 */
import { spawn } from 'node:child_process';
import { loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { resolveThreads } from '../../dist/config/device.js';
import { resolveConfig } from '../../dist/config/resolve.js';
import { Dataset, openData } from '../../dist/index.js';
import { machine, versions } from '../../dist/machine.js';
import { unpackBits } from './bits.mjs';
import { codeCommit } from './commit.mjs';
import { draw } from './draw.mjs';
import { judge } from './judge.mjs';
import { takeLock } from './lock.mjs';
import { readRow, readRows, rowsOf, writeRow } from './rows.mjs';
import { bestRate } from './summary.mjs';
import { trainRow } from './trainRow.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const list = { type: 'string' };
const { values: flags } = parseArgs({
  options: {
    source: { type: 'string', default: 'cifar10' },
    path: { type: 'string' },
    note: { type: 'string' },
    threads: { type: 'string', default: 'auto' },
    workers: { type: 'string', default: '1' },
    stage: list,
    network: list,
    methods: list,
    budgets: list,
    rates: list,
    seeds: list,
    attacks: list,
    plan: { type: 'string', default: join(here, 'plan.mjs') },
    out: { type: 'string', default: join(here, '..', 'results', 'claims') },
    work: { type: 'string', default: join('runs', 'claims') },
  },
});
const { plan } = await import(pathToFileURL(resolve(flags.plan)));
const only = Object.fromEntries(
  ['methods', 'budgets', 'rates', 'seeds'].map((name) => [name, flags[name]?.split(',')]),
);
only.networks = flags.network?.split(',');
const stages = plan.stages.filter(({ name }) => !flags.stage || flags.stage.split(',').includes(name));
// Taken once: the checkout may move on while this process runs what it loaded.
const code = { ...versions(), commit: codeCommit() };
const threads = resolveThreads(flags.threads === 'auto' ? 'auto' : Number(flags.threads));
const attacks = Object.entries(plan.judge.attacks).filter(
  ([name]) => !flags.attacks || flags.attacks.split(',').includes(name),
);
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop.abort(new Error(signal)));

/** Reads one split into memory; the same set serves every row. */
async function load(split, limit = null) {
  const source = await openData({ source: flags.source, path: flags.path ?? null, split });
  return Dataset.from(source, { limit, signal: stop.signal });
}

const isDone = (row) =>
  row !== null && (row.failure || attacks.every(([name]) => row.outcomes?.attacks[name] !== undefined));

/** Does what is left of a row, writing it after each part. */
async function work(row, data) {
  const log = (text) => console.error(`${new Date().toISOString()} ${row.id}: ${text}`);
  const { config } = resolveConfig([{ origin: row.id, values: { ...row.input, threads } }]);
  const known = readRow(flags.out, row);
  const { train, test } = data;
  if (known && (known.data.trainSha256 !== train.sha256 || known.data.testSha256 !== test.sha256))
    throw new Error(`${row.id} was measured on other images: give --out another folder.`);
  const loadBefore = loadavg()[0];
  const out = join(flags.work, row.id);
  const trained = await trainRow(config, train, { out, signal: stop.signal, log }).catch((error) => {
    if (error.code !== 'ERR_NUMERIC') throw error;
    return { failure: error.message };
  });
  const { model, ...cost } = trained;
  // A known row keeps what it was trained with, whatever judges it now.
  const now = known ?? {
    schema: 'selfgrad.claim/1',
    ...row,
    config: { model: config.model, threat: config.threat, train: config.train },
    data: {
      name: train.name,
      note: flags.note ?? train.note,
      trainCount: train.count,
      trainSha256: train.sha256,
      testSha256: test.sha256,
    },
    versions: code,
    machine: machine(threads),
  };
  if (!model) {
    log(cost.failure);
    return writeRow(flags.out, { ...now, failure: cost.failure });
  }
  try {
    now.parameters = model.parameterCount;
    now.flops = model.flops;
    // Seconds are those of a machine that may have had other work: its load stands beside them.
    now.train ??= { ...cost, load: [loadBefore, loadavg()[0]], at: new Date().toISOString() };
    now.outcomes ??= { count: plan.judge.count, attacks: {} };
    for (const [name, steps] of attacks) {
      if (now.outcomes.attacks[name]) continue;
      const { clean, ...outcome } = await judge(model, test, steps, {
        threat: config.threat,
        count: plan.judge.count,
        threads,
        signal: stop.signal,
      });
      now.outcomes.clean = clean;
      now.outcomes.attacks[name] = { ...outcome, versions: code };
      await writeRow(flags.out, now);
    }
    const percent = (bits) => {
      const kept = unpackBits(bits, plan.judge.count);
      return ((100 * kept.filter(Boolean).length) / kept.length).toFixed(2);
    };
    const robust = Object.entries(now.outcomes.attacks).map(
      ([name, { robust }]) => `${name} ${percent(robust)}`,
    );
    console.log(
      `${row.id}  clean ${percent(now.outcomes.clean)}  ${robust.join('  ')}  ${cost.seconds.toFixed(0)} s`,
    );
  } finally {
    model.dispose();
  }
}

/** Takes rows until every row of the stage is done, by this process or by another. */
async function runStage(stage, data) {
  const { decides } = plan.judge;
  const best = (...row) => bestRate(readRows(flags.out), decides, ...row);
  const rows = rowsOf(plan, stage, only, best);
  for (let left = rows; left.length > 0; left = left.filter((row) => !isDone(readRow(flags.out, row)))) {
    let worked = false;
    for (const row of left) {
      if (isDone(readRow(flags.out, row))) continue;
      const release = takeLock(join(flags.work, `${row.id}.lock`));
      if (!release) continue;
      try {
        // Another process may have finished it since.
        if (!isDone(readRow(flags.out, row))) await work(row, data);
      } finally {
        release();
      }
      worked = true;
    }
    if (!worked) await sleep(5000, undefined, { signal: stop.signal });
  }
}

const workers = Array.from({ length: Number(flags.workers) - 1 }, () =>
  spawn(process.execPath, [...process.argv.slice(1), '--workers', '1'], { stdio: 'inherit' }),
);
const ended = workers.map((worker) => new Promise((done) => worker.once('close', done)));
try {
  const data = { train: await load('train'), test: await load('test', plan.judge.count) };
  for (const stage of stages) await runStage(stage, data);
} catch (error) {
  if (!stop.signal.aborted) throw error;
  console.error('interrupted: start the same command again to go on');
  process.exitCode = 130;
} finally {
  if (stop.signal.aborted) for (const worker of workers) worker.kill('SIGTERM');
  await Promise.all(ended);
}
if (!stop.signal.aborted && readRows(flags.out).length > 0) draw(plan, flags.out);
