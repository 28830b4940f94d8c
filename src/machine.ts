/** What a figure was measured with: stated beside every number. */
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { loadBinding } from './native/load.ts';
import { packageRoot } from './native/packageRoot.ts';

export function versions(): { selfgrad: string; libtorch: string; node: string } {
  const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
    version: string;
  };
  return { selfgrad: version, libtorch: loadBinding().info().libtorch, node: process.versions.node };
}

export function machine(threads: number): { cpu: string; cores: number; threads: number } {
  return { cpu: cpus()[0]?.model.trim() ?? 'unknown', cores: availableParallelism(), threads };
}
