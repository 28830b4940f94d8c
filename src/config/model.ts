/** The network: its architecture, its taps, and the normalisation that is its first layer. */
import { z } from 'zod';
import {
  listedPlaces,
  type NetworkLayer,
  type NetworkLayerInput,
  networkLayersSchema,
} from './networkLayers.ts';
import { choice, either, integer, list, number, section, sentence, text } from './option.ts';

export type Architecture = 'preact-resnet' | 'wide-resnet' | 'small-cnn' | 'layers';

export interface ModelConfig {
  architecture: Architecture;
  /** Residual blocks of each stage (preact-resnet, wide-resnet). */
  depths: number[];
  /** Channels of the first stage (preact-resnet, small-cnn), widening factor (wide-resnet). */
  width: number;
  activation: 'relu' | 'silu';
  /** The network of the architecture `layers`; null for the others. */
  layers: NetworkLayer[] | null;
  /** Places of the self-gradient taps in training: `input`, `stem`, `stage1` …; those of `layers` come on top. */
  taps: string[];
  /** Per channel, pixels in [0, 1]; `data` takes the training set's own. */
  mean: number[] | 'data';
  std: number[] | 'data';
}

/** `ModelConfig` as a user writes it: every field has a default. */
export interface ModelInput extends Partial<Omit<ModelConfig, 'layers'>> {
  /** Layers from the image to the logits; a bare name stands for a layer with its defaults. Defaults to null. */
  layers?: NetworkLayerInput[] | null;
}

/** Every place where a tap stands. */
export function tapPlaces({ taps, layers }: Pick<ModelConfig, 'taps' | 'layers'>): string[] {
  return [...new Set([...taps, ...listedPlaces(layers)])];
}

/** @internal */
export const modelSchema = section('The network.', {
  architecture: choice(['preact-resnet', 'wide-resnet', 'small-cnn', 'layers'], {
    description: 'Architecture.',
  }).prefault('preact-resnet'),
  depths: list(integer({ description: 'Blocks.', gte: 1 }), {
    description: 'Residual blocks of each stage (preact-resnet, wide-resnet).',
    expected: 'a list of block counts, one a stage',
    length: [1, 8],
  }).prefault([1, 1, 1]),
  width: integer({
    description: 'Channels of the first stage (preact-resnet, small-cnn), widening factor (wide-resnet).',
    gte: 1,
  }).prefault(16),
  activation: choice(['relu', 'silu'], { description: 'Activation function.' }).prefault('relu'),
  layers: networkLayersSchema.nullable().prefault(null),
  taps: list(
    text({ description: 'Place.', expected: 'input, stem or stageN', pattern: /^(input|stem|stage[1-9])$/ }),
    {
      description: 'Places of the self-gradient taps; those of layers come on top.',
      expected: 'a list of places: input, stem, stage1 …',
    },
  ).prefault(['input']),
  mean: either(
    [
      z.literal('data'),
      list(number({ description: 'Mean.', gte: 0, lte: 1 }), {
        description: 'Means.',
        expected: 'means',
        length: [1],
      }),
    ],
    {
      description: "Mean of each channel that the first layer takes off; data: the training set's.",
      expected: 'data or a list of numbers in [0, 1], one a channel',
    },
  ).prefault('data'),
  std: either(
    [
      z.literal('data'),
      list(number({ description: 'Deviation.', gt: 0 }), {
        description: 'Deviations.',
        expected: 'deviations',
        length: [1],
      }),
    ],
    {
      description: "Deviation of each channel that the first layer divides by; data: the training set's.",
      expected: 'data or a list of numbers > 0, one a channel',
    },
  ).prefault('data'),
}).superRefine(({ architecture, layers }, context) => {
  if (context.issues.length > 0 || (architecture === 'layers') === (layers !== null)) return;
  const [expected, received, fix] =
    layers === null
      ? ['a list of layers', layers, 'The architecture layers has no network but the one that is listed.']
      : ['null', layers, `Write model.architecture=layers: ${architecture} has layers of its own.`];
  context.addIssue({
    code: 'custom',
    path: ['layers'],
    input: layers,
    message: sentence(expected, 'model.layers', received, fix),
  });
}) satisfies z.ZodType<ModelConfig>;
