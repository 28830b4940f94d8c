/** Where the user's cache is: LibTorch, fetched and decoded data. */
import { homedir } from 'node:os';
import { join } from 'node:path';

/** What the cache depends on; tests pass their own. */
export interface CacheEnvironment {
  env: NodeJS.ProcessEnv;
  platform: NodeJS.Platform;
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
