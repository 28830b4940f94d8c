/** `selfgrad stability`: how the loss of a model behaves around its test images, and a certified bound. */
import { Command } from 'commander';
import { renderStability } from '../../report/stabilityTable.ts';
import { writeAtomic } from '../../report/writeAtomic.ts';
import { addConfigFlags, type ConfigFlags, readConfig } from '../configFlags.ts';
import { announceDevice } from '../device.ts';
import { addSplitFlag, type MeasureFlags, measure } from '../measure.ts';
import { addModelFlags, modelArgument } from '../openModel.ts';
import { print, printJson } from '../output.ts';
import { progressOptions } from '../progress/progress.ts';
import { runLayers, runOf } from '../runFiles.ts';

type Flags = ConfigFlags & MeasureFlags & { out?: string; json?: boolean };

/** The command `selfgrad stability`. */
export function stabilityCommand(): Command {
  const command = new Command('stability')
    .description('gradients, curvature and linearity of the loss around test images, and a certified bound')
    .argument('<model>', modelArgument);
  addConfigFlags(command, ['seed', 'threads', 'device', 'data', 'threat', 'stability'])
    .option('--out <file>', 'also write the analysis as JSON, with the values of each image')
    .option('--json', 'the analysis as one JSON document on stdout');
  addSplitFlag(addModelFlags(command));
  for (const option of progressOptions()) command.addOption(option);
  return command.action(async (path: string, overrides: string[], flags: Flags) => {
    const { config } = await readConfig(flags, overrides, runLayers(runOf(path)));
    announceDevice(config.device);
    const { stability } = await import('../../stability.ts');
    const analysis = await measure(path, config, flags, (model, data, shared) =>
      stability(model, data, { ...config.stability, ...shared }),
    );
    if (flags.out !== undefined) await writeAtomic(flags.out, `${JSON.stringify(analysis, null, 2)}\n`);
    if (flags.json) printJson(analysis);
    else print(renderStability(analysis));
  });
}
