/** `selfgrad data preview`: a picture with the first images of each class. */
import { sentence } from '../../config/option.ts';
import { type OpenDataOptions, openData } from '../../data/open.ts';
import { SelfgradError } from '../../errors.ts';
import { writeAtomic } from '../../report/writeAtomic.ts';
import { readingProgress } from './columns.ts';
import { contactSheet, firstOfEachClass, maxRows } from './contactSheet.ts';

export interface Preview {
  file: string;
  name: string;
  split: string;
  /** Classes that are drawn, and those that there are. */
  rows: number;
  classes: number;
  images: number;
}

/** Writes the sheet of one split. Errors: those of the data, `ERR_OPTION`, `ERR_WRITE`. */
export async function previewSplit(
  request: OpenDataOptions,
  perClass: number,
  file: string,
): Promise<Preview> {
  if (!Number.isInteger(perClass) || perClass < 1 || perClass > 100)
    throw new SelfgradError('ERR_OPTION', sentence('an integer in [1, 100]', '--per-class', perClass));
  const source = await openData(request);
  const images = await firstOfEachClass(source, perClass, (read, count) =>
    readingProgress(source.split, read, count),
  );
  await writeAtomic(file, contactSheet(source, images));
  const drawn = images.slice(0, maxRows);
  return {
    file,
    name: source.name,
    split: source.split,
    rows: drawn.length,
    classes: source.classes.length,
    images: drawn.reduce((sum, own) => sum + own.length, 0),
  };
}
