/** The model that a command was given, of whatever kind it is. */
import type { Command } from 'commander';
import type { Config } from '../config/config.ts';
import type { Model } from '../model.ts';
import { openModel } from '../openModel.ts';

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
    'the file holds a PyTorch state_dict of preact-resnet-18, wide-resnet-DEPTH-WIDTH, or layers, as model.layers lists them; model.mean and model.std as it expects',
  );
}

/**
 * The model of a command, whatever its kind.
 *
 * @param inputShape of the images that it will be given
 * @throws SelfgradError as `openModel`
 */
export async function openGivenModel(
  path: string,
  { model }: Config,
  { architecture }: ModelFlags,
  inputShape: readonly [number, number, number],
): Promise<Model> {
  return openModel(path, {
    inputShape,
    architecture: architecture ?? null,
    layers: architecture === 'layers' ? model.layers : null,
    activation: model.activation,
    mean: model.mean === 'data' ? null : model.mean,
    std: model.std === 'data' ? null : model.std,
  });
}
