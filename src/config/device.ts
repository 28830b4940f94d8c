/** Where tensors live, and how many threads compute. */
import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { either, integer, text } from './option.ts';

export type Device = 'auto' | 'cpu' | `cuda:${number}`;

/** @internal */
export const deviceSchema = text({
  description: 'Where tensors live.',
  expected: 'auto, cpu or cuda:N',
  pattern: /^(auto|cpu|cuda:\d+)$/,
  fix: (value) => (value === 'cuda' || value === 'gpu' ? 'Write cuda:0.' : undefined),
}).transform((device) => device as Device);

/** @internal */
export const threadsSchema = either([z.literal('auto'), integer({ description: '', gte: 1, lte: 1024 })], {
  description: 'Threads that compute; auto takes all cores that this process may use.',
  expected: 'auto or an integer in [1, 1024]',
});

/** The number of threads that `threads` stands for, where so many processes share the machine. */
export function resolveThreads(threads: number | 'auto', processes = 1): number {
  return threads === 'auto' ? Math.max(1, Math.floor(availableParallelism() / processes)) : threads;
}
