/**
 * selfgrad against PyTorch eager, one process after the other in turn, so that both meet the same machine.
 *   node bench/throughput/run.mjs --python PYTHON [--repeats 5] [--threads 2] [--out bench/results/throughput.json]
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values: flags } = parseArgs({
  options: {
    python: { type: 'string', default: 'python3' },
    repeats: { type: 'string', default: '5' },
    threads: { type: 'string', default: String(availableParallelism()) },
    out: { type: 'string', default: 'bench/results/throughput.json' },
    cases: {
      type: 'string',
      default: 'standard:float32,self-gradient:float32,pgd:float32,self-gradient:bfloat16',
    },
  },
});
const folder = import.meta.dirname;
const stepsOf = { standard: 64, 'self-gradient': 32, pgd: 8 };
// The same waiting policy for both: spinning workers measure the neighbours of a shared machine.
const env = { ...process.env, OMP_WAIT_POLICY: 'PASSIVE' };
const measure = (command, script, ...rest) =>
  Number(execFileSync(command, [join(folder, script), ...rest], { env, encoding: 'utf8' }));
const sorted = (list) => [...list].sort((a, b) => a - b);
const median = (list) => sorted(list)[Math.floor(list.length / 2)];

const torch = execFileSync(flags.python, ['-c', 'import torch; print(torch.__version__)'], {
  encoding: 'utf8',
}).trim();
const results = [];
for (const [strategy, precision] of flags.cases.split(',').map((text) => text.split(':'))) {
  const rest = [strategy, precision, flags.threads, String(stepsOf[strategy])];
  const pairs = [];
  for (let i = 0; i < Number(flags.repeats); i++) {
    const order = i % 2 === 0 ? ['selfgrad', 'pytorch'] : ['pytorch', 'selfgrad'];
    const pair = {};
    for (const who of order) {
      pair[who] =
        who === 'selfgrad'
          ? measure(process.execPath, 'selfgrad.mjs', ...rest)
          : measure(flags.python, 'pytorch.py', ...rest);
    }
    pairs.push(pair);
  }
  const ratios = pairs.map(({ selfgrad, pytorch }) => selfgrad / pytorch);
  const row = {
    strategy,
    precision,
    steps: stepsOf[strategy],
    selfgrad: median(pairs.map((pair) => pair.selfgrad)),
    pytorch: median(pairs.map((pair) => pair.pytorch)),
    ratio: { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios) },
    pairs,
  };
  results.push(row);
  console.log(
    `${strategy.padEnd(14)} ${precision}  selfgrad ${row.selfgrad.toFixed(0)}  PyTorch ${row.pytorch.toFixed(0)} images/s` +
      `  ratio ${row.ratio.median.toFixed(2)} (${row.ratio.min.toFixed(2)} … ${row.ratio.max.toFixed(2)})`,
  );
}
const document = {
  what: 'training images a second, PreAct ResNet-8 of width 16, batch 128, 32×32×3, whole step with data and optimiser',
  command: `node bench/throughput/run.mjs --threads ${flags.threads} --repeats ${flags.repeats}`,
  machine: { cpu: cpus()[0].model.trim(), cores: availableParallelism(), threads: Number(flags.threads) },
  versions: { node: process.versions.node, torch },
  at: new Date().toISOString(),
  results,
};
writeFileSync(flags.out, `${JSON.stringify(document, null, 2)}\n`);
