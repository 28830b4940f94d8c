/** `selfgrad eval`: clean and robust accuracy of a model, and the report. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { nativeAttacks } from '../../config/attacks/attack.ts';
import type { Config } from '../../config/config.ts';
import { resolveThreads } from '../../config/device.ts';
import { formatEps } from '../../config/fraction.ts';
import { openData } from '../../data/open.ts';
import { countSavedImages } from '../../evaluate/imageFolder.ts';
import type { Evaluation } from '../../evaluation.ts';
import type { NativeDevice } from '../../native/binding.ts';
import { counted, grouped } from '../../report/format.ts';
import { renderTable } from '../../report/table.ts';
import { modelFile, runFiles } from '../../runFiles.ts';
import { addConfigFlags, type ConfigFlags, readConfig } from '../configFlags.ts';
import { announceDevice } from '../device.ts';
import { checkGates, type Gate, parseGate } from '../gate.ts';
import { addSplitFlag, type MeasureFlags, measure, measuredSplit } from '../measure.ts';
import { addModelFlags, modelArgument } from '../openModel.ts';
import { note, print, printJson } from '../output.ts';
import { progressOptions } from '../progress/progress.ts';
import { makeDirectory, writeResults } from '../results.ts';
import { runLayers, runOf } from '../runFiles.ts';

type Flags = ConfigFlags &
  MeasureFlags & {
    out?: string;
    shard?: string;
    resume?: boolean;
    saveImages?: string;
    dryRun?: boolean;
    json?: boolean;
    failUnder: Gate[];
  };

async function plan(path: string, config: Config, device: NativeDevice, flags: Flags) {
  const source = await openData(measuredSplit(config, flags));
  const count = Math.min(config.evaluate.count ?? source.count, source.count);
  return {
    schema: 'selfgrad.plan/1',
    model: modelFile(path),
    data: { name: source.name, split: source.split, count },
    threat: { ...config.threat, epsText: formatEps(config.threat.eps) },
    attacks: config.evaluate.attacks.flatMap((attack) =>
      nativeAttacks(attack, config.threat).map((planned) => ({
        ...planned,
        source: attack.name === 'transfer' ? modelFile(attack.model) : null,
      })),
    ),
    device,
    threads: resolveThreads(config.threads),
  };
}

function printPlan({
  model,
  data,
  threat,
  attacks,
  device,
  threads,
}: Awaited<ReturnType<typeof plan>>): void {
  print(
    [
      `evaluate  ${model}`,
      `data      ${data.name} ${data.split} ${grouped(data.count)}`,
      `threat    ${threat.norm} ${threat.epsText}`,
      ...attacks.map(({ name, inner, source, steps, restarts, eps }) =>
        [
          `attack    ${inner === '' ? name : `${name} ${inner}`}`,
          counted(steps, 'step'),
          counted(restarts, 'restart'),
          `eps ${formatEps(eps)}`,
          ...(source === null ? [] : [`gradients of ${source}`]),
        ].join(' · '),
      ),
      `device    ${device} · ${threads} threads`,
      'Nothing was run: this is --dry-run.',
    ].join('\n'),
  );
}

async function savedLine(folder: string, { images }: Evaluation): Promise<string> {
  const range = { first: images.first, count: images.brokenBy.length };
  const { count, afterRounding } = await countSavedImages(folder, range);
  return `images  ${folder}  ${grouped(count)} adversarial; ${grouped(afterRounding)} survive rounding to the 8 bits of a PNG`;
}

/** The command `selfgrad eval`. */
export function evalCommand(): Command {
  const command = new Command('eval')
    .description('measure clean and robust accuracy, and write the report')
    .argument('<model>', modelArgument);
  addConfigFlags(command, ['seed', 'threads', 'device', 'data', 'threat', 'evaluate'])
    .option(
      '--out <directory>',
      'where results go (default: the run directory; its subfolder validation or train for these)',
    )
    .option('--shard <i/n>', 'only the i-th of n parts of the images; `selfgrad merge` joins them')
    .option('--resume', 'go on with the evaluation that was interrupted')
    .option('--save-images <directory>', 'keep the adversarial images, as safetensors and PNG')
    .addOption(
      new Option('--fail-under <what=share>', 'exit 3 when below, e.g. robust=0.45; repeatable')
        .argParser(parseGate)
        .default([], 'none'),
    )
    .option('--dry-run', 'check everything and say what would run')
    .option('--json', 'the evaluation as one JSON document on stdout');
  addSplitFlag(addModelFlags(command));
  for (const option of progressOptions()) command.addOption(option);
  return command.action(async (path: string, overrides: string[], flags: Flags) => {
    const files = runOf(path);
    const top =
      flags.shard === undefined ? [] : [{ origin: '--shard', values: { evaluate: { shard: flags.shard } } }];
    const { config } = await readConfig(flags, overrides, runLayers(files), top);
    const device = announceDevice(config.device);
    if (flags.dryRun) {
      const planned = await plan(path, config, device, flags);
      return flags.json ? printJson(planned) : printPlan(planned);
    }
    const { evaluate } = await import('../../evaluate.ts');
    // The evaluation of a run is that of its test split; those of others stand apart.
    const home = flags.split === 'test' ? files.directory : join(files.directory, flags.split!);
    const written = runFiles(flags.out ?? home);
    await makeDirectory(written.directory);
    if (!flags.resume) await rm(written.partial, { force: true });
    const evaluation = await measure(
      path,
      config,
      flags,
      (model, data, shared) =>
        evaluate(model, data, {
          ...config.evaluate,
          ...shared,
          partial: written.partial,
          saveImages: flags.saveImages ?? null,
        }),
      () => (existsSync(written.partial) ? 'Repeat the command with --resume to go on.' : ''),
    );
    await writeResults(evaluation, files, written);
    if (flags.json) printJson(evaluation);
    else print(renderTable(evaluation));
    if (!flags.quiet) note(`report  ${written.report}`);
    if (!flags.quiet && flags.saveImages !== undefined) note(await savedLine(flags.saveImages, evaluation));
    checkGates(flags.failUnder, evaluation);
  });
}
