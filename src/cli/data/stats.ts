/** `selfgrad data stats`: images of each class, means and deviations of the channels, images that occur twice. */
import { Dataset } from '../../data/dataset.ts';
import { imagesPerBatch } from '../../data/decodeBatch.ts';
import { type Duplicates, ImageDigests } from '../../data/duplicates.ts';
import { type OpenDataOptions, openData } from '../../data/open.ts';
import type { Source } from '../../data/source.ts';
import { print } from '../output.ts';
import { printColumns, readingProgress, spaced } from './columns.ts';
import { type Described, printSplits } from './verify.ts';

export interface SplitStatistics extends Described {
  classCounts: readonly number[];
  /** Of each channel, pixels in [0, 1]. */
  mean: number[];
  std: number[];
  /** Images that equal an earlier one of the split. */
  duplicates: Duplicates;
}

export interface DataStatistics {
  splits: SplitStatistics[];
  /** Images of the test split that are also in train; null where not both were read. */
  shared: Duplicates | null;
}

export async function dataStatistics(requests: readonly OpenDataOptions[]): Promise<DataStatistics> {
  const splits: SplitStatistics[] = [];
  const digests: ImageDigests[] = [];
  for (const request of requests) {
    const own = new ImageDigests();
    splits.push(await splitStatistics(await openData({ ...request, cache: true }), own));
    digests.push(own);
  }
  const [train, test] = digests;
  return { splits, shared: train && test ? train.sharedWith(test) : null };
}

async function splitStatistics(source: Source, digests: ImageDigests): Promise<SplitStatistics> {
  const onProgress = (read: number, count: number) => readingProgress(source.split, read, count);
  using dataset = await Dataset.from(source, { onProgress });
  addDigests(dataset, digests);
  const { name, split, count, shape, classes, classCounts, note, sha256 } = dataset;
  const { duplicates } = digests;
  const facts = { name, split, count, shape, classes, note, sha256, classCounts };
  return { ...facts, ...dataset.native.statistics(), duplicates };
}

function addDigests({ native, count, shape }: Dataset, digests: ImageDigests): void {
  const [channels, height, width] = shape;
  const perBatch = imagesPerBatch({ channels, height, width });
  for (let first = 0; first < count; first += perBatch) {
    const n = Math.min(perBatch, count - first);
    const indices = Int32Array.from({ length: n }, (_, i) => first + i);
    digests.add({ ...native.images({ indices }), indices });
  }
}

export function printStatistics({ splits, shared }: DataStatistics): void {
  printSplits(splits);
  const titles = splits.map(({ split }) => split);
  const classes = splits[0]?.classes ?? [];
  const counts = classes.map((name, label) => [
    name,
    ...splits.map((split) => spaced(split.classCounts[label] ?? 0)),
  ]);
  print('');
  printColumns([['class', ...titles], ...counts]);
  const fixed = (values: number[]) => values.map((value) => value.toFixed(4)).join(' ');
  print('');
  printColumns([
    ['pixels in [0, 1]', ...titles],
    ['mean', ...splits.map(({ mean }) => fixed(mean))],
    ['std', ...splits.map(({ std }) => fixed(std))],
  ]);
  print('');
  const column = splits.map(({ duplicates }) => duplicates);
  printColumns([
    ['exact duplicates', ...titles],
    ['of an earlier image', ...column.map(({ count }) => spaced(count))],
    ['with another label', ...column.map(({ conflicting }) => spaced(conflicting))],
    ...(shared ? sharedRows(shared) : []),
  ]);
  for (const line of exampleLines(splits, shared)) print(line);
}

function sharedRows({ count, conflicting }: Duplicates): string[][] {
  return [
    ['of a train image', '', spaced(count)],
    ['with another label', '', spaced(conflicting)],
  ];
}

/** `train: 5 = 17, …`: indices, so that the images can be looked at. */
function exampleLines(splits: readonly SplitStatistics[], shared: Duplicates | null): string[] {
  const pairs = ({ count, examples }: Duplicates) =>
    examples.map(([earlier, later]) => `${earlier} = ${later}`).join(', ') +
    (count > examples.length ? ', …' : '');
  const own = splits.flatMap(({ split, duplicates }) =>
    duplicates.count > 0 ? [`${split}: ${pairs(duplicates)}`] : [],
  );
  return shared && shared.count > 0 ? [...own, `train = test: ${pairs(shared)}`] : own;
}
