/** Trains a network: from a configuration to a model, and to a run directory when one is named. */
import { appendFileSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { checkClasses } from './config/attacks/apgd.ts';
import { nativeAttack } from './config/attacks/attack.ts';
import type { Config, ConfigInput } from './config/config.ts';
import { splitRequest } from './config/data.ts';
import { resolveThreads } from './config/device.ts';
import { formatEps } from './config/fraction.ts';
import { sentence } from './config/option.ts';
import { resolveConfig } from './config/resolve.ts';
import { nativeStrategy } from './config/strategies/strategy.ts';
import { refuseL1 } from './config/threat.ts';
import { resolveEpochs } from './config/train.ts';
import { Dataset } from './data/dataset.ts';
import { openData } from './data/open.ts';
import type { Source } from './data/source.ts';
import { mustMap } from './data/storage.ts';
import { checkSameRun, deviceOfRank, joinWorld, type Rank, rankFromEnvironment } from './distributed.ts';
import { SelfgradError } from './errors.ts';
import type { Passes } from './evaluation.ts';
import { EventQueue } from './eventQueue.ts';
import type { TrainEvent } from './events.ts';
import { rate } from './interval.ts';
import { Model } from './model.ts';
import { awaitRun } from './native/awaitRun.ts';
import type { NativeDevice, NativeModelOptions } from './native/binding.ts';
import { loadBinding } from './native/load.ts';
import type { NativeAttackOptions } from './native/measureBinding.ts';
import { packageVersion } from './native/packageRoot.ts';
import type {
  NativeTrainEvent,
  NativeTrainOptions,
  NativeTrainResult,
  NativeWorld,
} from './native/trainBinding.ts';
import { networkCosts, networkOptions } from './networkCosts.ts';
import { writeAtomic } from './report/writeAtomic.ts';
import { checkRunDirectory, type RunFiles, runFiles } from './runFiles.ts';

export interface TrainOptions {
  /** Stops between two attack steps, saves a checkpoint (with `out`), and rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Run directory for config.json, events.jsonl, checkpoint and model. Defaults to none: nothing is written. */
  out?: string;
  /** Continue the run whose checkpoint is in `out`. Defaults to false. */
  resume?: boolean;
  /** Replace a run that `out` already holds. Defaults to false: that is an error. */
  overwrite?: boolean;
  /** Train on this set instead of the configuration's source; the caller disposes of it. */
  data?: Dataset;
  /** Validate on this set instead of the configuration's; the caller disposes of it. */
  validation?: Dataset;
  /**
   * `'env'`: this process is one of several that train the network together, which one the environment says
   * (docs/distributed.md). Rank 0 alone has events, a history and a run directory; all end with the same model.
   * Defaults to null: this process alone.
   */
  distributed?: 'env' | null;
  /** Milliseconds until a rank that does not come or does not answer counts as lost. Defaults to 300 000. */
  rankTimeoutMs?: number;
}

export interface TrainResult {
  /** In evaluation mode; the caller disposes of it. */
  model: Model;
  config: Config;
  steps: number;
  /** Of training alone: validation is counted in its own events. */
  passes: Passes;
  /** How many of the backward passes also computed the gradients of the weights; the others were the attack's. */
  weightGradients: number;
  seconds: number;
  imagesPerSecond: number;
  history: TrainEvent[];
  out: string | null;
  /** With `distributed`, else null. */
  distributed: {
    rank: number;
    worldSize: number;
    /** What this rank sent the others, and how long it waited for them and for the network. */
    traffic: { calls: number; bytes: number; seconds: number };
  } | null;
}

/** A run under way: iterate it for events, or only await its result. */
export interface TrainRun extends AsyncIterable<TrainEvent> {
  readonly result: Promise<TrainResult>;
}

/**
 * Starts training and returns at once.
 *
 * @throws SelfgradError `ERR_OPTION` at once for a bad configuration, `ERR_DEVICE` for a GPU that cannot be used; through
 *   `result` `ERR_DATA`, `ERR_CHECKPOINT`, `ERR_WRITE`, `ERR_NUMERIC`, `ERR_LIBTORCH`, `ERR_RENDEZVOUS`, `ERR_RANK`, or the
 *   reason of `signal`
 */
export function train(input: ConfigInput | Config, options: TrainOptions = {}): TrainRun {
  const { config } = resolveConfig([{ origin: 'train()', values: input }]);
  const rank = options.distributed === 'env' ? rankFromEnvironment() : null;
  const { device } = deviceOfRank(config.device, rank);
  const files = options.out === undefined || (rank?.rank ?? 0) > 0 ? null : runFiles(options.out);
  if (files) checkRunDirectory(files, options);
  const events = new EventQueue<TrainEvent>();
  const result = run(config, options, files, events, rank, device);
  result.then(
    () => events.end(),
    (error: unknown) => events.end(error),
  );
  return { result, [Symbol.asyncIterator]: () => events[Symbol.asyncIterator]() };
}

async function run(
  config: Config,
  options: TrainOptions,
  files: RunFiles | null,
  events: EventQueue<TrainEvent>,
  rank: Rank | null,
  device: NativeDevice,
): Promise<TrainResult> {
  const { signal, resume = false, rankTimeoutMs = 300_000 } = options;
  refuseL1(config.threat.norm, 'training');
  const owned: Dataset[] = [];
  // First of all, so that a rank that fails is missed at once.
  const world = rank && rank.worldSize > 1 ? await joinWorld(rank, rankTimeoutMs, signal) : null;
  try {
    const source = options.data ?? (await openData(splitRequest(config, 'train')));
    // Shapes are checked before images are read, which may take long.
    const shape =
      source instanceof Dataset ? source.shape : ([source.channels, source.height, source.width] as const);
    networkCosts(config, shape, source.classes.length);
    checkClasses([validationAttack(config)], source.classes.length);
    const data = source instanceof Dataset ? source : await load(source, null, config, owned, signal);
    const validation =
      options.validation ??
      (config.train.validate.every > 0 ? await openValidation(config, owned, signal) : null);
    const identity = runIdentity(config, data);
    if (world) await checkSameRun(world, rankIdentity(identity, validation, device));
    const model = new Model(
      new (loadBinding().Model)(modelOptions(config, data)),
      {
        strategy: config.train.strategy.name,
        threat: `${config.threat.norm} ${formatEps(config.threat.eps)}`,
        'data.name': data.name,
        'data.sha256': data.sha256,
        'data.classes': JSON.stringify(data.classes),
        run: identity,
      },
      files?.model ?? null,
    );
    try {
      model.to(device);
      const history: TrainEvent[] = [];
      if (files) await prepareDirectory(files, config, resume);
      const tell = (event: TrainEvent) => {
        if (rank !== null && rank.rank > 0) return;
        history.push(event);
        if (files) appendEvent(files, event);
        events.push(event);
      };
      const request = nativeOptions(config, model, data, validation, files, resume, rank, world);
      for (const warning of validation?.warnings ?? []) tell({ type: 'warning', ...warning });
      const validated = validation && { split: validation.split, count: validation.count };
      const done = await follow(request, config, validated, tell, signal);
      if (files) model.save(files.model);
      const { step: steps, passes, weightGradients, seconds, imagesPerSecond, traffic } = done;
      return {
        model,
        config,
        steps,
        passes,
        weightGradients,
        seconds,
        imagesPerSecond,
        history,
        out: files?.directory ?? null,
        distributed: rank && { rank: rank.rank, worldSize: rank.worldSize, traffic },
      };
    } catch (error) {
      model.dispose();
      throw error;
    }
  } finally {
    world?.dispose();
    for (const set of owned) set.dispose();
  }
}

/** Runs the native trainer and passes its events on. */
async function follow(
  request: NativeTrainOptions,
  config: Config,
  validation: Validation,
  tell: (event: TrainEvent) => void,
  signal: AbortSignal | undefined,
): Promise<NativeTrainResult> {
  let steps = 0;
  const done = await awaitRun<NativeTrainResult, NativeTrainEvent>(
    (observe) => loadBinding().train(request, observe),
    {
      signal,
      onEvent: (event) => {
        if (event.type === 'start') steps = event.steps;
        tell(translate(event, steps, config, validation));
      },
    },
  );
  const { traffic: _, ...end } = done;
  tell({ type: 'end', ...end });
  if (!done.completed) {
    signal?.throwIfAborted();
    throw new SelfgradError(
      'ERR_RANK',
      `Another rank was asked to stop: all ranks stopped together after step ${done.step} of ${done.steps}.`,
    );
  }
  return done;
}

type Validation = Extract<TrainEvent, { type: 'start' }>['validation'];

function translate(
  event: NativeTrainEvent,
  steps: number,
  config: Config,
  validation: Validation,
): TrainEvent {
  switch (event.type) {
    case 'start':
      return { ...event, strategy: config.train.strategy.name, validation };
    // The core counts epochs from 0, people from 1.
    case 'step':
      return { ...event, epoch: event.epoch + 1, steps };
    case 'epoch':
      return { ...event, epoch: event.epoch + 1 };
    case 'eval': {
      const { count, clean, robust, ...rest } = event;
      return { ...rest, epoch: rest.epoch + 1, clean: rate(clean, count), robust: rate(robust, count) };
    }
    default:
      return event;
  }
}

/** `train.validate.count` images: a stratified draw of those held out, or the first of the test split. */
async function openValidation(
  config: Config,
  owned: Dataset[],
  signal: AbortSignal | undefined,
): Promise<Dataset> {
  const { count } = config.train.validate;
  if (config.data.validation === null) {
    const test = await openData(splitRequest(config, 'test'));
    return load(test, Math.min(count, test.count), config, owned, signal);
  }
  const request = splitRequest(config, 'validation');
  const all = await openData(request);
  // Not its first ones: these are of one class where the data are sorted.
  const some = count < all.count ? await openData({ ...request, limit: count, pick: 'stratified' }) : all;
  return load(some, null, config, owned, signal);
}

async function load(
  source: Source,
  limit: number | null,
  { data: { storage } }: Config,
  owned: Dataset[],
  signal: AbortSignal | undefined,
): Promise<Dataset> {
  const data = await Dataset.from(source, { limit, storage, ...(signal && { signal }) });
  owned.push(data);
  return data;
}

/** What must be equal for a run to be resumed: everything that decides which numbers come out. */
function runIdentity({ seed, model, threat, train }: Config, data: Dataset): string {
  const { checkpoint: _, ...decisive } = train;
  // Runs from before there were lists of layers can be resumed.
  const { layers, ...rest } = model;
  const network = layers === null ? rest : model;
  return JSON.stringify({ seed, model: network, threat, train: decisive, data: data.sha256 });
}

/** What must be equal on all ranks. */
function rankIdentity(identity: string, validation: Dataset | null, device: NativeDevice): string {
  return JSON.stringify({
    ...JSON.parse(identity),
    device: device === 'cpu' ? 'cpu' : 'cuda',
    validation: validation?.sha256 ?? null,
    version: packageVersion,
  });
}

function modelOptions(config: Config, data: Dataset): NativeModelOptions {
  const { model } = config;
  const statistics = data.native.statistics();
  return {
    ...networkOptions(config, data.shape, data.classes.length),
    mean: model.mean === 'data' ? statistics.mean : model.mean,
    // A channel that never varies is left alone instead of being divided by zero.
    std: model.std === 'data' ? statistics.std.map((value) => (value > 0 ? value : 1)) : model.std,
  };
}

function validationAttack({ train, threat }: Config): NativeAttackOptions {
  return nativeAttack(train.validate.attack, threat, 'train.validate.attack');
}

function nativeOptions(
  config: Config,
  model: Model,
  data: Dataset,
  validation: Dataset | null,
  files: RunFiles | null,
  resume: boolean,
  rank: Rank | null,
  world: NativeWorld | null,
): NativeTrainOptions {
  const { train, threat, seed } = config;
  return {
    model: model.native,
    data: data.native,
    validation: validation?.native ?? null,
    validateEvery: train.validate.every,
    validateCount: train.validate.count,
    validateAttack: validationAttack(config),
    seed,
    threads: resolveThreads(config.threads, rank?.localWorldSize),
    norm: threat.norm,
    eps: threat.eps,
    strategy: nativeStrategy(train.strategy, threat),
    epochs: resolveEpochs(train),
    batchSize: train.batchSize,
    precision: train.precision,
    lr: train.lr,
    momentum: train.momentum,
    nesterov: train.nesterov,
    weightDecay: train.weightDecay,
    schedule: train.schedule,
    labelSmoothing: train.labelSmoothing,
    classWeights: classWeights(train.classWeights, data),
    weightPerturbation: train.weightPerturbation,
    averageDecay: train.averageDecay,
    crop: train.crop,
    flip: train.flip,
    mapMemory: mustMap(config.data.storage, data.count * data.shape[0] * data.shape[1] * data.shape[2]),
    checkpointPath: files?.checkpoint ?? '',
    checkpointEvery: train.checkpoint.every,
    resumePath: resume && files ? files.checkpoint : '',
    metadata: { ...model.metadata },
    world,
  };
}

/**
 * A weight for each class; none where all weigh the same.
 *
 * @internal
 * @throws SelfgradError `ERR_OPTION` for a list of another length, or `balanced` with a class that has no image
 */
export function classWeights(
  given: Config['train']['classWeights'],
  { classes, classCounts, count }: Pick<Dataset, 'classes' | 'classCounts' | 'count'>,
): number[] {
  if (given === null) return [];
  if (given !== 'balanced') {
    if (given.length === classes.length) return given;
    throw new SelfgradError(
      'ERR_OPTION',
      sentence(`${classes.length} numbers (one a class)`, 'train.classWeights', given),
    );
  }
  const missing = classCounts.indexOf(0);
  if (missing === -1) return classCounts.map((images) => count / (classes.length * images));
  throw new SelfgradError(
    'ERR_OPTION',
    `Expected images of every class for train.classWeights 'balanced' but ${classes[missing]} has none.`,
    { fix: 'Give the weights as a list.' },
  );
}

async function prepareDirectory(files: RunFiles, config: Config, resume: boolean): Promise<void> {
  try {
    mkdirSync(files.directory, { recursive: true });
    const [, ...held] = Object.values(files) as string[];
    if (!resume) for (const file of held) rmSync(file, { force: true });
    // What a process that was killed had not finished writing.
    const unfinished = (name: string) =>
      name.endsWith('.tmp') && held.some((file) => name.startsWith(`${basename(file)}.`));
    for (const name of readdirSync(files.directory).filter(unfinished)) rmSync(join(files.directory, name));
  } catch (cause) {
    throw new SelfgradError('ERR_WRITE', `Cannot create ${files.directory}: ${(cause as Error).message}.`, {
      fix: 'Name a directory that you may write to.',
      cause,
    });
  }
  // The core has yet to find whether a resumed run is the same: until then what the directory says must stand.
  if (!resume || !existsSync(files.config))
    await writeAtomic(files.config, `${JSON.stringify(config, null, 2)}\n`);
}

function appendEvent(files: RunFiles, event: TrainEvent): void {
  try {
    appendFileSync(files.events, `${JSON.stringify(event)}\n`);
  } catch (cause) {
    throw new SelfgradError('ERR_WRITE', `Cannot write ${files.events}: ${(cause as Error).message}.`, {
      fix: 'Check that the directory is writable and has space, then resume the run.',
      cause,
    });
  }
}
