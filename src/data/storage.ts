/** Where the images of a data set are while they are used: in memory, or in a file that is mapped into it. */
import { sentence } from '../config/option.ts';
import { SelfgradError } from '../errors.ts';

export type Storage = 'auto' | 'memory' | 'mapped';

export const storages = ['auto', 'memory', 'mapped'] as const satisfies readonly Storage[];

/** The other half is for the network, and for what training remembers of each image. */
const share = 0.5;

/** Whether images of so many bytes must be mapped. Errors: `ERR_OPTION`. */
export function mustMap(storage: Storage, bytes: number): boolean {
  if (!storages.includes(storage))
    throw new SelfgradError('ERR_OPTION', sentence('auto, memory or mapped', 'data.storage', storage));
  // What is available heeds the limit of a container.
  return storage === 'auto' ? bytes > share * process.availableMemory() : storage === 'mapped';
}
