/** A list of JPEG or PNG images with their labels: CSV, or JSON Lines. */
import { basename, dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import { SelfgradError } from '../errors.ts';
import { readClassNames } from './classNames.ts';
import { type ImageFile, openImageFiles } from './imageFiles.ts';
import { maxLabel, namesUpTo } from './labels.ts';
import { type ManifestRow, readManifest } from './readManifest.ts';
import type { Source, Split } from './source.ts';
import { splitFile } from './splitFile.ts';

export interface ManifestOptions {
  /** `FILE.csv` or `FILE.jsonl`, or a folder with one for each split, `train.csv` and `test.csv`. */
  path: string;
  /** Defaults to `train`. */
  split?: Split;
  /** [height, width] to resize every image to. Defaults to null: all images must have the size of the first. */
  size?: readonly [number, number] | null;
  /** 3: colour, 1: grey; images of the other kind are converted. Defaults to 3. */
  channels?: 1 | 3;
  /** Whether images may lie outside of the manifest's folder. Defaults to false. */
  outside?: boolean;
}

const extensions = ['.csv', '.jsonl'];

/**
 * Opens a manifest with `path`, `label` and, for both splits in one file, `split`; images keep its order. Labels are
 * names of classes (sorted, of both splits), or all are numbers from 0.
 * Errors: `ERR_DATA` and `ERR_LABEL` with file and line, `ERR_PEER` when sharp is not installed.
 */
export async function openManifest(options: ManifestOptions): Promise<Source> {
  const { path, split = 'train', size = null, channels = 3, outside = false } = options;
  const file = await splitFile(path, split, extensions);
  if (file === null) throw noManifest(path, split);
  const rows = await readManifest(file);
  const other = await splitFile(path, split === 'train' ? 'test' : 'train', extensions);
  const all = other === null || other === file ? rows : [...rows, ...(await readManifest(other))];
  const inSplit = rows.filter((row) => row.split === null || row.split === split);
  if (inSplit.length === 0) throw noManifest(file, split);
  const folder = dirname(file);
  const classes = (await readClassNames(folder)) ?? classesOf(all);
  const places = new Map(classes.map((name, label) => [name, label]));
  const files = inSplit.map((row): ImageFile => {
    const image = resolve(folder, row.path);
    if (!outside) requireInside(folder, image, row);
    return { path: image, label: labelOf(row, classes, places), listed: row.place };
  });
  const skipped = rows.filter((row) => row.split === 'val').length;
  const notes = [
    ...(other === file && rows[0]?.split === null
      ? ['no column split: both splits are the same images']
      : []),
    ...(skipped > 0 ? [`${skipped} rows of a validation split left out`] : []),
  ];
  return openImageFiles({ name: basename(resolve(path)), split, files, classes, notes, size, channels });
}

/** Names sorted by code unit; where every label is a number, the numbers up to the highest. */
function classesOf(rows: readonly ManifestRow[]): string[] {
  const [first] = rows;
  if (!first) return [];
  // One misspelt number would otherwise turn all numbers into names, in another order.
  const odd = rows.find(({ label }) => isNumber(label) !== isNumber(first.label));
  if (odd) {
    throw new SelfgradError(
      'ERR_LABEL',
      `Expected ${isNumber(first.label) ? 'a number' : 'a name'} for the label in ${odd.place}, as before, but received ${odd.label}.`,
      { fix: 'Write names or numbers throughout, or list the classes in classes.txt.' },
    );
  }
  if (!isNumber(first.label)) return [...new Set(rows.map(({ label }) => label))].sort();
  const highest = rows.reduce((most, { label }) => Math.max(most, Number(label)), 0);
  // Those beyond are refused with their line.
  return namesUpTo(Math.min(highest, maxLabel));
}

function labelOf({ label, place }: ManifestRow, classes: string[], places: Map<string, number>): number {
  const found = places.get(label) ?? (isNumber(label) ? Number(label) : classes.length);
  if (found < classes.length) return found;
  throw new SelfgradError(
    'ERR_LABEL',
    `Expected one of the ${classes.length} classes (${classes.slice(0, 12).join(', ')}${classes.length > 12 ? ', …' : ''}) for the label in ${place} but received ${label}.`,
    { fix: 'Correct the label or classes.txt.' },
  );
}

function isNumber(label: string): boolean {
  return /^(0|[1-9]\d*)$/.test(label);
}

function requireInside(folder: string, image: string, { path, place }: ManifestRow): void {
  const way = relative(folder, image);
  if (!isAbsolute(path) && !isAbsolute(way) && way !== '..' && !way.startsWith(`..${sep}`)) return;
  throw new SelfgradError(
    'ERR_DATA',
    `Expected a path inside of the manifest's folder in ${place} but received ${path}.`,
    { fix: 'Set data.outside=true if you trust the manifest.' },
  );
}

function noManifest(path: string, split: Split): SelfgradError {
  return new SelfgradError(
    'ERR_DATA',
    `Expected images of the ${split} split in ${path} but received none.`,
    {
      fix: 'Give one manifest with a column split, or a folder with train.csv and test.csv (or .jsonl).',
    },
  );
}
