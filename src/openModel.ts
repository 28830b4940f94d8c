/** A model file of any kind, told apart by its ending and by what its user says of it. */
import type { Model } from './model.ts';
import type { StateDictOptions } from './stateDict.ts';

/** What a path does not say of a model. */
export interface OpenModelOptions extends Pick<StateDictOptions, 'layers' | 'activation' | 'mean' | 'std'> {
  /** Of the images that it will be given. */
  inputShape: readonly [number, number, number];
  /** The file holds a PyTorch `state_dict` of this architecture; null for other files. */
  architecture: string | null;
}

/**
 * A state_dict where its architecture is named, a TorchScript file by its ending `.pt`, else a file or run of selfgrad.
 *
 * @throws SelfgradError as `loadModel` and `loadTorchScript`
 */
export async function openModel(
  path: string,
  { inputShape, architecture, layers, activation, mean, std }: OpenModelOptions,
): Promise<Model> {
  // Loaded here, so that a command line with an error in it does not wait for LibTorch.
  const { loadModel } = await import('./model.ts');
  if (architecture !== null)
    return loadModel(path, { architecture, layers, activation, inputShape, mean, std });
  if (!path.endsWith('.pt')) return loadModel(path);
  const { loadTorchScript } = await import('./torchScript.ts');
  return loadTorchScript(path, { inputShape, mean, std });
}
