/**
 * Loads the native addon once: first the small loader, which opens LibTorch and tells its version, then the
 * addon itself. An addon on top of another LibTorch than its own would start and crash later.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { SelfgradError } from '../errors.ts';
import type { NativeBinding } from './binding.ts';
import { type FoundLibtorch, installCommand, resolveLibtorch } from './libtorch/resolve.ts';
import { packageRoot } from './packageRoot.ts';

/** What `native/loader` exports. */
interface Loader {
  /** The version of LibTorch that the addon beside it was built with. */
  readonly builtFor: string;
  /** Opens LibTorch for the life of the process and returns its version, as in `2.11.0`. */
  open(request: { libtorchCpu: string }): string;
  gpus(): Gpus | null;
}

/** What NVIDIA's driver says. */
export interface Gpus {
  /** Of CUDA that the driver is for; 13000 is 13.0. */
  version: number;
  count: number;
  /** The driver's number of what failed, 0 when nothing did, and its name. */
  error: number;
  reason: string;
}

/** The addon's files on this machine; the CUDA plug-in may be absent. */
export interface AddonFiles {
  loader: string;
  core: string;
  cudaPlugin: string;
}

const require = createRequire(import.meta.url);

const addonFix = `Build it: node ${join(packageRoot, 'scripts', 'build.mjs')} --native (it needs a C++ compiler and CMake).`;

/**
 * Finds the addon: in `$SELFGRAD_ADDON_DIR`, else as node-gyp-build does (`build/Release`, then `prebuilds/`).
 *
 * @throws SelfgradError ERR_ADDON when there is none for this platform.
 */
export function findAddon(root: string = packageRoot, env: NodeJS.ProcessEnv = process.env): AddonFiles {
  const place = `${process.platform}-${process.arch}`;
  let loader: string;
  if (env.SELFGRAD_ADDON_DIR) {
    loader = join(env.SELFGRAD_ADDON_DIR, 'selfgrad.node');
  } else {
    const gypBuild = require('node-gyp-build') as { resolve(folder: string): string };
    try {
      loader = gypBuild.resolve(root);
    } catch (cause) {
      throw new SelfgradError('ERR_ADDON', `selfgrad's native addon for ${place} was not found in ${root}.`, {
        fix: addonFix,
        cause,
      });
    }
  }
  const core = join(dirname(loader), 'core', 'core.node');
  const missing = [loader, core].find((file) => !existsSync(file));
  if (missing) {
    throw new SelfgradError(
      'ERR_ADDON',
      `selfgrad's native addon for ${place} is incomplete: ${missing} is absent.`,
      {
        fix: addonFix,
      },
    );
  }
  return { loader, core, cudaPlugin: join(dirname(core), 'selfgrad_cuda.so') };
}

function requireAddon<T>(file: string): T {
  try {
    return require(file) as T;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SelfgradError('ERR_ADDON', `selfgrad's native addon ${file} cannot be loaded: ${reason}.`, {
      fix: addonFix,
      cause,
    });
  }
}

/** The version of LibTorch that the addon in these files was built with. */
export function addonBuiltFor({ loader }: AddonFiles): string {
  return requireAddon<Loader>(loader).builtFor;
}

/** The GPUs of this machine; null without NVIDIA's driver. Nothing of CUDA is loaded. */
export function findGpus({ loader }: AddonFiles): Gpus | null {
  return requireAddon<Loader>(loader).gpus();
}

function openLibtorch(loader: Loader, libtorch: FoundLibtorch): void {
  let version: string;
  try {
    version = loader.open({ libtorchCpu: libtorch.libtorchCpu });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SelfgradError('ERR_LIBTORCH', `LibTorch in ${libtorch.root} cannot be opened: ${reason}.`, {
      fix: `Install it anew with: ${installCommand} --force`,
      cause,
    });
  }
  if (version !== loader.builtFor) {
    throw new SelfgradError(
      'ERR_LIBTORCH',
      `selfgrad's addon was built with LibTorch ${loader.builtFor}, but ${libtorch.root} holds LibTorch ${version}.`,
      { fix: `Point LIBTORCH at ${loader.builtFor}, or run: ${installCommand}` },
    );
  }
}

let binding: NativeBinding | undefined;
let libtorch: FoundLibtorch | undefined;

/** The LibTorch that `loadBinding` opened. */
export function loadedLibtorch(): FoundLibtorch | undefined {
  return libtorch;
}

/**
 * The native binding, loaded at the first call and kept for this thread. Where there are GPUs and the CUDA plug-in, a
 * LibTorch that computes on GPUs comes first.
 *
 * @throws SelfgradError ERR_ADDON when the addon is missing or will not load, ERR_LIBTORCH when LibTorch is
 *   missing or of another version.
 */
export function loadBinding(): NativeBinding {
  if (binding) return binding;
  const files = findAddon();
  const loader = requireAddon<Loader>(files.loader);
  // Before OpenMP's run-time loads: workers that spin while they wait starve the rest of a busy machine.
  process.env.OMP_WAIT_POLICY ??= 'PASSIVE';
  // Before c10d loads: its recorder takes a stack at every message between ranks, and nobody asks for it.
  process.env.TORCH_FR_BUFFER_SIZE ??= '0';
  const cuda = existsSync(files.cudaPlugin) && (loader.gpus()?.count ?? 0) > 0;
  libtorch = resolveLibtorch({ cuda });
  openLibtorch(loader, libtorch);
  const loaded = requireAddon<NativeBinding>(files.core);
  loaded.initialize({ SelfgradError });
  // A thread that still computes while the process tears LibTorch down would crash it.
  process.on('exit', () => loaded.shutdown());
  binding = loaded;
  return binding;
}
