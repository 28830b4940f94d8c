/** Where this package lies and what its package.json pins: the same from `src/` and from `dist/`. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function findPackageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}

interface Manifest {
  version: string;
  selfgrad: { libtorch: string; cuda: string };
}

/** The folder of selfgrad's package.json. */
export const packageRoot = findPackageRoot();

const manifest = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as Manifest;

/** The version of selfgrad. */
export const packageVersion = manifest.version;

/** The one version of LibTorch that this package works with, as in `2.11.0`. */
export const pinnedLibtorch = manifest.selfgrad.libtorch;

/** The version of CUDA that this LibTorch's GPU part is built with, as in `13.0`. */
export const pinnedCuda = manifest.selfgrad.cuda;
