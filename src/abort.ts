/** Ties a native run to an AbortSignal. */
import type { NativeRun } from './native/binding.ts';

/**
 * The result of a native run; an abort stops it between two attack steps.
 *
 * @throws the reason of `signal` when it was aborted before the run ended
 */
export async function abortable<T>(start: () => NativeRun<T>, signal: AbortSignal | undefined): Promise<T> {
  signal?.throwIfAborted();
  const run = start();
  signal?.addEventListener('abort', run.cancel, { once: true });
  try {
    const result = await run.promise;
    return result;
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', run.cancel);
  }
}
