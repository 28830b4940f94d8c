/** Looks into a folder that may be a LibTorch: `lib/` with the libraries, `include/` with the headers. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Names of the two libraries that every LibTorch has, per platform. */
export function libraryNames(platform: NodeJS.Platform): { torchCpu: string; c10: string } {
  if (platform === 'win32') return { torchCpu: 'torch_cpu.dll', c10: 'c10.dll' };
  const extension = platform === 'darwin' ? 'dylib' : 'so';
  return { torchCpu: `libtorch_cpu.${extension}`, c10: `libc10.${extension}` };
}

/** A LibTorch on disk. */
export interface LibtorchTree {
  /** The folder that holds `lib/` and `include/`. */
  root: string;
  /** Absolute path of the library that the loader opens. */
  libtorchCpu: string;
  /** Absolute path of the library that computes on GPUs; null when this LibTorch is for the CPU only. */
  libtorchCuda: string | null;
  /** From the headers, as in `2.11.0`; null when there are no headers to tell. */
  version: string | null;
}

const versionHeaders = [
  'include/torch/headeronly/version.h',
  'include/torch/csrc/api/include/torch/version.h',
];

function headerVersion(root: string): string | null {
  for (const header of versionHeaders) {
    const path = join(root, header);
    if (!existsSync(path)) continue;
    const text = readFileSync(path, 'utf8');
    const parts = ['MAJOR', 'MINOR', 'PATCH'].map(
      (part) => new RegExp(`#define TORCH_VERSION_${part} (\\d+)`).exec(text)?.[1],
    );
    if (parts.every((part) => part !== undefined)) return parts.join('.');
  }
  return null;
}

/** The LibTorch in `root`, or the reason why there is none of the wanted version, as the end of a sentence. */
export function inspectTree(root: string, wanted: string, platform: NodeJS.Platform): LibtorchTree | string {
  if (!existsSync(root)) return 'absent';
  const names = libraryNames(platform);
  for (const name of [names.torchCpu, names.c10]) {
    if (!existsSync(join(root, 'lib', name))) return `has no lib/${name}`;
  }
  const version = headerVersion(root);
  if (version !== null && version !== wanted) return `is LibTorch ${version}, not ${wanted}`;
  const cuda = join(root, 'lib', 'libtorch_cuda.so');
  return {
    root,
    libtorchCpu: join(root, 'lib', names.torchCpu),
    libtorchCuda: existsSync(cuda) ? cuda : null,
    version,
  };
}
