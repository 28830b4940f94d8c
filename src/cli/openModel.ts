/** The model that a command was given, of whatever kind it is. */
import type { Command } from 'commander';
import type { Config } from '../config/config.ts';
import type { Model } from '../model.ts';

export interface ModelFlags {
  architecture?: string;
}

/** What a command that takes a model says of its argument. */
export const modelArgument =
  'run directory, safetensors file, or TorchScript file (.pt: a program, so only one that you trust)';

/** Adds what a command asks about a model that selfgrad did not make. */
export function addModelFlags(command: Command): Command {
  return command.option(
    '--architecture <name>',
    'the file holds a PyTorch state_dict of preact-resnet-18 or wide-resnet-DEPTH-WIDTH; model.mean and model.std as it expects',
  );
}

/**
 * A TorchScript file by its ending, a state_dict where its architecture is named, else a file of selfgrad.
 *
 * @param inputShape of the images that it will be given
 * @throws SelfgradError as `loadModel` and `loadTorchScript`
 */
export async function openModel(
  path: string,
  { model }: Config,
  { architecture }: ModelFlags,
  inputShape: readonly [number, number, number],
): Promise<Model> {
  const given = {
    inputShape,
    mean: model.mean === 'data' ? null : model.mean,
    std: model.std === 'data' ? null : model.std,
  };
  const { loadModel } = await import('../model.ts');
  if (architecture !== undefined) {
    return loadModel(path, { architecture, activation: model.activation, ...given });
  }
  if (!path.endsWith('.pt')) return loadModel(path);
  const { loadTorchScript } = await import('../torchScript.ts');
  return loadTorchScript(path, given);
}
