/** Names of classes for formats that hold only numbers: the lines of `classes.txt` beside the data. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError } from './fileError.ts';

/** Null when there is no `classes.txt`. Errors: `ERR_DATA`. */
export async function readClassNames(folder: string): Promise<string[] | null> {
  const path = join(folder, 'classes.txt');
  try {
    const lines = (await readFile(path, 'utf8')).split(/\r?\n/).map((line) => line.trim());
    return lines.filter((line) => line !== '');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw fileError('a readable list of class names', path, cause);
  }
}
