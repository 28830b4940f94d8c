/**
 * What each fused kernel gains: selfgrad with all of them against selfgrad without one, in turn.
 *   node bench/speed/levers.mjs [--repeats 5] [--threads 1] [--networks small] [--cases pgd-10,self-gradient]
 *     [--precisions float32,bfloat16] [--out bench/results/levers.json] [--work runs/speed]
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { machine, versions } from '../../dist/machine.js';
import { writeAtomic } from '../../dist/report/writeAtomic.js';
import { plan } from './cases.mjs';
import { taskOf } from './prepare.mjs';
import { spread } from './summary.mjs';

const text = (value) => ({ type: 'string', default: value });
const { values: flags } = parseArgs({
  options: {
    repeats: text('5'),
    threads: text('1'),
    networks: text('small'),
    cases: text('pgd-10,self-gradient'),
    precisions: text('float32,bfloat16'),
    out: text('bench/results/levers.json'),
    work: text('runs/speed'),
  },
});
/** As SELFGRAD_PLAIN names them; `all` turns every one off. */
const levers = ['frozen-network', 'norm-activation', 'projected-step', 'normalize', 'block-cache', 'all'];
const threads = Number(flags.threads);

function cpuSeconds(task, plain) {
  const env = { ...process.env, OMP_WAIT_POLICY: 'PASSIVE', SELFGRAD_PLAIN: plain };
  const script = join(import.meta.dirname, 'selfgrad.mjs');
  const printed = execFileSync(process.execPath, [script, JSON.stringify(task)], { env, encoding: 'utf8' });
  return JSON.parse(printed.trim().split('\n').at(-1)).cpuSeconds;
}

const results = [];
const wanted = plan({
  networks: flags.networks.split(','),
  cases: flags.cases.split(','),
  precisions: flags.precisions.split(','),
});
for (const one of wanted) {
  const task = taskOf(one, threads, flags.work);
  const repetitions = [];
  for (let i = 0; i < Number(flags.repeats); i++) {
    const names = ['', ...levers];
    const order = names.map((_, k) => names[(i + k) % names.length]);
    repetitions.push(Object.fromEntries(order.map((name) => [name || 'fused', cpuSeconds(task, name)])));
  }
  const gains = Object.fromEntries(
    levers.map((name) => [name, spread(repetitions.map((seconds) => seconds[name] / seconds.fused))]),
  );
  results.push({ ...one, gains, repetitions });
  const shown = Object.entries(gains).map(
    ([name, { median, min, max }]) => `${name} ${median.toFixed(2)} (${min.toFixed(2)} … ${max.toFixed(2)})`,
  );
  console.log(`${one.network} ${one.case} ${one.precision}: ${shown.join(', ')}`);
  const document = {
    what: 'CPU seconds of a training step without a kernel, over those with all',
    machine: machine(threads),
    versions: versions(),
    at: new Date().toISOString(),
    results,
  };
  await writeAtomic(flags.out, `${JSON.stringify(document, null, 1)}\n`);
}
