/** Where a split lies: the file itself, or `train.EXT` and `test.EXT` in a folder. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError } from './fileError.ts';
import type { Split } from './source.ts';

/**
 * Null when `path` is a folder without a file for the split.
 * @param extensions with their dots. Errors: `ERR_DATA` for an unreadable path.
 */
export async function splitFile(
  path: string,
  split: Split,
  extensions: readonly string[],
): Promise<string | null> {
  try {
    if (!(await stat(path)).isDirectory()) return path;
  } catch (cause) {
    throw fileError(`a ${extensions[0]} file or a folder`, path, cause);
  }
  for (const extension of extensions) {
    const file = join(path, split + extension);
    const found = await stat(file).catch(() => null);
    if (found) return file;
  }
  return null;
}
