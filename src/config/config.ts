/** The whole configuration: one schema gives types, defaults, ranges, help and the JSON Schema. */
import type { z } from 'zod';
import { type DataConfig, dataSchema } from './data.ts';
import { type Device, deviceSchema, threadsSchema } from './device.ts';
import { type EvaluateConfig, type EvaluateInput, evaluateSchema } from './evaluate.ts';
import { type MaskingConfig, type MaskingInput, maskingSchema } from './masking.ts';
import { type ModelConfig, type ModelInput, modelSchema, tapPlaces } from './model.ts';
import { integer, section, sentence } from './option.ts';
import type { PresetName } from './presets.ts';
import { type StabilityConfig, type StabilityInput, stabilitySchema } from './stability.ts';
import { type Threat, type ThreatInput, threatSchema } from './threat.ts';
import { type TrainConfig, type TrainInput, trainSchema } from './train.ts';

/** A complete, checked configuration; itself a valid `ConfigInput`. */
export interface Config {
  /** Key of all random draws. */
  seed: number;
  /** Threads that compute; `auto` takes all cores that this process may use. */
  threads: number | 'auto';
  device: Device;
  data: DataConfig;
  model: ModelConfig;
  threat: Threat;
  train: TrainConfig;
  evaluate: EvaluateConfig;
  stability: StabilityConfig;
  masking: MaskingConfig;
}

/** A configuration as a user writes it: every field has a default. */
export interface ConfigInput {
  /** Starting point whose values the others override. Defaults to none. */
  preset?: PresetName;
  /** Key of all random draws, an integer in [0, 2^53). Defaults to 0. */
  seed?: number;
  /** At least 1, or `auto`. Defaults to `auto`. */
  threads?: number | 'auto';
  /** Defaults to `auto`. */
  device?: Device;
  data?: Partial<DataConfig>;
  model?: ModelInput;
  threat?: ThreatInput;
  train?: TrainInput;
  evaluate?: EvaluateInput;
  stability?: StabilityInput;
  masking?: MaskingInput;
}

/** @internal `evaluate.attacks` may still be null here: `resolveConfig` fills it in. */
export const configSchema = section('Configuration of selfgrad.', {
  seed: integer({ description: 'Key of all random draws.', gte: 0 }).prefault(0),
  threads: threadsSchema.prefault('auto'),
  device: deviceSchema.prefault('auto'),
  data: dataSchema.prefault({}),
  model: modelSchema.prefault({}),
  threat: threatSchema.prefault({}),
  train: trainSchema.prefault({}),
  evaluate: evaluateSchema.prefault({}),
  stability: stabilitySchema.prefault({}),
  masking: maskingSchema.prefault({}),
}).superRefine(({ model, train: { strategy } }, context) => {
  if (context.issues.length > 0 || strategy.name !== 'self-gradient') return;
  const wanted = ['input', ...strategy.features.map(({ place }) => place)];
  for (const place of wanted.filter((name) => !tapPlaces(model).includes(name))) {
    context.addIssue({
      code: 'custom',
      path: ['model', 'taps'],
      input: model.taps,
      message: sentence(
        `a tap at ${place}, which train.strategy reads,`,
        'model.taps',
        tapPlaces(model),
        model.architecture === 'layers' && place !== 'input'
          ? `Add { name: tap, place: ${place} } to model.layers.`
          : undefined,
      ),
    });
  }
  if (strategy.features.length > 0 && strategy.steps === 0) {
    context.addIssue({
      code: 'custom',
      path: ['train', 'strategy', 'steps'],
      input: strategy.steps,
      message: sentence(
        'an integer >= 1',
        'train.strategy.steps',
        strategy.steps,
        'Features move along the gradients of an attack pass: give one, or no features.',
      ),
    });
  }
}) satisfies z.ZodType<Omit<Config, 'evaluate'>>;
