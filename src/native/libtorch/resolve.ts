/** Finds LibTorch on this machine, in one fixed order, or says everything that was tried. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { CacheEnvironment } from '../../cacheDirectory.ts';
import { SelfgradError } from '../../errors.ts';
import { packageRoot, pinnedLibtorch } from '../packageRoot.ts';
import { cachedLibtorch, manifestProblem } from './cache.ts';
import { pythonCandidates, pythonTorch } from './python.ts';
import { inspectTree, type LibtorchTree } from './tree.ts';

export type LibtorchSource = 'LIBTORCH' | 'cache' | 'package' | 'python' | 'system';

export interface FoundLibtorch extends LibtorchTree {
  source: LibtorchSource;
}

/** What the search depends on. */
export interface ResolveEnvironment extends CacheEnvironment {
  arch: string;
  /** The version to look for. Defaults to the one that package.json pins. */
  version: string;
  /** Whether the headers must be there as well, to build with. Defaults to false. */
  headers: boolean;
  /** Whether one that computes on GPUs is taken before all others, wherever it lies. Defaults to false. */
  cuda: boolean;
  /** From here the platform package is looked up. Defaults to this package's folder. */
  packageRoot: string;
  /** Folders that a system's own LibTorch may be in. Defaults to the usual ones. */
  systemRoots: string[];
}

/** The command that mends a missing LibTorch. */
export const installCommand = 'npx selfgrad libtorch install';

/** The real environment, with what a test wants different. */
export function resolveEnvironment(overrides: Partial<ResolveEnvironment> = {}): ResolveEnvironment {
  return {
    env: process.env,
    platform: process.platform,
    arch: process.arch,
    version: pinnedLibtorch,
    headers: false,
    cuda: false,
    packageRoot,
    systemRoots: ['/opt/libtorch', '/usr/local/libtorch', '/usr/local', '/usr'],
    ...overrides,
  };
}

function platformPackage({ platform, arch, packageRoot }: ResolveEnvironment): {
  name: string;
  root: string | null;
} {
  const name = `@selfgrad/libtorch-${platform}-${arch}`;
  try {
    const manifest = createRequire(join(packageRoot, 'package.json')).resolve(`${name}/package.json`);
    return { name, root: dirname(manifest) };
  } catch {
    return { name, root: null };
  }
}

/**
 * Looks in `$LIBTORCH` (set but unusable is an error, nothing else is tried), our cache, the platform package,
 * the torch of `$PYTHON`, a virtual environment, conda or `python3`, then the system's folders. With `cuda` the first
 * that computes on GPUs is taken, and only without one the first of all.
 *
 * @throws SelfgradError ERR_LIBTORCH with every place and why it would not do.
 */
export function resolveLibtorch(overrides: Partial<ResolveEnvironment> = {}): FoundLibtorch {
  const environment = resolveEnvironment(overrides);
  const tried: string[] = [];
  let first: FoundLibtorch | undefined;
  for (const found of candidates(environment, tried)) {
    if (!environment.cuda || found.libtorchCuda !== null) return found;
    first ??= found;
  }
  if (first) return first;
  throw new SelfgradError(
    'ERR_LIBTORCH',
    `LibTorch ${environment.version} not found. Tried: ${tried.join(', ')}.`,
    { fix: `Run: ${installCommand}` },
  );
}

/** Every usable LibTorch, in the order of the search; into `tried` goes what is not, and why. */
function* candidates(environment: ResolveEnvironment, tried: string[]): Generator<FoundLibtorch> {
  const { env, platform, version } = environment;

  if (env.LIBTORCH) {
    const tree = inspectTree(env.LIBTORCH, version, platform);
    if (typeof tree !== 'string') {
      yield { ...tree, source: 'LIBTORCH' };
      return;
    }
    throw new SelfgradError(
      'ERR_LIBTORCH',
      `Expected LibTorch ${version} in $LIBTORCH but ${env.LIBTORCH} ${tree === 'absent' ? 'is absent' : tree}.`,
      { fix: `Point LIBTORCH at a folder with lib/ and include/ of LibTorch ${version}, or unset it.` },
    );
  }

  tried.push('$LIBTORCH (unset)');
  const attempt = (source: LibtorchSource, label: string, root: string): FoundLibtorch | null => {
    const tree = inspectTree(root, version, platform);
    const usable = typeof tree !== 'string' && (tree.version !== null || !environment.headers);
    if (usable) return { ...tree, source };
    tried.push(`${label} (${typeof tree === 'string' ? tree : 'has no headers'})`);
    return null;
  };

  const cached = cachedLibtorch(environment, version);
  const fromCache = attempt('cache', cached, cached);
  if (fromCache) {
    const problem = manifestProblem(cached);
    if (problem === null) yield fromCache;
    else tried.push(`${cached} (${problem})`);
  }

  const { name, root } = platformPackage(environment);
  if (root === null) tried.push(`${name} (not installed)`);
  const fromPackage = root && attempt('package', name, root);
  if (fromPackage) yield fromPackage;

  for (const candidate of pythonCandidates(env, platform)) {
    const torch = pythonTorch(candidate, version, env);
    if (typeof torch === 'string') {
      tried.push(`${candidate.label} (${torch})`);
      continue;
    }
    const fromPython = attempt('python', `torch of ${candidate.label}`, torch.root);
    if (fromPython) yield fromPython;
  }

  for (const systemRoot of environment.systemRoots) {
    const fromSystem = attempt('system', systemRoot, systemRoot);
    // A system folder without headers cannot tell its version.
    if (fromSystem?.version === version) yield fromSystem;
    else if (fromSystem) tried.push(`${systemRoot} (of unknown version)`);
  }
}
