/** `selfgrad inspect`: what a model or checkpoint file holds, without loading its weights. */
import { Command } from 'commander';
import type { NativeTensorFile } from '../../native/binding.ts';
import { loadBinding } from '../../native/load.ts';
import { grouped } from '../../report/format.ts';
import { modelFile } from '../../runFiles.ts';
import { print, printJson } from '../output.ts';

function size({ shape }: NativeTensorFile['tensors'][number]): number {
  return shape.reduce((product, length) => product * length, 1);
}

function render(path: string, { metadata, tensors }: NativeTensorFile): string {
  const keys = Object.keys(metadata).sort();
  const keyWidth = Math.max(0, ...keys.map((key) => key.length));
  const nameWidth = Math.max(0, ...tensors.map(({ name }) => name.length));
  const dtypeWidth = Math.max(0, ...tensors.map(({ dtype }) => dtype.length));
  return [
    path,
    ...keys.map((key) => `  ${key.padEnd(keyWidth)}  ${metadata[key]}`),
    `${tensors.length} tensors, ${grouped(tensors.reduce((sum, tensor) => sum + size(tensor), 0))} values`,
    ...tensors.map(
      (t) => `  ${t.name.padEnd(nameWidth)}  ${t.dtype.padEnd(dtypeWidth)}  [${t.shape.join(', ')}]`,
    ),
  ].join('\n');
}

/** The command `selfgrad inspect`. */
export function inspectCommand(): Command {
  return new Command('inspect')
    .description('metadata and tensors of a model or checkpoint')
    .argument('<file>', 'model.safetensors, checkpoint.safetensors or a run directory')
    .option('--json', 'one JSON document on stdout')
    .action((file: string, { json }: { json?: boolean }) => {
      const path = modelFile(file);
      const contents = loadBinding().inspect({ path });
      if (json) printJson({ schema: 'selfgrad.tensors/1', path, ...contents });
      else print(render(path, contents));
    });
}
