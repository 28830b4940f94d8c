/** What a user says of a model that selfgrad did not make. */
import { SelfgradError } from '../errors.ts';
import { networkLayersSchema } from './networkLayers.ts';
import { choice, integer, list, number, section, text } from './option.ts';

/** @internal One number a channel, or null. */
export const channelValues = (what: string) =>
  list(number({ description: `${what}.` }), {
    description: `${what} of each channel, pixels in [0, 1].`,
    expected: 'a list of numbers, one a channel',
    length: [1],
  })
    .nullable()
    .prefault(null);

const inputShape = list(integer({ description: 'Length.', gte: 1 }), {
  description: 'Shape of the images: channels, height, width.',
  expected: '[channels, height, width]',
  length: [3, 3],
});

/** @internal */
export const scriptSchema = section('A TorchScript model.', {
  inputShape,
  mean: channelValues('Mean'),
  std: channelValues('Deviation'),
});

/** @internal */
export const functionSchema = section('A model that is a function.', {
  classes: integer({ description: 'Number of classes.', gte: 2 }),
  inputShape,
});

/** @internal */
export const stateDictSchema = section('The state_dict of a PyTorch model.', {
  architecture: text({
    description: 'Architecture.',
    expected: 'preact-resnet-18, wide-resnet-28-10, wide-resnet-34-10 or the like, or layers',
  }),
  depths: list(integer({ description: 'Blocks.', gte: 1 }), {
    description: 'Residual blocks of each stage.',
    expected: 'a list of block counts, one a stage',
    length: [0, 8],
  })
    .nullable()
    .prefault(null),
  width: integer({ description: 'Channels of the first stage, or widening factor.', gte: 1, lte: 4096 })
    .nullable()
    .prefault(null),
  layers: networkLayersSchema.nullable().prefault(null),
  activation: choice(['relu', 'silu'], { description: 'Activation function.' }).prefault('relu'),
  inputShape: inputShape.prefault([3, 32, 32]),
  mean: channelValues('Mean'),
  std: channelValues('Deviation'),
});

/**
 * Both lists of a normalisation, empty where none was given.
 *
 * @throws SelfgradError `ERR_OPTION` when one is missing, too short, or a deviation is not above zero
 */
export function normalisation(
  count: number,
  mean: number[] | null,
  std: number[] | null,
): { mean: number[]; std: number[] } {
  if (mean === null && std === null) return { mean: [], std: [] };
  if (mean?.length === count && std?.length === count && std.every((value) => value > 0))
    return { mean, std };
  throw new SelfgradError(
    'ERR_OPTION',
    `Expected ${count} numbers, one a channel, for mean and ${count} above zero for std but received ${JSON.stringify(mean)} and ${JSON.stringify(std)}.`,
    { fix: 'Give both, or neither for a model that takes pixels in [0, 1].' },
  );
}
