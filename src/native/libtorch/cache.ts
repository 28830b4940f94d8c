/** LibTorch in the user's cache: where it lies, and whether it is whole. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type CacheEnvironment, cacheDirectory } from '../../cacheDirectory.ts';

/** The folder of the installed LibTorch of this version. */
export function cachedLibtorch(environment: CacheEnvironment & { arch: string }, version: string): string {
  const { platform, arch } = environment;
  return join(cacheDirectory(environment), `libtorch-${version}-${platform}-${arch}`);
}

/** Written last into an installed LibTorch: without it, or against it, the folder is not trusted. */
export interface InstallManifest {
  libtorch: string;
  platform: string;
  /** Where it came from: requirements of pip, or an address. */
  source: string;
  libraries: { path: string; bytes: number; sha256: string }[];
}

export const manifestName = 'manifest.json';

/** Checks presence and size of every library; null when all is well, else what is wrong. */
export function manifestProblem(root: string): string | null {
  let manifest: InstallManifest;
  try {
    manifest = JSON.parse(readFileSync(join(root, manifestName), 'utf8')) as InstallManifest;
  } catch {
    return `has no readable ${manifestName}`;
  }
  for (const { path, bytes } of manifest.libraries) {
    const found = statSync(join(root, path), { throwIfNoEntry: false });
    if (found?.size !== bytes) return `is damaged at ${path}`;
  }
  return null;
}
