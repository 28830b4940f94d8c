/** The weights of PyTorch models of our architectures, under the names that the robustness literature uses. */
import { normalisation, stateDictSchema } from './config/foreignModel.ts';
import { layersText, type NetworkLayerInput } from './config/networkLayers.ts';
import { parse, sentence } from './config/option.ts';
import { SelfgradError } from './errors.ts';
import type { NativeArchitecture, NativeModelOptions } from './native/binding.ts';

export interface StateDictOptions {
  /**
   * `preact-resnet-18`, `wide-resnet-28-10`, `wide-resnet-34-10` or any `wide-resnet-DEPTH-WIDTH`; or `preact-resnet`,
   * `preact-resnet-plain`, `wide-resnet`, `small-cnn` together with `depths` and `width`; or `layers` with `layers`.
   */
  architecture: string;
  /** Residual blocks of each stage. */
  depths?: number[] | null;
  /** Channels of the first stage, or widening factor. */
  width?: number | null;
  /** The network of the architecture `layers`, as the nn.Sequential of the file has it. */
  layers?: NetworkLayerInput[] | null;
  /** Defaults to relu. */
  activation?: 'relu' | 'silu';
  /** Channels, height, width. Defaults to [3, 32, 32]. */
  inputShape?: readonly [number, number, number];
  /** Per channel, pixels in [0, 1]. Defaults to the file's own (`mu`, `mean`, `normalize.mean`), else to none. */
  mean?: number[] | null;
  std?: number[] | null;
}

type Layout = Pick<NativeModelOptions, 'architecture' | 'depths' | 'baseWidth'>;

const listed: Layout = { architecture: 'layers', depths: [], baseWidth: 1 };

const plainNames: readonly NativeArchitecture[] = [
  'preact-resnet',
  'preact-resnet-plain',
  'wide-resnet',
  'small-cnn',
];

/** What a usual name stands for; undefined for another name. */
function layoutOf(name: string): Layout | undefined {
  if (name === 'preact-resnet-18') {
    return { architecture: 'preact-resnet', depths: [2, 2, 2, 2], baseWidth: 64 };
  }
  const [depth, width] = (/^wide-resnet-(\d+)-(\d+)$/.exec(name) ?? []).slice(1).map(Number);
  // Two convolutions a block, three stages, and four layers besides (Zagoruyko & Komodakis 2016).
  const blocks = (depth! - 4) / 6;
  if (!Number.isInteger(blocks) || blocks < 1 || blocks > 100 || width! < 1 || width! > 100) return undefined;
  return { architecture: 'wide-resnet', depths: [blocks, blocks, blocks], baseWidth: width! };
}

/**
 * The network that a file's weights belong into.
 *
 * @throws SelfgradError `ERR_OPTION`
 */
export function stateDictRequest(options: StateDictOptions): NativeModelOptions {
  const given = parse(stateDictSchema, options, 'loadModel()');
  const { architecture: name, depths, width, activation } = given;
  const [channels, height, size] = given.inputShape as [number, number, number];
  const plain = plainNames.find((known) => known === name);
  if ((name === 'layers') !== (given.layers !== null)) {
    throw new SelfgradError(
      'ERR_OPTION',
      sentence(name === 'layers' ? 'a list of layers' : 'null', 'layers', given.layers),
      {
        fix: 'The architecture layers, and no other, has a network that is listed, in a configuration file as model.layers.',
      },
    );
  }
  const layout =
    name === 'layers'
      ? listed
      : plain !== undefined && width !== null
        ? { architecture: plain, depths: depths ?? [], baseWidth: width }
        : layoutOf(name);
  if (layout === undefined) {
    throw new SelfgradError(
      'ERR_OPTION',
      `Expected preact-resnet-18, wide-resnet-DEPTH-WIDTH or layers for architecture but received '${name}' (string).`,
      { fix: `Or give depths and width with one of ${plainNames.join(', ')}.` },
    );
  }
  return {
    ...layout,
    channels,
    height,
    width: size,
    classes: 0,
    activation,
    taps: [],
    ...normalisation(channels, given.mean, given.std),
    seed: 0,
    layers: layersText(given.layers),
  };
}
