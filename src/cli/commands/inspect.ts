/** `selfgrad inspect`: what a model or checkpoint file holds, without loading its weights; or a network to be trained. */
import { existsSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { splitRequest } from '../../config/data.ts';
import { openData } from '../../data/open.ts';
import { SelfgradError } from '../../errors.ts';
import type { NativeLayerCost, NativeTensorFile } from '../../native/binding.ts';
import { loadBinding } from '../../native/load.ts';
import { networkCosts, totalCost } from '../../networkCosts.ts';
import { counted, grouped } from '../../report/format.ts';
import { modelFile } from '../../runFiles.ts';
import { addConfigFlags, addPresetFlag, type ConfigFlags, readConfig } from '../configFlags.ts';
import { print, printJson } from '../output.ts';

type Shape = [number, number, number];
type Flags = ConfigFlags & { json?: boolean; images?: Shape; classes?: number };

function parseShape(text: string): Shape {
  if (/^[1-9]\d{0,4}(x[1-9]\d{0,4}){2}$/.test(text)) return text.split('x').map(Number) as Shape;
  throw new InvalidArgumentError('Expected channels, height and width, as in 3x224x224.');
}

function parseClasses(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text) && Number(text) > 1) return Number(text);
  throw new InvalidArgumentError('Expected an integer >= 2.');
}

function size({ shape }: NativeTensorFile['tensors'][number]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** Cells under each other; numbers to the right. */
function columns(rows: readonly string[][], right: ReadonlySet<number>): string[] {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows.map((row) =>
    `  ${row.map((cell, i) => (right.has(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join('  ')}`.trimEnd(),
  );
}

/** A row for each layer, and their sums. */
function layerLines(layers: readonly NativeLayerCost[]): string[] {
  const { parameters, multiplyAdds } = totalCost(layers);
  const none = (count: number) => (count === 0 ? '' : grouped(count));
  const rows = layers.map((cost) => [
    cost.name,
    cost.kind,
    cost.shape.join('×'),
    none(cost.parameters),
    none(cost.multiplyAdds),
  ]);
  return [
    `${counted(layers.length, 'layer')}, ${grouped(parameters)} parameters, ${grouped(multiplyAdds)} multiply-adds an image`,
    ...columns([['layer', 'kind', 'output', 'parameters', 'multiply-adds'], ...rows], new Set([3, 4])),
  ];
}

function render(path: string, { metadata, tensors, layers, problem }: NativeTensorFile): string {
  const keys = Object.keys(metadata).sort();
  const keyWidth = Math.max(0, ...keys.map((key) => key.length));
  const nameWidth = Math.max(0, ...tensors.map(({ name }) => name.length));
  const dtypeWidth = Math.max(0, ...tensors.map(({ dtype }) => dtype.length));
  return [
    path,
    ...keys.map((key) => `  ${key.padEnd(keyWidth)}  ${metadata[key]}`),
    ...(layers ? layerLines(layers) : []),
    ...(problem ? [`no network: ${problem}`] : []),
    `${tensors.length} tensors, ${grouped(tensors.reduce((sum, tensor) => sum + size(tensor), 0))} values`,
    ...tensors.map(
      (t) => `  ${t.name.padEnd(nameWidth)}  ${t.dtype.padEnd(dtypeWidth)}  [${t.shape.join(', ')}]`,
    ),
  ].join('\n');
}

function inspectFile(file: string, json: boolean | undefined): void {
  const path = modelFile(file);
  const contents = loadBinding().inspect({ path });
  if (json) printJson({ schema: 'selfgrad.tensors/1', path, ...contents });
  else print(render(path, contents));
}

/** The network that a configuration would train, for its own images or for those of the flags. */
async function inspectNetwork(flags: Flags, overrides: string[]): Promise<void> {
  const { config } = await readConfig(flags, overrides);
  const { images, classes } = flags;
  if ((images === undefined) !== (classes === undefined)) {
    throw new SelfgradError('ERR_OPTION', 'Expected both --images and --classes but received one of them.', {
      fix: 'Give both, or neither to take them from the data.',
    });
  }
  const source = images === undefined ? await openData(splitRequest(config, 'train')) : null;
  const shape = images ?? ([source!.channels, source!.height, source!.width] as const);
  const layers = networkCosts(config, shape, classes ?? source!.classes.length);
  if (flags.json) printJson({ schema: 'selfgrad.network/1', images: shape, layers, ...totalCost(layers) });
  else
    print(
      [`${config.model.architecture} for images of ${shape.join('×')}`, ...layerLines(layers)].join('\n'),
    );
}

/** The command `selfgrad inspect`. */
export function inspectCommand(): Command {
  const command = new Command('inspect')
    .description('layers, metadata and tensors of a model or checkpoint; or the network of a configuration')
    .argument(
      '[file]',
      'model.safetensors, checkpoint.safetensors or a run directory; none: a configuration',
    );
  return addPresetFlag(addConfigFlags(command, ['model']))
    .option('--images <CxHxW>', 'of a configuration: shape of the images, instead of the data', parseShape)
    .option('--classes <count>', 'of a configuration: number of classes, instead of the data', parseClasses)
    .option('--json', 'one JSON document on stdout')
    .action(async (file: string | undefined, overrides: string[], flags: Flags) => {
      const first = file?.includes('=') && !existsSync(file) ? [file] : [];
      if (file === undefined || first.length > 0) await inspectNetwork(flags, [...first, ...overrides]);
      else inspectFile(file, flags.json);
    });
}
