/**
 * Installs the pinned LibTorch into the user's cache: fetched, checked, unpacked beside its place, renamed into
 * it. Killed at any moment it leaves nothing that is trusted later; two at once end with one whole LibTorch.
 */
import { existsSync, mkdirSync, renameSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheDirectory } from '../../cacheDirectory.ts';
import { fileSystemFailure } from '../../download/failure.ts';
import { leftovers } from '../../download/leftovers.ts';
import { SelfgradError } from '../../errors.ts';
import { cachedLibtorch, type InstallManifest, manifestName, manifestProblem } from './cache.ts';
import { type ResolveEnvironment, resolveEnvironment } from './resolve.ts';
import { chooseSource, type Source, type SourceOptions } from './source.ts';
import { inspectTree, type LibtorchTree } from './tree.ts';
import { type UnpackedLibrary, unpack } from './unpack.ts';

export interface InstallOptions extends SourceOptions {
  /** Installs anew over a whole one. Defaults to false. */
  force?: boolean;
  /** Fails rather than use the network. Defaults to false. */
  offline?: boolean;
  /** What differs from the real environment, for tests. */
  environment?: Partial<ResolveEnvironment>;
  /** Free bytes on the disk of a folder. Defaults to asking the system. */
  freeBytes?: (folder: string) => number;
}

const unpackedBytes = 600_000_000;

function checkDisk(folder: string, needed: number, freeBytes: (folder: string) => number): void {
  let existing = folder;
  while (!existsSync(existing)) existing = dirname(existing);
  const free = freeBytes(existing);
  if (free >= needed) return;
  const megabytes = (bytes: number) => `${Math.round(bytes / 1_000_000)} MB`;
  throw new SelfgradError(
    'ERR_ENVIRONMENT',
    `LibTorch needs ${megabytes(needed)} of free disk space in ${folder} while it is installed, but only ${megabytes(free)} are free.`,
    { fix: 'Free some space there, or set SELFGRAD_CACHE to another folder.' },
  );
}

function systemFreeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** Moves a finished folder to its place, unless another installation has been quicker. */
function moveIntoPlace(finished: string, target: string, force: boolean): void {
  const replaced = `${target}.old-${process.pid}`;
  if (existsSync(target) && (force || manifestProblem(target) !== null)) renameSync(target, replaced);
  try {
    renameSync(finished, target);
  } catch (error) {
    if (manifestProblem(target) !== null) throw error;
  } finally {
    rmSync(replaced, { recursive: true, force: true });
  }
}

/** A whole LibTorch in its place, or the reason why what is there will not do. */
function checkInstalled(target: string, { version, platform }: ResolveEnvironment): LibtorchTree | string {
  return manifestProblem(target) ?? inspectTree(target, version, platform);
}

async function installInto(
  folder: string,
  source: Source,
  environment: ResolveEnvironment,
  options: InstallOptions,
) {
  const { version, platform } = environment;
  const downloads = join(folder, 'download');
  mkdirSync(downloads, { recursive: true });
  const archives = await source.fetch(downloads);
  const libraries: UnpackedLibrary[] = [];
  let doneBytes = 0;
  const onBytes = (bytes: number) => {
    doneBytes += bytes;
    options.onProgress?.({ phase: 'unpack', doneBytes, totalBytes: 0 });
  };
  for (const archive of archives) {
    libraries.push(...(await unpack({ archive, folder, platform, onBytes, signal: options.signal })));
    rmSync(archive, { force: true });
  }
  rmSync(downloads, { recursive: true, force: true });
  const tree = inspectTree(folder, version, platform);
  if (typeof tree === 'string' || tree.version === null) {
    const reason = typeof tree === 'string' ? tree : 'has no headers';
    throw new SelfgradError('ERR_LIBTORCH', `What was fetched from ${source.name} ${reason}.`, {
      fix: `Nothing was installed. Fetch LibTorch ${version}.`,
    });
  }
  const manifest: InstallManifest = { libtorch: version, platform, source: source.name, libraries };
  writeFileSync(join(folder, manifestName), `${JSON.stringify(manifest, null, 2)}\n`);
}

/**
 * Makes sure that the pinned LibTorch lies in the cache.
 *
 * @throws SelfgradError ERR_ENVIRONMENT when pip, the network or disk space is missing, ERR_LIBTORCH when what
 *   was fetched is not LibTorch, ERR_OPTION for a bad address or checksum.
 */
export async function installLibtorch(options: InstallOptions = {}): Promise<LibtorchTree> {
  const environment = resolveEnvironment(options.environment);
  const target = cachedLibtorch(environment, environment.version);
  const installed = checkInstalled(target, environment);
  if (typeof installed !== 'string' && !options.force) return installed;
  if (options.offline) {
    throw new SelfgradError(
      'ERR_LIBTORCH',
      `LibTorch ${environment.version} is not in the cache (${target}).`,
      {
        fix: 'Run this once without --offline, or point LIBTORCH at one.',
      },
    );
  }
  const cache = cacheDirectory(environment);
  const source = chooseSource(environment, options);
  checkDisk(cache, source.downloadBytes + unpackedBytes, options.freeBytes ?? systemFreeBytes);
  const temporary = `${target}.tmp-${process.pid}`;
  try {
    for (const stale of [...leftovers(`${target}.tmp-`), ...leftovers(`${target}.old-`)]) {
      rmSync(stale, { recursive: true, force: true });
    }
    rmSync(temporary, { recursive: true, force: true });
    await installInto(temporary, source, environment, options);
    moveIntoPlace(temporary, target, options.force ?? false);
  } catch (error) {
    throw fileSystemFailure(error, cache, 'LibTorch');
  } finally {
    if (existsSync(temporary)) rmSync(temporary, { recursive: true, force: true });
  }
  const result = checkInstalled(target, environment);
  if (typeof result !== 'string') return result;
  throw new SelfgradError('ERR_LIBTORCH', `The LibTorch just installed in ${target} ${result}.`);
}
