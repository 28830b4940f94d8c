/** A user's project: the package as it is published in its node_modules, and beside it what npm would install with it. */
import { mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { extract } from 'tar';
import { packageRoot } from '../../src/native/packageRoot.ts';
import { installedDependencies } from './registry.ts';

export interface Packed {
  filename: string;
  size: number;
  unpackedSize: number;
  files: { path: string }[];
}

const { layOut, pack } = (await import(join(packageRoot, 'scripts/package.mjs'))) as {
  layOut(folder: string, prebuilds: string): Promise<void>;
  pack(folder: string, destination: string): Promise<Packed>;
};

export interface Project {
  packed: Packed;
  /** The tarball that was installed. */
  tarball: string;
  /** selfgrad in the project. */
  installed: string;
}

/** Makes a project of `folder`, an empty one, with a package without prebuilt addons. */
export async function makeProject(folder: string): Promise<Project> {
  const prebuilds = join(folder, 'prebuilds');
  mkdirSync(prebuilds);
  const laidOut = join(folder, 'laid-out');
  await layOut(laidOut, prebuilds);
  const packed = await pack(laidOut, folder);
  const tarball = join(folder, packed.filename);
  const installed = join(folder, 'node_modules/selfgrad');
  mkdirSync(installed, { recursive: true });
  await extract({ file: tarball, cwd: installed, strip: 1 });
  for (const path of installedDependencies()) {
    const place = relative(packageRoot, path);
    if (place.lastIndexOf('node_modules') > 0) continue;
    mkdirSync(dirname(join(folder, place)), { recursive: true });
    symlinkSync(path, join(folder, place));
  }
  return { packed, tarball, installed };
}
