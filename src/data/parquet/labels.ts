/** The names of classes of Parquet files: written into them by Hugging Face's `datasets`, or in `classes.txt`. */
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SelfgradError } from '../../errors.ts';
import { readClassNames } from '../classNames.ts';
import { maxLabel, namesUpTo } from '../labels.ts';
import type { ParquetColumn, ParquetFile } from './file.ts';
import { columnValues } from './pages.ts';

interface Features {
  info?: { features?: Record<string, { _type?: unknown; names?: unknown } | null> };
}

/** The names of the column `label`, or null where the file has none. */
export function classLabelNames({ metadata }: ParquetFile, label: string): string[] | null {
  let features: Features | null;
  try {
    features = JSON.parse(metadata.get('huggingface') ?? 'null') as Features | null;
  } catch {
    return null;
  }
  const feature = features?.info?.features?.[label];
  const names = feature?._type === 'ClassLabel' ? feature.names : null;
  return Array.isArray(names) && names.every((name) => typeof name === 'string') ? names : null;
}

/**
 * Of `classes.txt`, of the files, or numbers up to the highest label of all of them.
 * @param files of both splits: they must agree on the classes
 */
export async function parquetClasses(
  path: string,
  files: readonly ParquetFile[],
  labelOf: (file: ParquetFile) => ParquetColumn,
): Promise<string[]> {
  const listed = await readClassNames((await stat(path)).isDirectory() ? path : dirname(path));
  if (listed) return listed;
  const [first] = files;
  const names = files.map((file) => classLabelNames(file, labelOf(file).name));
  const odd = names.findIndex((list) => JSON.stringify(list) !== JSON.stringify(names[0]));
  if (odd !== -1) {
    throw new SelfgradError(
      'ERR_DATA',
      `Expected the classes of ${first?.path} in ${files[odd]?.path} but received ${names[odd]?.join(', ').slice(0, 80) ?? 'none'}.`,
      { fix: 'Give files of one data set, or list the classes in classes.txt.' },
    );
  }
  if (names[0]) return names[0];
  let highest = 0;
  for (const file of files) {
    for await (const values of columnValues(file, labelOf(file)))
      for (const value of values) highest = Math.max(highest, Math.min(Number(value), maxLabel));
  }
  return namesUpTo(highest);
}
