/** Measures a model on the test split, as `selfgrad eval` and `selfgrad stability` do. */
import type { Config } from '../config/config.ts';
import { splitRequest } from '../config/data.ts';
import type { Dataset } from '../data/dataset.ts';
import { openData } from '../data/open.ts';
import type { MeasurementOptions } from '../measurement.ts';
import type { Model } from '../model.ts';
import { commandLine } from './configFlags.ts';
import { interruptible } from './interrupt.ts';
import { type ModelFlags, openModel } from './openModel.ts';
import { openProgress, type ProgressEvent, type ProgressFlags } from './progress/progress.ts';

type Job<Result> = (
  model: Model,
  data: Dataset,
  shared: Required<MeasurementOptions<ProgressEvent>>,
) => Promise<Result>;

/**
 * Loads model and test split, runs `job` on them with progress on stderr, and adds the shell's command to its result.
 *
 * @throws Interrupted when a signal stopped it; what loading or `job` throws
 */
export async function measure<Result>(
  path: string,
  config: Config,
  flags: ProgressFlags & ModelFlags,
  job: Job<Result>,
  hint = () => '',
): Promise<Result & { command: string }> {
  return interruptible(async (signal) => {
    const result = await measureModel(path, config, flags, signal, job);
    return { ...result, command: commandLine(process.argv.slice(2)) };
  }, hint);
}

/**
 * As `measure`, as part of a longer job that `signal` stops.
 *
 * @throws the reason of `signal`; what loading or `job` throws
 */
export async function measureModel<Result>(
  path: string,
  config: Config,
  flags: ProgressFlags & ModelFlags,
  signal: AbortSignal,
  job: Job<Result>,
): Promise<Result> {
  const { Dataset } = await import('../data/dataset.ts');
  const progress = openProgress(flags);
  try {
    using data = await Dataset.from(await openData(splitRequest(config, 'test')), { signal });
    using model = await openModel(path, config, flags, data.shape);
    const { seed, threads, threat } = config;
    return await job(model, data, { seed, threads, threat, signal, onEvent: progress.show });
  } finally {
    progress.close();
  }
}
