/** TorchScript files: models of PyTorch that come with their code. */
import { normalisation, scriptSchema } from './config/foreignModel.ts';
import { parse } from './config/option.ts';
import { checkFormat } from './fileFormat.ts';
import { fileSha256 } from './fileHash.ts';
import { Model } from './model.ts';
import { loadBinding } from './native/load.ts';

export interface TorchScriptOptions {
  /** Channels, height, width of the images. */
  inputShape: readonly [number, number, number];
  /**
   * What the model expects to be taken off and divided by, per channel, pixels in [0, 1]. Defaults to none: the model
   * takes pixels in [0, 1]. For [-1, 1] write 0.5 and 0.5, for [0, 255] 0 and 1 / 255.
   */
  mean?: number[] | null;
  std?: number[] | null;
}

let warned = false;

/** TorchScript is a program: whoever loads it should know where it comes from. Said once a process. */
function warnOnce(): void {
  if (warned) return;
  warned = true;
  process.emitWarning('A TorchScript file is a program: load only files that you trust.', {
    type: 'SelfgradWarning',
    code: 'W_TORCHSCRIPT',
    detail: 'docs/errors.md#w_torchscript',
  });
}

/**
 * Loads a model that `torch.jit.trace(model.eval(), example).save(path)` or `torch.jit.script(model)` wrote, in
 * evaluation mode and float32. The number of classes is read from its answer to two grey images. The file is a program
 * and is run: it must come from where you trust.
 *
 * @throws SelfgradError `ERR_CHECKPOINT` for a missing, damaged or foreign file, or a model that does not map such images
 *   to logits; `ERR_OPTION`
 * @example
 * using model = await loadTorchScript('model.pt', { inputShape: [3, 32, 32] });
 * const { robust } = await evaluate(model, data);
 */
export async function loadTorchScript(path: string, options: TorchScriptOptions): Promise<Model> {
  const given = parse(scriptSchema, options, 'loadTorchScript()');
  const [channels, height, width] = given.inputShape as [number, number, number];
  const declared = normalisation(channels, given.mean, given.std);
  checkFormat(path, 'zip');
  warnOnce();
  const none = { mean: Array<number>(channels).fill(0), std: Array<number>(channels).fill(1) };
  const normal = declared.mean.length === 0 ? none : declared;
  const native = loadBinding().loadTorchScript({ path, channels, height, width, ...normal });
  return new Model(native, {}, path, {
    sha256: await fileSha256(path),
    origin: 'torchscript',
    normalisation: normal,
  });
}
