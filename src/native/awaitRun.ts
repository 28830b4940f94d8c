/** Waits for a native run: ties it to an AbortSignal and to what its listener throws. */
import type { NativeRun } from './binding.ts';

export interface AwaitOptions<Event> {
  signal?: AbortSignal | undefined;
  onEvent?: ((event: Event) => void) | undefined;
}

/**
 * Starts a run and resolves to its result. An abort stops it between two attack steps; so does a listener that
 * throws, whose error would otherwise vanish in the native callback.
 *
 * @throws what the listener threw, else the reason of `signal` when it ended the run
 */
export async function awaitRun<Result, Event>(
  start: (onEvent: (event: Event) => void) => NativeRun<Result>,
  { signal, onEvent }: AwaitOptions<Event>,
): Promise<Result> {
  signal?.throwIfAborted();
  let failure: { error: unknown } | undefined;
  const run = start((event) => {
    if (failure !== undefined) return;
    try {
      onEvent?.(event);
    } catch (error) {
      failure = { error };
      run.cancel();
    }
  });
  signal?.addEventListener('abort', run.cancel, { once: true });
  const outcome = await run.promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  signal?.removeEventListener('abort', run.cancel);
  if (failure !== undefined) throw failure.error;
  if ('value' in outcome) return outcome.value;
  signal?.throwIfAborted();
  throw outcome.error;
}
