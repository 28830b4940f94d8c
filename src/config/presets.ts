/** Named starting points. */
import { SelfgradError } from '../errors.ts';
import type { ConfigInput } from './config.ts';
import { didYouMean, oneOf, sentence } from './option.ts';

type Preset = { description: string; values: Omit<ConfigInput, 'preset'> };

const presets = {
  quickstart: {
    description: 'Fashion-MNIST subset that ships with the package, under a minute on two cores',
    values: {
      data: { source: 'fashion-mnist-mini' },
      model: { architecture: 'small-cnn', width: 16 },
      threat: { norm: 'linf', eps: 0.1 },
      train: {
        strategy: 'self-gradient',
        epochs: 12,
        batchSize: 128,
        lr: 0.05,
        crop: 1,
        flip: true,
        validate: { every: 1, count: 500 },
      },
      evaluate: { count: 1000, epsCurve: { count: 250 } },
    },
  },
  'cifar10-small': {
    description: 'CIFAR-10, PreAct ResNet-8 of width 16, 12 passes: minutes on a CPU',
    values: {
      data: { source: 'cifar10' },
      model: { architecture: 'preact-resnet', depths: [1, 1, 1], width: 16, activation: 'silu' },
      threat: { norm: 'linf', eps: '8/255' },
      train: {
        strategy: 'self-gradient',
        passes: 12,
        lr: 0.2,
        // A small network underfits in so short a run: without random crops it gains on clean and attacked images.
        crop: 0,
        batchSize: 128,
        precision: 'bfloat16',
      },
      evaluate: { count: 2000 },
    },
  },
  'cifar10-resnet18': {
    description: 'CIFAR-10, PreAct ResNet-18, the setting of most papers: for a GPU',
    values: {
      data: { source: 'cifar10' },
      model: { architecture: 'preact-resnet', depths: [2, 2, 2, 2], width: 64 },
      threat: { norm: 'linf', eps: '8/255' },
      train: {
        strategy: 'self-gradient',
        epochs: 30,
        batchSize: 128,
        precision: 'bfloat16',
      },
    },
  },
  'imagenette-like-224': {
    description: 'photos of 224×224 in folders by class, such as Imagenette; PreAct ResNet-18: for a GPU',
    values: {
      data: { source: 'image-folder', size: [224, 224] },
      model: {
        architecture: 'layers',
        layers: [
          // The stem of ResNets for ImageNet: a sixteenth of the pixels is left for the blocks.
          { name: 'conv', channels: 64, kernel: 7, stride: 2 },
          { name: 'max-pool', kernel: 3, stride: 2, padding: 1 },
          { name: 'tap', place: 'stem' },
          { name: 'residual', channels: 64, blocks: 2 },
          { name: 'residual', channels: 128, blocks: 2, stride: 2 },
          { name: 'residual', channels: 256, blocks: 2, stride: 2 },
          { name: 'residual', channels: 512, blocks: 2, stride: 2 },
          'norm-activation',
          'global-average-pool',
          'linear',
        ],
      },
      threat: { norm: 'linf', eps: '4/255' },
      train: {
        strategy: 'self-gradient',
        epochs: 60,
        batchSize: 64,
        crop: 28,
        precision: 'bfloat16',
      },
    },
  },
} as const satisfies Record<string, Preset>;

export type PresetName = keyof typeof presets;

/** All presets, smallest first. */
export const presetNames = Object.keys(presets) as PresetName[];

/** What a preset is for, in a few words. */
export function presetDescription(name: PresetName): string {
  return presets[name].description;
}

/**
 * The values that a preset sets.
 *
 * @throws SelfgradError `ERR_OPTION` for a name that is not one of `presetNames`
 */
export function presetValues(name: unknown): Omit<ConfigInput, 'preset'> {
  if (typeof name === 'string' && Object.hasOwn(presets, name))
    return structuredClone<Preset>(presets[name as PresetName]).values;
  throw new SelfgradError('ERR_OPTION', sentence(oneOf(presetNames), 'preset', name), {
    fix: didYouMean(name, presetNames),
  });
}
