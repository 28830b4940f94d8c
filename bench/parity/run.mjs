/**
 * Verdicts of our attacks against those of torchattacks, foolbox and the official AutoAttack, image by image.
 *   node bench/parity/run.mjs --python PYTHON --model NAME=FILE [--model …] --path FOLDER [--source cifar10] [--note TEXT]
 *     [--count 200] [--cases fgsm,pgd-20,…] [--eps 8/255] [--threads 1] [--again] [--out bench/results/parity.json]
 *     [--work runs/parity]
 * PYTHON imports the peers, from its environment or PYTHONPATH. Models are PreAct ResNets on 3×32×32. Start it again
 * after an interruption: what is done is skipped, unless --again.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Dataset, loadModel, openData } from '../../dist/index.js';
import { machine, versions } from '../../dist/machine.js';
import { writeAtomic } from '../../dist/report/writeAtomic.js';
import { runCascade } from '../cascade.mjs';
import { packBits } from '../claims/bits.mjs';
import { cpuSeconds } from '../cpuSeconds.mjs';
import { cases } from './cases.mjs';
import { compare, stagesOf } from './compare.mjs';
import { peerFlags, peerTask, runPeer } from './peer.mjs';
import { renderParity } from './table.mjs';

const text = (value) => ({ type: 'string', default: value });
const { values: flags } = parseArgs({
  options: {
    ...peerFlags,
    count: text('200'),
    cases: text(Object.keys(cases).join()),
    eps: text('8/255'),
    again: { type: 'boolean', default: false },
    out: text('bench/results/parity.json'),
    work: text('runs/parity'),
  },
});
const threads = Number(flags.threads);

async function ourRun(model, data, attacks, threat, count) {
  const started = cpuSeconds();
  const { config, native, result } = await runCascade(model, data, attacks, {
    origin: 'bench/parity',
    threat,
    count,
    threads,
  });
  const names = native.map(({ name }) => name);
  return {
    names,
    stages: stagesOf(result.brokenBy, names.length),
    cpuSeconds: cpuSeconds() - started,
    passes: result.passes,
    threat: config.threat,
  };
}

const rows = existsSync(flags.out) ? JSON.parse(readFileSync(flags.out, 'utf8')).rows : [];
mkdirSync(flags.work, { recursive: true });

for (const [name, file] of flags.model.map((given) => given.split('='))) {
  const model = await loadModel(file);
  const { sha256 } = model;
  const data = await Dataset.from(
    await openData({ source: flags.source, path: flags.path, split: 'test', limit: Number(flags.count) }),
  );
  for (const id of flags.cases.split(',')) {
    const { attacks, peers, images = Number.POSITIVE_INFINITY } = cases[id];
    const { threat = { norm: 'linf', eps: flags.eps } } = cases[id];
    const { version } = attacks.find(({ name }) => name === 'autoattack') ?? {};
    const count = Math.min(images, data.count);
    let ours;
    for (const peer of peers) {
      const known = rows.findIndex((one) => one.model.name === name && one.case === id && one.peer === peer);
      if (known >= 0 && !flags.again && rows[known].model.sha256 === sha256 && rows[known].count === count)
        continue;
      ours ??= await ourRun(model, data, attacks, threat, count);
      const chosen = data.native.images({ indices: Int32Array.from({ length: count }, (_, i) => i) });
      const pixels = resolve(flags.work, 'images.bin');
      writeFileSync(pixels, chosen.images);
      const theirs = runPeer(
        flags.python,
        peerTask({
          peer,
          attacks: ours.names,
          version,
          pixels,
          labels: [...chosen.labels],
          weights: resolve(file),
          model: model.options,
          threat: ours.threat,
          threads,
        }),
      );
      const row = {
        model: {
          name,
          sha256,
          architecture: model.options.architecture,
          parameters: model.parameterCount,
          strategy: model.metadata.strategy ?? null,
        },
        data: { name: data.name, sha256: data.sha256, note: flags.note ?? data.note },
        case: id,
        peer,
        count,
        settings: { norm: threat.norm, epsText: threat.eps, attacks },
        stages: ours.stages.map((own, i) => {
          const other = [...theirs.stages[i]].map((flag) => flag === '1');
          return {
            attack: ours.names[i],
            ...compare(own, other),
            verdicts: { ours: packBits(own), theirs: packBits(other) },
          };
        }),
        passes: ours.passes,
        cpuSeconds: { ours: ours.cpuSeconds, theirs: theirs.cpuSeconds },
        machine: machine(threads),
        versions: { ...versions(), torch: theirs.torch, peers: { [peer]: theirs.version } },
        at: new Date().toISOString(),
      };
      rows[known >= 0 ? known : rows.length] = row;
      await writeAtomic(flags.out, `${JSON.stringify({ schema: 'selfgrad.parity/1', rows }, null, 1)}\n`);
      await writeAtomic(flags.out.replace(/json$/, 'md'), `${renderParity(rows)}\n`);
      const last = row.stages.at(-1);
      console.log(
        `${name}  ${id}  ${peer}  robust ${last.ours} / ${last.theirs} of ${count}, ${last.onlyWeBroke} only ours, ${last.onlyTheyBroke} only theirs`,
      );
    }
  }
  model.dispose();
  data.dispose();
}
