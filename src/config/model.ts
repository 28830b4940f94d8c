/** The network: its architecture, its taps, and the normalisation that is its first layer. */
import { z } from 'zod';
import { choice, either, integer, list, number, section, text } from './option.ts';

export type Architecture = 'preact-resnet' | 'wide-resnet' | 'small-cnn';

export interface ModelConfig {
  architecture: Architecture;
  /** Residual blocks of each stage. */
  depths: number[];
  /** Channels of the first stage (preact-resnet, small-cnn), widening factor (wide-resnet). */
  width: number;
  activation: 'relu' | 'silu';
  /** Places of the self-gradient taps in training: `input`, `stem`, `stage1` … */
  taps: string[];
  /** Per channel, pixels in [0, 1]; `data` takes the training set's own. */
  mean: number[] | 'data';
  std: number[] | 'data';
}

/** @internal */
export const modelSchema = section('The network.', {
  architecture: choice(['preact-resnet', 'wide-resnet', 'small-cnn'], {
    description: 'Architecture.',
  }).prefault('preact-resnet'),
  depths: list(integer({ description: 'Blocks.', gte: 1 }), {
    description: 'Residual blocks of each stage.',
    expected: 'a list of block counts, one a stage',
    length: [1, 8],
  }).prefault([1, 1, 1]),
  width: integer({
    description: 'Channels of the first stage (preact-resnet, small-cnn), widening factor (wide-resnet).',
    gte: 1,
  }).prefault(16),
  activation: choice(['relu', 'silu'], { description: 'Activation function.' }).prefault('relu'),
  taps: list(
    text({ description: 'Place.', expected: 'input, stem or stageN', pattern: /^(input|stem|stage[1-9])$/ }),
    { description: 'Places of the self-gradient taps.', expected: 'a list of places: input, stem, stage1 …' },
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
}) satisfies z.ZodType<ModelConfig>;
