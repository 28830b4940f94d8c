/**
 * Fetches a published data set: downloaded and checked beside its place, then renamed into it. Killed at any moment it
 * leaves nothing that is taken for the set, and the next fetch goes on where it stopped.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { copyFile, mkdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { cacheDirectory } from '../../cacheDirectory.ts';
import { didYouMean, oneOf, sentence } from '../../config/option.ts';
import { downloadInto } from '../../download/download.ts';
import { fileSystemFailure } from '../../download/failure.ts';
import { leftovers } from '../../download/leftovers.ts';
import type { InstallProgress } from '../../download/progress.ts';
import { SelfgradError } from '../../errors.ts';
import { packageRoot } from '../../native/packageRoot.ts';
import { type ArchiveEntry, type PublishedSet, publishedSets } from './published.ts';
import { unpackTar } from './unpackTar.ts';

export interface FetchDataOptions {
  /** Defaults to a folder of the user's cache, where the source of the same name looks for it. */
  out?: string | undefined;
  /** A mirror: the folder of the same files at another https address. Defaults to the published one. */
  url?: string | undefined;
  /** Fails rather than use the network. Defaults to false. */
  offline?: boolean | undefined;
  onProgress?: (progress: InstallProgress) => void;
  signal?: AbortSignal | undefined;
}

export interface FetchedData {
  name: string;
  folder: string;
  /** False when it was there already. */
  fetched: boolean;
}

/** Written last into a folder that is whole. */
interface FetchRecord {
  name: string;
  address: string;
  files: ArchiveEntry[];
}

const recordName = 'fetched.json';

/** Where the source `name` looks when it is given no path. */
export function fetchedFolder(name: string): string {
  return join(cacheDirectory({ env: process.env, platform: process.platform }), 'data', name);
}

/** The folder of a set that was fetched into the cache, or null. */
export function findFetched(name: string): string | null {
  const folder = fetchedFolder(name);
  return isWhole(folder) ? folder : null;
}

/**
 * Makes sure that the set `name` lies in its folder.
 * Errors: `ERR_OPTION` (name, address, a folder in use), `ERR_ENVIRONMENT` (network, checksum, disk), `ERR_DATA`.
 */
export function fetchData(name: string, options: FetchDataOptions = {}): Promise<FetchedData> {
  const names = publishedSets.map((set) => set.name);
  const set = publishedSets.find((one) => one.name === name);
  if (set) return fetchSet(set, options);
  throw new SelfgradError('ERR_OPTION', sentence(oneOf(names), 'the data set', name), {
    fix: didYouMean(name, names) ?? 'Others are read from files: `selfgrad data list`.',
  });
}

/** `fetchData` of a set that is described. */
export async function fetchSet(set: PublishedSet, options: FetchDataOptions): Promise<FetchedData> {
  const { name } = set;
  const folder = resolve(options.out ?? fetchedFolder(name));
  if (isWhole(folder)) return { name, folder, fetched: false };
  if (options.offline) {
    throw new SelfgradError(
      'ERR_ENVIRONMENT',
      `${name} is not in ${folder}, and --offline forbids fetching it.`,
      {
        fix: 'Run this once without --offline, or copy the folder from a machine that has it.',
      },
    );
  }
  if (existsSync(folder) && !existsSync(join(folder, recordName)) && readdirSync(folder).length > 0) {
    throw new SelfgradError(
      'ERR_OPTION',
      `Expected a new or empty folder for --out but received ${folder}.`,
      {
        fix: 'Name another: what lies there is not touched.',
      },
    );
  }
  const temporary = `${folder}.tmp-${process.pid}`;
  // Beside the folder, on the same disk, where the next fetch finds what this one has begun.
  const downloads = `${folder}.download`;
  try {
    for (const stale of leftovers(`${folder}.tmp-`)) await rm(stale, { recursive: true, force: true });
    await mkdir(temporary, { recursive: true });
    await fillFolder(temporary, downloads, set, options);
    await rm(folder, { recursive: true, force: true });
    await rename(temporary, folder);
  } catch (error) {
    throw fileSystemFailure(error, dirname(folder), name);
  } finally {
    await rm(temporary, { recursive: true, force: true });
    // Unless something is left to go on with.
    await rmdir(downloads).catch(() => {});
  }
  return { name, folder, fetched: true };
}

async function fillFolder(
  temporary: string,
  downloads: string,
  { name, files, classesOf, ...set }: PublishedSet,
  { url, onProgress, signal }: FetchDataOptions,
): Promise<void> {
  const address = withSlash(url ?? set.address);
  const totalBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const kept: ArchiveEntry[] = [];
  let before = 0;
  for (const { name: file, bytes, sha256, entries } of files) {
    const onBytes = (done: number) =>
      onProgress?.({ phase: 'download', doneBytes: before + done, totalBytes });
    const what = `${name} (${file})`;
    const fetched = await downloadInto(downloads, {
      what,
      url: address + file,
      sha256,
      maxBytes: bytes,
      onBytes,
      signal,
    });
    before += bytes;
    if (entries) {
      await unpackTar(fetched, temporary, entries, signal);
      await rm(fetched);
    } else {
      await rename(fetched, join(temporary, file));
    }
    kept.push(...(entries ?? [{ path: file, bytes }]));
  }
  if (classesOf !== null)
    await copyFile(join(packageRoot, 'assets', classesOf, 'classes.txt'), join(temporary, 'classes.txt'));
  const record: FetchRecord = { name, address, files: kept };
  await writeFile(join(temporary, recordName), `${JSON.stringify(record, null, 2)}\n`);
}

/** By its record, and the sizes of its files. */
function isWhole(folder: string): boolean {
  try {
    const { files } = JSON.parse(readFileSync(join(folder, recordName), 'utf8')) as FetchRecord;
    return files.every(({ path, bytes }) => statSync(join(folder, path)).size === bytes);
  } catch {
    return false;
  }
}

function withSlash(address: string): string {
  return address.endsWith('/') ? address : `${address}/`;
}
