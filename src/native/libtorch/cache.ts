/** The user's cache: where it is, and whether the LibTorch in it is whole. */
import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** What the cache depends on; tests pass their own. */
export interface CacheEnvironment {
  env: NodeJS.ProcessEnv;
  platform: NodeJS.Platform;
  arch: string;
}

/** `$SELFGRAD_CACHE`, else the platform's usual place for caches. */
export function cacheDirectory({ env, platform }: CacheEnvironment): string {
  if (env.SELFGRAD_CACHE) return env.SELFGRAD_CACHE;
  if (env.XDG_CACHE_HOME) return join(env.XDG_CACHE_HOME, 'selfgrad');
  const home = env.HOME || homedir();
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'selfgrad');
  if (platform === 'win32') return join(env.LOCALAPPDATA || join(home, 'AppData', 'Local'), 'selfgrad');
  return join(home, '.cache', 'selfgrad');
}

/** The folder of the installed LibTorch of this version. */
export function cachedLibtorch(environment: CacheEnvironment, version: string): string {
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
