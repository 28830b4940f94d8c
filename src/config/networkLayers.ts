/** A network as a list: layers, residual blocks, and the places of taps. */
import { z } from 'zod';
import { flag, integer, list, named, section, text } from './option.ts';

/** Activations of all layers are `model.activation`; a last layer gives one logit a class. */
export type NetworkLayer =
  /**
   * Square convolution. `padding` null: half the kernel, rounded down. Channels fall into `groups`, each seen by its own
   * share of the output; as many groups as channels make it depthwise.
   */
  | {
      name: 'conv';
      channels: number;
      kernel: number;
      stride: number;
      padding: number | null;
      groups: number;
      bias: boolean;
    }
  /** BatchNorm, then the activation, fused. */
  | { name: 'norm-activation' }
  | { name: 'activation' }
  /** Pre-activation basic blocks (He et al. 2016, arXiv 1603.05027); the first has the stride. */
  | { name: 'residual'; channels: number; blocks: number; stride: number }
  /** The same of bottleneck blocks, a quarter of the channels inside. */
  | { name: 'bottleneck'; channels: number; blocks: number; stride: number }
  /** `stride` null: the kernel. Padding is never the largest, and counts as zeros in an average. */
  | { name: 'max-pool' | 'average-pool'; kernel: number; stride: number | null; padding: number }
  /** The mean over pixels: channels are left. */
  | { name: 'global-average-pool' }
  /** `features` null: one a class. */
  | { name: 'linear'; features: number | null }
  /** A place that `train.strategy.features` may name. */
  | { name: 'tap'; place: string };

/** Of the group called `Name`, what may be left out. */
type Written<Name extends NetworkLayer['name'], Required extends string = never> = {
  [Key in keyof Extract<NetworkLayer, { name: Name }> as Key extends 'name' | Required
    ? Key
    : never]: Extract<NetworkLayer, { name: Name }>[Key];
} & Partial<Omit<Extract<NetworkLayer, { name: Name }>, 'name' | Required>>;

/** A layer as a user writes it; a bare name stands for its defaults. */
export type NetworkLayerInput =
  | 'norm-activation'
  | 'activation'
  | 'max-pool'
  | 'average-pool'
  | 'global-average-pool'
  | 'linear'
  | NetworkLayer
  | Written<'conv', 'channels'>
  | Written<'residual', 'channels'>
  | Written<'bottleneck', 'channels'>
  | ({ name: 'max-pool' | 'average-pool' } & { kernel?: number; stride?: number | null; padding?: number })
  | Written<'linear'>;

const channels = integer({ description: 'Channels of the output.', gte: 1, lte: 65536 });
const side = (description: string) => integer({ description, gte: 1, lte: 64 });

const pool = <const Name extends 'max-pool' | 'average-pool'>(name: Name, description: string) =>
  section(description, {
    name: z.literal(name),
    kernel: side('Side of the windows in pixels.').prefault(2),
    stride: side('Distance of the windows in pixels; null: the kernel.').nullable().prefault(null),
    padding: integer({
      description: 'Pixels around the image, at most half the kernel.',
      gte: 0,
      lte: 32,
    }).prefault(0),
  });

const plain = <const Name extends string>(name: Name, description: string) =>
  section(description, { name: z.literal(name) });

/** @internal */
export const networkLayersSchema = list(
  named(
    [
      'conv',
      'norm-activation',
      'activation',
      'residual',
      'bottleneck',
      'max-pool',
      'average-pool',
      'global-average-pool',
      'linear',
      'tap',
    ],
    'A layer.',
    [
      section('Convolution.', {
        name: z.literal('conv'),
        channels,
        kernel: side('Side of the kernel in pixels.').prefault(3),
        stride: side('Distance of the windows in pixels.').prefault(1),
        padding: integer({
          description: 'Zeros around the image, fewer than the kernel; null: half the kernel.',
          gte: 0,
          lte: 63,
        })
          .nullable()
          .prefault(null),
        groups: integer({
          description: 'Groups of channels that are apart; as many as channels: depthwise.',
          gte: 1,
          lte: 65536,
        }).prefault(1),
        bias: flag({ description: 'Whether it has a bias.' }).prefault(false),
      }),
      plain('norm-activation', 'BatchNorm and the activation.'),
      plain('activation', 'The activation alone.'),
      section('Pre-activation residual blocks.', {
        name: z.literal('residual'),
        channels,
        blocks: side('How many blocks.').prefault(1),
        stride: side('Stride of the first block.').prefault(1),
      }),
      section('Pre-activation bottleneck blocks.', {
        name: z.literal('bottleneck'),
        channels: integer({ description: 'Channels of the output, a multiple of 4.', gte: 4, lte: 65536 }),
        blocks: side('How many blocks.').prefault(1),
        stride: side('Stride of the first block.').prefault(1),
      }),
      pool('max-pool', 'The largest value of each window.'),
      pool('average-pool', 'The mean of each window; padding counts as zeros.'),
      plain('global-average-pool', 'The mean over pixels.'),
      section('Linear layer.', {
        name: z.literal('linear'),
        features: integer({ description: 'Values of the output; null: one a class.', gte: 1, lte: 1_048_576 })
          .nullable()
          .prefault(null),
      }),
      section('A place where a self-gradient tap stands.', {
        name: z.literal('tap'),
        place: text({
          description: 'Its name.',
          expected: 'a name of 1 to 64 letters and digits other than input',
          pattern: /^(?!input$)[A-Za-z0-9]{1,64}$/,
        }),
      }),
    ],
  ),
  {
    description: 'Layers of the architecture layers, from the image to the logits; null for the others.',
    expected: 'a list of 1 to 256 layers',
    length: [1, 256],
  },
) satisfies z.ZodType<NetworkLayer[]>;

/** Places of the taps in a list, in its order. */
export function listedPlaces(layers: readonly NetworkLayer[] | null): string[] {
  return (layers ?? []).flatMap((layer) => (layer.name === 'tap' ? [layer.place] : []));
}

/** What stands for null. */
function filled(layer: NetworkLayer): object {
  switch (layer.name) {
    case 'conv':
      return { ...layer, padding: layer.padding ?? Math.floor(layer.kernel / 2) };
    case 'max-pool':
    case 'average-pool':
      return { ...layer, stride: layer.stride ?? layer.kernel };
    case 'linear':
      return { ...layer, features: layer.features ?? 0 };
    default:
      return layer;
  }
}

/** The list as the core reads it and model files hold it: `conv channels=16 kernel=3 …; norm-activation; …`. */
export function layersText(layers: readonly NetworkLayer[] | null): string {
  return (layers ?? [])
    .map((layer) => {
      const { name, ...options } = filled(layer) as { name: string } & Record<string, unknown>;
      const fields = Object.entries(options).map(
        ([key, value]) => `${key}=${typeof value === 'boolean' ? Number(value) : value}`,
      );
      return [name, ...fields].join(' ');
    })
    .join('; ');
}
