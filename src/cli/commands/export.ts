/** `selfgrad export`: a trained network in the format of another runtime. */
import { Command, Option } from 'commander';
import { modelFile } from '../../runFiles.ts';
import { print, printJson } from '../output.ts';
import { runOf } from '../runFiles.ts';

/** The command `selfgrad export`. */
export function exportCommand(): Command {
  return new Command('export')
    .description('write a network for other runtimes')
    .argument('<model>', 'run directory, model.safetensors or checkpoint.safetensors')
    .addOption(new Option('--format <format>', 'format of the file').choices(['onnx']).default('onnx'))
    .option('--out <file>', 'where it goes (default: model.onnx in the run directory)')
    .option('--json', 'one JSON document on stdout')
    .action(async (path: string, { format, out, json }: { format: string; out?: string; json?: boolean }) => {
      const { loadModel } = await import('../../model.ts');
      const { exportOnnx } = await import('../../exportOnnx.ts');
      const written = out ?? runOf(path).onnx;
      using model = await loadModel(path);
      await exportOnnx(model, written);
      if (json) {
        printJson({ schema: 'selfgrad.export/1', format, model: modelFile(path), file: written });
      } else {
        print(`${format}  ${written}`);
      }
    });
}
