/** `selfgrad data verify`: reads every image and label, and says what is there. */
import { checkedBatches } from '../../data/checkedBatches.ts';
import { DataHash } from '../../data/dataHash.ts';
import { findDecoded } from '../../data/decodedCache.ts';
import { type OpenDataOptions, openData } from '../../data/open.ts';
import type { Split } from '../../data/source.ts';
import { print } from '../output.ts';
import { printColumns, readingProgress, spaced } from './columns.ts';

export interface Described {
  name: string;
  split: Split;
  count: number;
  /** [channels, height, width] */
  shape: readonly [number, number, number];
  classes: readonly string[];
  note: string | null;
  sha256: string;
}

export interface VerifiedSplit extends Described {
  /** The file of the cache with its decoded images, or null. */
  decoded: string | null;
}

export async function verifySplit(options: OpenDataOptions): Promise<VerifiedSplit> {
  const source = await openData(options);
  const hash = new DataHash();
  let read = 0;
  for await (const batch of checkedBatches(source)) {
    hash.add(batch);
    read += batch.labels.length;
    readingProgress(source.split, read, source.count);
  }
  const { name, split, count, channels, height, width, classes, note } = source;
  const facts = { name, split, count, shape: [channels, height, width] as const, classes, note };
  return { ...facts, sha256: hash.digest(source), decoded: await findDecoded(source) };
}

export function printSplits(splits: readonly (Described & { decoded?: string | null })[]): void {
  const rows = splits.map((split) => [
    split.name,
    split.split,
    spaced(split.count),
    split.shape.join('×'),
    String(split.classes.length),
    split.sha256,
  ]);
  printColumns([['data', 'split', 'images', 'shape', 'classes', 'sha256'], ...rows]);
  for (const note of new Set(splits.map((split) => split.note))) if (note) print(`note  ${note}`);
  for (const { decoded } of splits) if (decoded) print(`decoded  ${decoded}`);
}
