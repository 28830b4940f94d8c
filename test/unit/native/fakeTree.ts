/** Folders that look like LibTorch, as far as the resolver looks. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ZipEntry } from './zip.ts';

export function versionHeader(version: string): string {
  const [major, minor, patch] = version.split('.');
  return `#define TORCH_VERSION_MAJOR ${major}\n#define TORCH_VERSION_MINOR ${minor}\n#define TORCH_VERSION_PATCH ${patch}\n`;
}

/** Writes lib/ and include/ below `root`; no headers when the version is null. */
export function makeTree(root: string, version: string | null): string {
  mkdirSync(join(root, 'lib'), { recursive: true });
  for (const name of ['libtorch_cpu.so', 'libc10.so']) writeFileSync(join(root, 'lib', name), name);
  if (version !== null) {
    mkdirSync(join(root, 'include/torch/headeronly'), { recursive: true });
    writeFileSync(join(root, 'include/torch/headeronly/version.h'), versionHeader(version));
  }
  return root;
}

/** A tree and the manifest that makes it an installed one. */
export function makeInstalled(root: string, version: string): string {
  makeTree(root, version);
  const libraries = ['lib/libtorch_cpu.so', 'lib/libc10.so'].map((path) => ({
    path,
    bytes: path.length - 'lib/'.length,
    sha256: '',
  }));
  const manifest = { libtorch: version, platform: 'linux', source: 'test', libraries };
  writeFileSync(join(root, 'manifest.json'), JSON.stringify(manifest));
  return root;
}

/** The entries of a small archive in the layout of PyTorch's own. */
export function archiveEntries(version: string): ZipEntry[] {
  return [
    { name: 'libtorch/lib/', data: '' },
    { name: 'libtorch/lib/libtorch_cpu.so', data: 'torch' },
    { name: 'libtorch/lib/libc10.so', data: 'c10' },
    { name: 'libtorch/lib/libgomp-24e2ab19.so.1', data: 'gomp' },
    { name: 'libtorch/lib/libtorch_cuda.so', data: 'not needed' },
    { name: 'libtorch/include/torch/headeronly/version.h', data: versionHeader(version) },
    { name: 'libtorch/share/cmake/Torch.cmake', data: 'not needed' },
  ];
}
