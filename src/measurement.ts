/** What `evaluate()` and `stability()` share: their options, that model and data fit each other, and their records. */
import type { Config } from './config/config.ts';
import { type Device, resolveThreads } from './config/device.ts';
import type { EvaluateInput } from './config/evaluate.ts';
import { formatEps } from './config/fraction.ts';
import type { MaskingInput } from './config/masking.ts';
import { resolveConfig } from './config/resolve.ts';
import type { StabilityInput } from './config/stability.ts';
import { type Norm, refuseL1, type Threat, type ThreatInput } from './config/threat.ts';
import type { Dataset } from './data/dataset.ts';
import { SelfgradError } from './errors.ts';
import { machine, versions } from './machine.ts';
import type { Model } from './model.ts';
import type { NativeDevice } from './native/binding.ts';

/** Options of every measurement, beside those of its own. */
export interface MeasurementOptions<Event> {
  /** Defaults to Linf 8/255. */
  threat?: Threat | ThreatInput;
  /** Key of the random draws. Defaults to 0. */
  seed?: number;
  /** Defaults to `auto`. */
  threads?: number | 'auto';
  /** Where it is computed; the model moves there. Defaults to `auto`: a GPU where one can be used. */
  device?: Device;
  /** Stops between two passes; the promise rejects with its reason. */
  signal?: AbortSignal;
  onEvent?: (event: Event) => void;
}

/** What was measured, on which images, and with what: stated beside every result. */
export interface MeasurementRecord {
  createdAt: string;
  model: {
    architecture: string;
    parameters: number;
    path: string | null;
    strategy: string | null;
    sha256: string | null;
  };
  data: {
    name: string;
    split: string;
    count: number;
    classes: string[];
    shape: [number, number, number];
    sha256: string;
    note: string | null;
  };
  threat: { norm: Norm; eps: number; epsText: string };
  seed: number;
  device: string;
  versions: { selfgrad: string; libtorch: string; node: string };
  machine: { cpu: string; cores: number; threads: number };
}

/** A measurement that is ready to run. */
export interface Measurement<Event> extends Pick<MeasurementOptions<Event>, 'signal' | 'onEvent'> {
  model: Model;
  /** What the record says of the model: known before the run, in which the model may be disposed of. */
  about: MeasurementRecord['model'];
  data: Dataset;
  config: Config;
  threads: number;
  device: NativeDevice;
  /** The first images of the set, which are looked at. */
  count: number;
}

/**
 * Resolves the options of `evaluate()`, `stability()` or `masking()`, whose own ones are the configuration's group of that name, and
 * moves the model to its device.
 *
 * @throws SelfgradError `ERR_OPTION`; `ERR_DEVICE`; `ERR_DATA` when the data do not have the model's shape and classes
 */
export function prepareMeasurement<Event>(
  name: 'evaluate' | 'stability' | 'masking',
  model: Model,
  data: Dataset,
  options: MeasurementOptions<Event> & (EvaluateInput | StabilityInput | MaskingInput),
): Measurement<Event> {
  const { signal, onEvent, threat = {}, seed = 0, threads = 'auto', device = 'auto', ...own } = options;
  const values = { threat, seed, threads, device, [name]: own };
  const { config } = resolveConfig([{ origin: `${name}()`, values }]);
  if (name !== 'evaluate') refuseL1(config.threat.norm, `a ${name} analysis`);
  checkFit(model, data);
  const count = Math.min(config[name].count ?? data.count, data.count);
  const about = {
    architecture: model.architecture,
    parameters: model.parameterCount,
    path: model.path,
    strategy: model.metadata.strategy ?? null,
    sha256: model.sha256,
  };
  const place = { threads: resolveThreads(config.threads), device: model.to(config.device) };
  return { model, about, data, config, ...place, count, signal, onEvent };
}

function checkFit(model: Model, data: Dataset): void {
  const { channels, height, width, classes } = model.options;
  const wanted = [channels, height, width];
  if (wanted.some((size, i) => size !== data.shape[i])) {
    throw new SelfgradError(
      'ERR_DATA',
      `Expected images of ${wanted.join('×')} (what the model was built for) but ${data.name} holds ${data.shape.join('×')}.`,
      { fix: 'Evaluate on the data set that the model was trained for.' },
    );
  }
  if (classes !== data.classes.length) {
    throw new SelfgradError(
      'ERR_DATA',
      `Expected ${classes} classes (the width of the model's logits) but ${data.name} has ${data.classes.length}.`,
      { fix: 'Evaluate on the data set that the model was trained for.' },
    );
  }
}

/** The record of a measurement that has just ended. */
export function measurementRecord<Event>(measurement: Measurement<Event>): MeasurementRecord {
  const { about, data, config, threads, device, count } = measurement;
  const { threat, seed } = config;
  return {
    createdAt: new Date().toISOString(),
    model: about,
    data: {
      name: data.name,
      split: data.split,
      count,
      classes: [...data.classes],
      shape: [...data.shape],
      sha256: data.sha256,
      note: data.note,
    },
    threat: { ...threat, epsText: formatEps(threat.eps) },
    seed,
    device,
    versions: versions(),
    machine: machine(threads),
  };
}
