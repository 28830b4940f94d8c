/**
 * The time of our attacks against that of torchattacks, foolbox and the official AutoAttack, in turn.
 *   node bench/attacks/run.mjs --python PYTHON --model NAME=FILE [--model …] --path FOLDER [--source cifar10] [--note TEXT]
 *     [--cases pgd-20,…] [--images N] [--repeats 3] [--threads 1] [--out bench/results/attacks.json] [--work runs/attacks]
 * A process for every measurement; all of a case's contenders follow one another in each repetition, in rotating order.
 * PYTHON and models as for bench/parity. Start it again after an interruption: cases that are done are skipped.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Dataset, loadModel, openData } from '../../dist/index.js';
import { machine, versions } from '../../dist/machine.js';
import { writeAtomic } from '../../dist/report/writeAtomic.js';
import { peerFlags, peerTask, runPeer } from '../parity/peer.mjs';
import { cases } from './cases.mjs';
import { renderAttacks } from './table.mjs';

const text = (value) => ({ type: 'string', default: value });
const { values: flags } = parseArgs({
  options: {
    ...peerFlags,
    cases: text(Object.keys(cases).join(';')),
    images: { type: 'string' },
    repeats: text('3'),
    out: text('bench/results/attacks.json'),
    work: text('runs/attacks'),
  },
});
const threads = Number(flags.threads);

function ours(task, plain) {
  const env = { ...process.env, OMP_WAIT_POLICY: 'PASSIVE', SELFGRAD_PLAIN: plain };
  const script = join(import.meta.dirname, 'selfgrad.mjs');
  const printed = execFileSync(process.execPath, [script, JSON.stringify(task)], { env, encoding: 'utf8' });
  return JSON.parse(printed.trim().split('\n').at(-1));
}

function theirs(peer, task, model, attacks) {
  const found = runPeer(flags.python, peerTask({ ...task, peer, attacks, model }));
  const robust = [...found.stages.at(-1)].filter((flag) => flag === '1').length;
  return { cpuSeconds: found.cpuSeconds, robust, version: found.version, torch: found.torch };
}

const rows = existsSync(flags.out) ? JSON.parse(readFileSync(flags.out, 'utf8')).rows : [];
mkdirSync(flags.work, { recursive: true });
for (const [name, file] of flags.model.map((given) => given.split('='))) {
  const model = await loadModel(file);
  for (const id of flags.cases.split(';')) {
    if (rows.some((row) => row.model.sha256 === model.sha256 && row.case === id)) continue;
    const { attack, threat, peers, levers, images, bfloat16 = false } = cases[id];
    const count = Number(flags.images ?? images);
    const data = await Dataset.from(
      await openData({ source: flags.source, path: flags.path, split: 'test', limit: count }),
    );
    const chosen = data.native.images({ indices: Int32Array.from({ length: count }, (_, i) => i) });
    const pixels = resolve(flags.work, 'images.bin');
    writeFileSync(pixels, chosen.images);
    const own = { file, source: flags.source, path: flags.path, count, attack, threat, threads };
    const { attacks, ...first } = ours(own, '');
    const task = { threat, threads, pixels, labels: [...chosen.labels], weights: resolve(file) };
    const contenders = {
      selfgrad: () => ours(own, ''),
      ...(bfloat16 && {
        'selfgrad, bfloat16': () => ours({ ...own, attack: { ...attack, precision: 'bfloat16' } }, ''),
      }),
      ...Object.fromEntries(levers.map((lever) => [`without ${lever}`, () => ours(own, lever)])),
      ...Object.fromEntries(peers.map((peer) => [peer, () => theirs(peer, task, model.options, attacks)])),
    };
    const names = Object.keys(contenders);
    const repetitions = [];
    for (let i = 0; i < Number(flags.repeats); i++) {
      const order = names.map((_, k) => names[(i + k) % names.length]);
      repetitions.push(Object.fromEntries(order.map((one) => [one, contenders[one]()])));
    }
    rows.push({
      model: { name, sha256: model.sha256, parameters: model.parameterCount },
      data: { name: data.name, sha256: data.sha256, note: flags.note ?? data.note },
      case: id,
      attack,
      threat,
      count,
      passes: first.passes,
      repetitions,
      machine: machine(threads),
      versions: versions(),
      at: new Date().toISOString(),
    });
    await writeAtomic(flags.out, `${JSON.stringify({ schema: 'selfgrad.attacks/1', rows }, null, 1)}\n`);
    await writeAtomic(flags.out.replace(/json$/, 'md'), `${renderAttacks(rows)}\n`);
    console.log(`${name}  ${id}: done`);
    data.dispose();
  }
  model.dispose();
}
