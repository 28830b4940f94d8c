/** `selfgrad masking`: signs that gradients are masked and robust accuracy is not what it seems. */
import { Command } from 'commander';
import { SelfgradError } from '../../errors.ts';
import { renderMasking } from '../../report/maskingTable.ts';
import { writeAtomic } from '../../report/writeAtomic.ts';
import { addConfigFlags, type ConfigFlags, readConfig } from '../configFlags.ts';
import { announceDevice } from '../device.ts';
import { addSplitFlag, type MeasureFlags, measure } from '../measure.ts';
import { addModelFlags, modelArgument } from '../openModel.ts';
import { print, printJson } from '../output.ts';
import { progressOptions } from '../progress/progress.ts';
import { runLayers, runOf } from '../runFiles.ts';

type Flags = ConfigFlags & MeasureFlags & { out?: string; json?: boolean; failIfSuspect?: boolean };

/** The command `selfgrad masking`. */
export function maskingCommand(): Command {
  const command = new Command('masking')
    .description('look for signs of masked gradients: one verdict with its evidence')
    .argument('<model>', modelArgument);
  addConfigFlags(command, ['seed', 'threads', 'device', 'data', 'threat', 'masking'])
    .option('--out <file>', 'also write the checks as JSON')
    .option('--fail-if-suspect', 'exit 3 when a check is raised')
    .option('--json', 'the checks as one JSON document on stdout');
  addSplitFlag(addModelFlags(command));
  for (const option of progressOptions()) command.addOption(option);
  return command.action(async (path: string, overrides: string[], flags: Flags) => {
    const { config } = await readConfig(flags, overrides, runLayers(runOf(path)));
    announceDevice(config.device);
    const { masking } = await import('../../masking.ts');
    const analysis = await measure(path, config, flags, (model, data, shared) =>
      masking(model, data, { ...config.masking, ...shared }),
    );
    if (flags.out !== undefined) await writeAtomic(flags.out, `${JSON.stringify(analysis, null, 2)}\n`);
    if (flags.json) printJson(analysis);
    else print(renderMasking(analysis));
    if (flags.failIfSuspect && analysis.verdict === 'suspect') {
      const raised = analysis.checks.filter((check) => check.raised).map(({ name }) => name);
      throw new SelfgradError('ERR_GATE', `The gate was not met: ${raised.join(', ')} raised.`);
    }
  });
}
