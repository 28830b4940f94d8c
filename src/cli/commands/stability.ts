/** `selfgrad stability`: how the loss of a model behaves around its test images, and a certified bound. */
import { Command } from 'commander';
import type { Config } from '../../config/config.ts';
import { splitRequest } from '../../config/data.ts';
import { resolveDevice } from '../../config/device.ts';
import { openData } from '../../data/open.ts';
import { renderStability } from '../../report/stabilityTable.ts';
import { writeAtomic } from '../../report/writeAtomic.ts';
import type { StabilityAnalysis } from '../../stabilityAnalysis.ts';
import { addConfigFlags, type ConfigFlags, commandLine, readConfig } from '../configFlags.ts';
import { interruptible } from '../interrupt.ts';
import { print, printJson } from '../output.ts';
import { openProgress, type ProgressFlags, progressOptions } from '../progress/progress.ts';
import { runLayers, runOf } from '../runFiles.ts';

type Flags = ConfigFlags & ProgressFlags & { out?: string; json?: boolean };

async function run(path: string, config: Config, flags: ProgressFlags): Promise<StabilityAnalysis> {
  const { loadModel } = await import('../../model.ts');
  const { stability } = await import('../../stability.ts');
  const { Dataset } = await import('../../data/dataset.ts');
  const progress = openProgress(flags);
  return interruptible(async (signal) => {
    try {
      using model = await loadModel(path);
      using data = await Dataset.from(await openData(splitRequest(config, 'test')), { signal });
      const { seed, threads, threat, stability: options } = config;
      const onEvent = progress.show;
      const analysis = await stability(model, data, { ...options, seed, threads, threat, signal, onEvent });
      return { ...analysis, command: commandLine(process.argv.slice(2)) };
    } finally {
      progress.close();
    }
  });
}

/** The command `selfgrad stability`. */
export function stabilityCommand(): Command {
  const command = new Command('stability')
    .description('gradients, curvature and linearity of the loss around test images, and a certified bound')
    .argument('<model>', 'run directory, model.safetensors or checkpoint.safetensors');
  addConfigFlags(command, ['seed', 'threads', 'device', 'data', 'threat', 'stability'])
    .option('--out <file>', 'also write the analysis as JSON, with the values of each image')
    .option('--json', 'the analysis as one JSON document on stdout');
  for (const option of progressOptions()) command.addOption(option);
  return command.action(async (path: string, overrides: string[], flags: Flags) => {
    const { config } = readConfig(flags, overrides, runLayers(runOf(path)));
    resolveDevice(config.device);
    const analysis = await run(path, config, flags);
    if (flags.out !== undefined) await writeAtomic(flags.out, `${JSON.stringify(analysis, null, 2)}\n`);
    if (flags.json) printJson(analysis);
    else print(renderStability(analysis));
  });
}
