/** The network of a configuration before it exists: its shapes are checked, its layers counted. */
import type { Config } from './config/config.ts';
import { tapPlaces } from './config/model.ts';
import { layersText } from './config/networkLayers.ts';
import type { NativeLayerCost, NativeModelOptions } from './native/binding.ts';
import { loadBinding } from './native/load.ts';

/** Channels, height, width. */
type Shape = readonly [number, number, number];

/** What the core needs to build it, but for the data's own normalisation: none stands in its place. */
export function networkOptions(
  { model, seed }: Pick<Config, 'model' | 'seed'>,
  [channels, height, width]: Shape,
  classes: number,
): NativeModelOptions {
  const { architecture } = model;
  return {
    architecture,
    channels,
    height,
    width,
    classes,
    depths: architecture === 'small-cnn' || architecture === 'layers' ? [] : model.depths,
    baseWidth: architecture === 'layers' ? 0 : model.width,
    activation: model.activation,
    taps: tapPlaces(model),
    mean: model.mean === 'data' ? Array(channels).fill(0) : model.mean,
    std: model.std === 'data' ? Array(channels).fill(1) : model.std,
    seed,
    layers: layersText(model.layers),
  };
}

/**
 * What each layer costs for one image of this shape.
 *
 * @throws SelfgradError `ERR_OPTION` for a network that does not fit the images, naming the layer
 */
export function networkCosts(
  config: Pick<Config, 'model' | 'seed'>,
  shape: Shape,
  classes: number,
): NativeLayerCost[] {
  return loadBinding().networkCosts(networkOptions(config, shape, classes));
}

/** Parameters and multiply-adds of all layers. */
export function totalCost(costs: readonly NativeLayerCost[]): { parameters: number; multiplyAdds: number } {
  const sum = (key: 'parameters' | 'multiplyAdds') => costs.reduce((total, cost) => total + cost[key], 0);
  return { parameters: sum('parameters'), multiplyAdds: sum('multiplyAdds') };
}
