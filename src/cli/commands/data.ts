/** `selfgrad data`: which sources there are, fetching them, whether a data set is whole, and what it holds. */
import { Command } from 'commander';
import { sentence } from '../../config/option.ts';
import { checkedBatches } from '../../data/checkedBatches.ts';
import { DataHash } from '../../data/dataHash.ts';
import { Dataset } from '../../data/dataset.ts';
import { fetchData } from '../../data/fetch/fetchData.ts';
import { publishedSets } from '../../data/fetch/published.ts';
import type { Layout } from '../../data/layout.ts';
import { dataSources, type OpenDataOptions, openData } from '../../data/open.ts';
import type { Split } from '../../data/source.ts';
import { SelfgradError } from '../../errors.ts';
import { withDownloadProgress } from '../downloadProgress.ts';

/** As commander gives them. */
interface DataFlags {
  source: string;
  path?: string;
  split: string;
  size?: [number, number];
  channels?: number;
  images?: string;
  labels?: string;
  layout?: string;
  outside?: boolean;
  json: boolean;
}

interface FetchFlags {
  out?: string;
  url?: string;
  offline?: boolean;
  json: boolean;
}

interface VerifiedSplit {
  name: string;
  split: Split;
  count: number;
  /** [channels, height, width] */
  shape: readonly [number, number, number];
  classes: readonly string[];
  note: string | null;
  sha256: string;
}

interface SplitStatistics extends VerifiedSplit {
  classCounts: readonly number[];
  /** Of each channel, pixels in [0, 1]. */
  mean: number[];
  std: number[];
}

/** The command with its subcommands. */
export function dataCommand(): Command {
  const command = new Command('data').description('list, fetch, verify and describe data sets');
  command
    .command('list')
    .description('the sources and what each needs')
    .option('--json', 'print one JSON document', false)
    .action(({ json }: { json: boolean }) => {
      if (json) printJson('selfgrad.data-list/1', { sources: dataSources });
      else print([['source', 'what it is', 'data.path holds'], ...dataSources.map(sourceRow)]);
    });
  withDataFlags(command.command('verify'))
    .description('read every image and label, and print counts and fingerprint')
    .action(async (flags: DataFlags) => {
      const splits: VerifiedSplit[] = [];
      for (const options of eachSplit(flags)) splits.push(await verify(options));
      if (flags.json) printJson('selfgrad.data-verify/1', { splits });
      else printSplits(splits);
    });
  withDataFlags(command.command('stats'))
    .description('images of each class, mean and standard deviation of each channel')
    .action(async (flags: DataFlags) => {
      const splits: SplitStatistics[] = [];
      for (const options of eachSplit(flags)) splits.push(await describe(options));
      if (flags.json) printJson('selfgrad.data-stats/1', { splits });
      else printStatistics(splits);
    });
  command
    .command('fetch')
    .description('fetch a published data set, checked by SHA-256; nothing to do when it is there')
    .argument('<name>', `one of ${publishedSets.map(({ name }) => name).join(', ')}`)
    .option(
      '--out <folder>',
      "folder for it (default: in the user's cache, where the source of its name looks)",
    )
    .option('--url <address>', 'https address of a mirror: the folder of the same files')
    .option('--offline', 'fail rather than use the network')
    .option('--json', 'print one JSON document', false)
    .action(fetchSet);
  return command;
}

async function fetchSet(name: string, { json, ...flags }: FetchFlags): Promise<void> {
  const done = await withDownloadProgress(name, (onProgress) => fetchData(name, { ...flags, onProgress }));
  if (json) printJson('selfgrad.data-fetch/1', done);
  else
    process.stdout.write(
      `${done.name} is in ${done.folder}${done.fetched ? '' : ' (it was there already)'}\n`,
    );
}

function withDataFlags(command: Command): Command {
  return command
    .option('--source <name>', 'one of the sources of `data list`', 'fashion-mnist-mini')
    .option('--path <path>', 'folder or file of the data')
    .option('--split <name>', 'train, test or both', 'both')
    .option('--size <HxW>', 'resize to this height and width (image-folder, manifest, parquet)', parseSize)
    .option('--channels <n>', '3: colour, 1: grey (image-folder, manifest, parquet)', Number)
    .option('--images <name>', 'name of the images (npy, npz, safetensors, parquet)')
    .option('--labels <name>', 'name of the labels (npy, npz, safetensors, parquet)')
    .option('--layout <order>', 'nchw or nhwc (npy, npz, safetensors)')
    .option('--outside', 'let a manifest list images outside of its folder')
    .option('--json', 'print one JSON document', false);
}

