/**
 * selfgrad against PyTorch, eager and compiled: one process after the other in rotating order, so that all meet the same
 * machine.
 *   node bench/speed/run.mjs --python PYTHON [--repeats 5] [--threads N] [--networks small,middle,resnet18]
 *     [--cases standard,pgd-10,self-gradient,pgd-20-evaluation] [--precisions float32,bfloat16] [--steps N] [--again]
 *     [--out bench/results/speed.json] [--work runs/speed]
 * Start it again after an interruption: what is done is skipped, unless --again. Images and networks stay in --work.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { machine, versions } from '../../dist/machine.js';
import { writeAtomic } from '../../dist/report/writeAtomic.js';
import { cases, contenders, networks, plan } from './cases.mjs';
import { batch, prepareNetwork, taskOf } from './prepare.mjs';
import { checkEqualWork, summarize } from './summary.mjs';

const text = (value) => ({ type: 'string', default: value });
const { values: flags } = parseArgs({
  options: {
    python: text('python3'),
    repeats: text('5'),
    threads: text(String(availableParallelism())),
    networks: text(Object.keys(networks).join()),
    cases: text(Object.keys(cases).join()),
    precisions: text('float32,bfloat16'),
    steps: { type: 'string' },
    again: { type: 'boolean', default: false },
    out: text('bench/results/speed.json'),
    work: text('runs/speed'),
  },
});
const folder = import.meta.dirname;
const threads = Number(flags.threads);
// The same waiting policy for all: spinning workers measure the neighbours of a shared machine.
const env = { ...process.env, OMP_WAIT_POLICY: 'PASSIVE', OMP_NUM_THREADS: flags.threads };
const output = (command, ...rest) => execFileSync(command, rest, { env, encoding: 'utf8' }).trim();
const torch = output(flags.python, '-c', 'import torch; print(torch.__version__)');
const compiler = output(process.env.CXX ?? 'g++', '--version').split('\n')[0];

const scripts = {
  selfgrad: [process.execPath, 'selfgrad.mjs'],
  eager: [flags.python, 'pytorch.py'],
  compile: [flags.python, 'pytorch.py'],
  peak: [flags.python, 'peak.py'],
};

function measure(name, task) {
  const [command, script] = scripts[name];
  const load = loadavg()[0];
  const printed = output(command, join(folder, script), JSON.stringify({ ...task, contender: name }));
  return { ...JSON.parse(printed.split('\n').at(-1)), load };
}

const known = existsSync(flags.out) ? JSON.parse(readFileSync(flags.out, 'utf8')).results : [];
const results = [...known];
const write = () =>
  writeAtomic(flags.out, `${JSON.stringify({ schema: 'selfgrad.speed/1', results }, null, 1)}\n`);
const wanted = plan({
  networks: flags.networks.split(','),
  cases: flags.cases.split(','),
  precisions: flags.precisions.split(','),
  steps: flags.steps && Number(flags.steps),
});

for (const one of wanted) {
  const evaluation = one.case === 'pgd-20-evaluation';
  const { steps, ...key } = one;
  const id = Object.values(key).join(' ');
  const settings = {
    ...networks[one.network],
    steps,
    batch,
    threads,
    machine: machine(threads),
    versions: { ...versions(), torch, compiler },
  };
  let place = results.findIndex((result) =>
    Object.entries(key).every(([name, value]) => result[name] === value),
  );
  if (place === -1) place = results.length;
  const same = JSON.stringify(results[place]?.settings) === JSON.stringify(settings);
  const result =
    same && !flags.again
      ? results[place]
      : { ...key, settings, at: new Date().toISOString(), repetitions: [] };
  if (result.repetitions.length >= Number(flags.repeats)) continue;
  const task = {
    ...taskOf(one, threads, flags.work),
    ...(evaluation && { weights: await prepareNetwork(flags.work, one.network, threads) }),
  };
  for (let i = result.repetitions.length; i < Number(flags.repeats); i++) {
    const names = [...contenders, 'peak'];
    const order = names.map((_, k) => names[(i + k) % names.length]);
    const repetition = Object.fromEntries(order.map((name) => [name, measure(name, task)]));
    checkEqualWork(repetition, evaluation);
    result.flops = repetition.selfgrad.flops;
    result.repetitions.push(repetition);
    result.summary = summarize(result);
    results[place] = result;
    await write();
  }
  const { ratios, selfgrad } = result.summary;
  const shown = ({ median, min, max }) => `${median.toFixed(2)} (${min.toFixed(2)} … ${max.toFixed(2)})`;
  console.log(
    `${id.padEnd(36)} ${selfgrad.imagesPerSecond.median.toPrecision(4)} images/s` +
      `  to eager ${shown(ratios.eager.images)}  to compile ${shown(ratios.compile.images)}`,
  );
}
