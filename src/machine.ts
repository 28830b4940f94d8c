/** What a figure was measured with: stated beside every number. */
import { availableParallelism, cpus } from 'node:os';
import { loadBinding } from './native/load.ts';
import { packageVersion } from './native/packageRoot.ts';

export function versions(): { selfgrad: string; libtorch: string; node: string } {
  return { selfgrad: packageVersion, libtorch: loadBinding().info().libtorch, node: process.versions.node };
}

export function machine(threads: number): { cpu: string; cores: number; threads: number } {
  return { cpu: cpus()[0]?.model.trim() ?? 'unknown', cores: availableParallelism(), threads };
}