function parseSize(text: string): [number, number] {
  const [, height, width] = /^(\d{1,4})x(\d{1,4})$/.exec(text) ?? [];
  if (height !== undefined && width !== undefined) return [Number(height), Number(width)];
  throw new SelfgradError('ERR_OPTION', sentence('a height and a width such as 32x32', '--size', text));
}

function eachSplit({ json: _, split, channels, layout, ...rest }: DataFlags): OpenDataOptions[] {
  if (split !== 'both' && split !== 'train' && split !== 'test') {
    throw new SelfgradError('ERR_OPTION', sentence('train, test or both', '--split', split));
  }
  const splits: Split[] = split === 'both' ? ['train', 'test'] : [split];
  // openData refuses other values.
  const given = { ...rest, channels: channels as 1 | 3 | undefined, layout: layout as Layout | undefined };
  return splits.map((one) => ({ ...given, split: one }));
}

async function verify(options: OpenDataOptions): Promise<VerifiedSplit> {
  const source = await openData(options);
  const hash = new DataHash();
  let read = 0;
  for await (const batch of checkedBatches(source)) {
    hash.add(batch);
    read += batch.labels.length;
    progress(source.split, read, source.count);
  }
  const { name, split, count, channels, height, width, classes, note } = source;
  return { name, split, count, shape: [channels, height, width], classes, note, sha256: hash.digest(source) };
}

async function describe(options: OpenDataOptions): Promise<SplitStatistics> {
  const source = await openData(options);
  const onProgress = (read: number, count: number) => progress(source.split, read, count);
  using dataset = await Dataset.from(source, { onProgress });
  const { name, split, count, shape, classes, classCounts, note, sha256 } = dataset;
  return { name, split, count, shape, classes, note, sha256, classCounts, ...dataset.native.statistics() };
}

/** Redraws one line on a terminal and erases it at the end; says nothing elsewhere. */
function progress(split: Split, read: number, count: number): void {
  if (!process.stderr.isTTY) return;
  const line = `reading ${split} ${spaced(read)} of ${spaced(count)}`;
  process.stderr.write(read < count ? `\r${line}` : `\r${' '.repeat(line.length)}\r`);
}

function sourceRow({ name, description, needs }: (typeof dataSources)[number]): string[] {
  return [name, description, needs ?? '(none)'];
}

function printSplits(splits: VerifiedSplit[]): void {
  const rows = splits.map((split) => [
    split.name,
    split.split,
    spaced(split.count),
    split.shape.join('×'),
    String(split.classes.length),
    split.sha256,
  ]);
  print([['data', 'split', 'images', 'shape', 'classes', 'sha256'], ...rows]);
  for (const note of new Set(splits.map((split) => split.note)))
    if (note) process.stdout.write(`note  ${note}\n`);
}

function printStatistics(splits: SplitStatistics[]): void {
  printSplits(splits);
  const titles = splits.map((split) => split.split);
  const classes = splits[0]?.classes ?? [];
  const counts = classes.map((name, label) => [
    name,
    ...splits.map((split) => spaced(split.classCounts[label] ?? 0)),
  ]);
  process.stdout.write('\n');
  print([['class', ...titles], ...counts]);
  const fixed = (values: number[]) => values.map((value) => value.toFixed(4)).join(' ');
  process.stdout.write('\n');
  print([
    ['pixels in [0, 1]', ...titles],
    ['mean', ...splits.map((split) => fixed(split.mean))],
    ['std', ...splits.map((split) => fixed(split.std))],
  ]);
}

function printJson(schema: string, content: object): void {
  process.stdout.write(`${JSON.stringify({ schema, ...content }, null, 2)}\n`);
}

/** Columns as wide as their widest cell; a column of numbers is aligned to the right. */
function print(rows: string[][]): void {
  const columns = (rows[0] ?? []).map((_, column) => rows.map((row) => row[column] ?? ''));
  const widths = columns.map((cells) => Math.max(...cells.map((cell) => cell.length)));
  const numeric = columns.map((cells) => cells.slice(1).every((cell) => /^[\d ]+$/.test(cell)));
  for (const row of rows) {
    const cells = row.map((cell, i) =>
      numeric[i] ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0),
    );
    process.stdout.write(`${cells.join('  ').trimEnd()}\n`);
  }
}

/** 10000 → `10 000` */
function spaced(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ' ');
}
