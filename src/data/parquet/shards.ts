/** Which Parquet files hold a split, named as Hugging Face names them. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SelfgradError } from '../../errors.ts';
import { fileError } from '../fileError.ts';
import type { Split } from '../source.ts';

export interface Shards {
  /** In the order of the rows. */
  files: string[];
  /** The split's name in the files; null where one file serves both splits. */
  name: string | null;
}

/** A test split by other names, where there is none of its own. */
const substitutes = ['validation', 'valid', 'val'];

/**
 * `path` itself, or in it or its folder `data`: `train-00000-of-00002.parquet` …, `train.parquet`, or the files of the
 * folder `train`. Null where the split is missing. Errors: `ERR_DATA` for shards that are missing.
 */
export async function findShards(path: string, split: Split): Promise<Shards | null> {
  try {
    if (!(await stat(path)).isDirectory()) return { files: [path], name: null };
  } catch (cause) {
    throw fileError('a .parquet file or a folder', path, cause);
  }
  for (const name of split === 'test' ? [split, ...substitutes] : [split]) {
    for (const folder of [path, join(path, 'data')]) {
      const files = await shardsOf(folder, name);
      if (files.length > 0) return { files, name };
    }
  }
  return null;
}

async function shardsOf(folder: string, name: string): Promise<string[]> {
  const found = await parquetFiles(folder);
  const single = found.filter((file) => file === `${name}.parquet`);
  const inner = (await parquetFiles(join(folder, name))).map((file) => join(name, file));
  const numbered = found.flatMap((file) => {
    const match = /^(.+)-(\d{5})-of-(\d{5})(?:-[\da-f]+)?\.parquet$/.exec(file);
    return match?.[1] === name ? [{ file, index: Number(match[2]), total: Number(match[3]) }] : [];
  });
  const total = numbered[0]?.total ?? 0;
  const missing = numbered.findIndex((shard, i) => shard.index !== i || shard.total !== total);
  if (missing !== -1 || numbered.length !== total) {
    throw new SelfgradError(
      'ERR_DATA',
      `Expected ${total} shards of the split ${name} in ${folder} but received ${numbered.length}, without number ${missing === -1 ? numbered.length : missing}.`,
      { fix: 'Download those that are missing.' },
    );
  }
  const sets = [numbered.map(({ file }) => file), single, inner];
  return (sets.find((files) => files.length > 0) ?? []).map((file) => join(folder, file));
}

/** Sorted; none where there is no such folder. */
async function parquetFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => name.endsWith('.parquet')).sort();
}
