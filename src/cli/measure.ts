/** Measures a model on a split, as `selfgrad eval` and `selfgrad stability` do. */
import { type Command, Option } from 'commander';
import type { Config } from '../config/config.ts';
import { splitRequest } from '../config/data.ts';
import { sentence } from '../config/option.ts';
import type { Dataset } from '../data/dataset.ts';
import { openData } from '../data/open.ts';
import { SelfgradError } from '../errors.ts';
import type { MeasurementOptions } from '../measurement.ts';
import type { Model } from '../model.ts';
import { commandLine } from './configFlags.ts';
import { interruptible } from './interrupt.ts';
import { type ModelFlags, openGivenModel } from './openModel.ts';
import { openProgress, type ProgressEvent, type ProgressFlags } from './progress/progress.ts';

const parts = ['test', 'validation', 'train'] as const;
type Part = (typeof parts)[number];

export interface MeasureFlags extends ModelFlags, ProgressFlags {
  split?: Part;
}

/** Adds `--split`, the same for every measurement. */
export function addSplitFlag(command: Command): Command {
  return command.addOption(
    new Option(
      '--split <name>',
      'images to look at: test, those held out by data.validation, or what train leaves of its split',
    )
      .choices(parts)
      .default('test'),
  );
}

/**
 * What `openData` is asked for, for the images that a command looks at.
 *
 * @throws SelfgradError `ERR_OPTION` for the held-out images of a configuration that holds none out
 */
export function measuredSplit(config: Config, { split = 'test' }: MeasureFlags) {
  if (split === 'validation' && config.data.validation === null) {
    throw new SelfgradError(
      'ERR_OPTION',
      sentence('a share or a count', 'data.validation', null, 'It says which images are held out.'),
    );
  }
  return splitRequest(config, split);
}

type Job<Result> = (
  model: Model,
  data: Dataset,
  shared: Required<MeasurementOptions<ProgressEvent>>,
) => Promise<Result>;

/**
 * Loads model and split, runs `job` on them with progress on stderr, and adds the shell's command to its result.
 *
 * @throws Interrupted when a signal stopped it; what loading or `job` throws
 */
export async function measure<Result>(
  path: string,
  config: Config,
  flags: MeasureFlags,
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
  flags: MeasureFlags,
  signal: AbortSignal,
  job: Job<Result>,
): Promise<Result> {
  const { Dataset } = await import('../data/dataset.ts');
  const progress = openProgress(flags);
  try {
    using data = await Dataset.from(await openData(measuredSplit(config, flags)), {
      storage: config.data.storage,
      signal,
    });
    using model = await openGivenModel(path, config, flags, data.shape);
    const { seed, threads, device, threat } = config;
    return await job(model, data, { seed, threads, device, threat, signal, onEvent: progress.show });
  } finally {
    progress.close();
  }
}
