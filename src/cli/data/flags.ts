/** The flags that name a data set, and the splits that they ask for. */
import type { Command } from 'commander';
import { sentence } from '../../config/option.ts';
import type { Layout } from '../../data/layout.ts';
import type { OpenDataOptions } from '../../data/open.ts';
import type { Split } from '../../data/source.ts';
import { SelfgradError } from '../../errors.ts';

/** As commander gives them. */
export interface SourceFlags {
  source: string;
  path?: string;
  size?: [number, number];
  channels?: number;
  images?: string;
  labels?: string;
  layout?: string;
  outside?: boolean;
}

/** Adds them, and `--split` with this default. */
export function addSourceFlags(command: Command, split: string): Command {
  return command
    .option('--source <name>', 'one of the sources of `data list`', 'fashion-mnist-mini')
    .option('--path <path>', 'folder or file of the data')
    .option('--split <name>', 'train, test or both', split)
    .option('--size <HxW>', 'resize to this height and width (image-folder, manifest, parquet)', parseSize)
    .option('--channels <n>', '3: colour, 1: grey (image-folder, manifest, parquet)', Number)
    .option('--images <name>', 'name of the images (npy, npz, safetensors, parquet)')
    .option('--labels <name>', 'name of the labels (npy, npz, safetensors, parquet)')
    .option('--layout <order>', 'nchw or nhwc (npy, npz, safetensors)')
    .option('--outside', 'let a manifest list images outside of its folder');
}

/** What `openData` is asked for, for each split. */
export function eachSplit(flags: SourceFlags & { split: string }): OpenDataOptions[] {
  const { source, path, split, size, channels, images, labels, layout, outside } = flags;
  if (split !== 'both' && split !== 'train' && split !== 'test') {
    throw new SelfgradError('ERR_OPTION', sentence('train, test or both', '--split', split));
  }
  const splits: Split[] = split === 'both' ? ['train', 'test'] : [split];
  // openData refuses other values.
  const given = { channels: channels as 1 | 3 | undefined, layout: layout as Layout | undefined };
  const named = { source, path, size, images, labels, outside };
  return splits.map((one) => ({ ...named, ...given, split: one }));
}

function parseSize(text: string): [number, number] {
  const [, height, width] = /^(\d{1,4})x(\d{1,4})$/.exec(text) ?? [];
  if (height !== undefined && width !== undefined) return [Number(height), Number(width)];
  throw new SelfgradError('ERR_OPTION', sentence('a height and a width such as 32x32', '--size', text));
}
