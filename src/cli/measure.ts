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

/**
 * Loads model and test split, runs `job` on them with progress on stderr, and adds the shell's command to its result.
 *
 * @throws Interrupted when a signal stopped it; what loading or `job` throws
 */
export async function measure<Result>(
  path: string,
  config: Config,
  flags: ProgressFlags & ModelFlags,
  job: (model: Model, data: Dataset, shared: Required<MeasurementOptions<ProgressEvent>>) => Promise<Result>,
  hint = () => '',
): Promise<Result & { command: string }> {
  const { Dataset } = await import('../data/dataset.ts');
  const progress = openProgress(flags);
  return interruptible(async (signal) => {
    try {
      using data = await Dataset.from(await openData(splitRequest(config, 'test')), { signal });
      using model = await openModel(path, config, flags, data.shape);
      const { seed, threads, threat } = config;
      const result = await job(model, data, { seed, threads, threat, signal, onEvent: progress.show });
      return { ...result, command: commandLine(process.argv.slice(2)) };
    } finally {
      progress.close();
    }
  }, hint);
}
