/** The examples behind each command's help, in one place: a test parses every one as the command line would. */
import type { Command } from 'commander';

/** By command: lines to type, each with what it is for ('' where the line says it). */
export const examples: Record<string, readonly (readonly [line: string, what: string])[]> = {
  train: [
    ['selfgrad train --preset quickstart', 'the data that ship with the package, under a minute'],
    ['selfgrad train data.source=image-folder data.path=photos data.size=[64,64] --out runs/photos', ''],
    ['selfgrad train -c selfgrad.yaml train.strategy=pgd train.passes=12 --watch', 'with a live page'],
    ['selfgrad train --resume runs/photos', 'go on after an interruption'],
  ],
  eval: [
    ['selfgrad eval runs/photos', 'with the threat and data that it was trained for'],
    ['selfgrad eval runs/photos evaluate.attacks=autoattack evaluate.count=1000 --fail-under robust=0.4', ''],
    ['selfgrad eval model.pt data.source=image-folder data.path=photos threat.eps=4/255', 'from PyTorch'],
    ['selfgrad eval runs/photos --shard 2/8 --out shards/2', 'a part of the images'],
  ],
  merge: [['selfgrad merge shards/1 shards/2 --out runs/photos', '']],
  'sweep run': [
    ['selfgrad sweep run sweep.yaml --out runs/sweep --dry-run', 'list the runs'],
    ['selfgrad sweep run sweep.yaml --out runs/sweep --shard 1/4', 'a quarter of them'],
  ],
  'sweep merge': [['selfgrad sweep merge runs/sweep', '']],
  'sweep template': [['selfgrad sweep template slurm sweep.yaml --out runs/sweep --shards 8 > sweep.sh', '']],
  compare: [['selfgrad compare runs/pgd runs/self-gradient --out compare.html', '']],
  stability: [['selfgrad stability runs/photos stability.count=200 --out runs/photos/stability.json', '']],
  masking: [
    ['selfgrad masking runs/photos --out runs/photos/masking.json', 'for the report'],
    ['selfgrad masking model.pt data.source=image-folder data.path=photos --fail-if-suspect', ''],
  ],
  attack: [['selfgrad attack runs/photos --index 0,5,7 --attack pgd --out attacked', '']],
  report: [
    ['selfgrad report runs/photos', ''],
    ['selfgrad report runs/photos --robustbench robustbench.json', ''],
  ],
  card: [['selfgrad card runs/photos', '']],
  export: [['selfgrad export runs/photos --out model.onnx', '']],
  'data list': [['selfgrad data list', '']],
  'data fetch': [
    ['selfgrad data fetch cifar10', ''],
    ['selfgrad data fetch cifar10 --url https://mirror.example/cifar-10-binary.tar.gz', 'from a mirror'],
  ],
  'data verify': [['selfgrad data verify --source image-folder --path photos --size 64x64', '']],
  'data stats': [['selfgrad data stats --source image-folder --path photos --size 64x64', '']],
  'data preview': [
    ['selfgrad data preview --source image-folder --path photos --size 64x64 --out preview.png', ''],
  ],
  'config print': [['selfgrad config print --preset cifar10-small train.lr=0.1', '']],
  'config init': [
    ['selfgrad config init --preset cifar10-small', 'selfgrad.yaml'],
    ['selfgrad config init selfgrad.config.ts', 'TypeScript, with the options known to the editor'],
  ],
  'config validate': [['selfgrad config validate selfgrad.yaml', '']],
  'config schema': [['selfgrad config schema > selfgrad.schema.json', '']],
  inspect: [
    ['selfgrad inspect runs/photos', ''],
    ['selfgrad inspect --preset cifar10-resnet18', 'parameters and cost of a network, before it is trained'],
  ],
  doctor: [['selfgrad doctor', '']],
  'libtorch install': [
    ['selfgrad libtorch install', ''],
    ['selfgrad libtorch install --offline', 'from what was downloaded before'],
  ],
  'libtorch where': [['selfgrad libtorch where', '']],
  completion: [
    ['source <(npx selfgrad completion bash)', 'in ~/.bashrc'],
    ['selfgrad completion fish > ~/.config/fish/completions/selfgrad.fish', ''],
  ],
};

/** Adds the examples of a command and of those below it to their help. */
export function addExamples(command: Command, words: readonly string[] = []): void {
  for (const child of command.commands) addExamples(child, [...words, child.name()]);
  const lines = examples[words.join(' ')] ?? [];
  if (lines.length === 0) return;
  const width = Math.max(...lines.filter(([, what]) => what !== '').map(([line]) => line.length), 0);
  const shown = lines.map(([line, what]) => (what === '' ? `  ${line}` : `  ${line.padEnd(width)}  ${what}`));
  command.addHelpText('after', `\n${lines.length === 1 ? 'Example' : 'Examples'}:\n${shown.join('\n')}`);
}
