/** `selfgrad train`: trains a network into a run directory. */
import { existsSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import type { Config } from '../../config/config.ts';
import { splitRequest } from '../../config/data.ts';
import { resolveThreads } from '../../config/device.ts';
import { formatEps } from '../../config/fraction.ts';
import type { ResolvedConfig } from '../../config/resolve.ts';
import { passesPerExample } from '../../config/strategies/strategy.ts';
import { refuseL1 } from '../../config/threat.ts';
import { resolveEpochs, stepsPerEpoch } from '../../config/train.ts';
import { openData } from '../../data/open.ts';
import { rankFromEnvironment } from '../../distributed.ts';
import { SelfgradError } from '../../errors.ts';
import type { NativeDevice } from '../../native/binding.ts';
import { networkCosts, totalCost } from '../../networkCosts.ts';
import { duration, grouped } from '../../report/format.ts';
import { EventFile } from '../../report/tensorboard.ts';
import { checkRunDirectory, runFiles } from '../../runFiles.ts';
import type { TrainResult } from '../../train.ts';
import { addConfigFlags, addPresetFlag, type ConfigFlags, readConfig } from '../configFlags.ts';
import { announceDevice } from '../device.ts';
import { interruptible } from '../interrupt.ts';
import { note, print, printJson } from '../output.ts';
import { eventLines } from '../progress/line.ts';
import { openProgress, type ProgressFlags, progressOptions } from '../progress/progress.ts';
import { readHistory, runLayers } from '../runFiles.ts';

type Flags = ConfigFlags &
  ProgressFlags & {
    out?: string;
    resume?: string | true;
    overwrite?: boolean;
    dryRun?: boolean;
    json?: boolean;
    watch?: boolean;
    watchPort?: number;
    tensorboard?: boolean;
    distributed?: boolean;
    rankTimeout?: number;
  };

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65535) return port;
  throw new InvalidArgumentError('Expected a port from 0 to 65535.');
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (text.trim() !== '' && seconds > 0 && seconds <= 86_400) return seconds;
  throw new InvalidArgumentError('Expected seconds above 0, up to 86400.');
}

/** Rank 0 alone has a run directory and speaks. */
function leadsRanks({ distributed }: Flags): boolean {
  return !distributed || rankFromEnvironment().rank === 0;
}

/** A new directory for a run that was given none: `runs/20260131-235959`. */
function newRun(now: Date): string {
  const [day, time] = now.toISOString().replace(/[-:]/g, '').split('T') as [string, string];
  return `runs/${day}-${time.slice(0, 6)}`;
}

/** The directory of the run, and whether it is continued. */
function target({ out, resume }: Flags): { directory: string; resume: boolean } {
  if (resume === undefined) return { directory: out ?? newRun(new Date()), resume: false };
  const directory = resume === true ? out : resume;
  if (directory === undefined || (resume !== true && out !== undefined && out !== resume)) {
    throw new SelfgradError('ERR_OPTION', 'Expected one run directory for --resume.', {
      fix: 'Write --resume DIR, where DIR is the run to continue.',
    });
  }
  return { directory, resume: true };
}

/** What will run, before anything does. */
async function plan(config: Config, device: NativeDevice, directory: string) {
  refuseL1(config.threat.norm, 'training');
  const { train, model, threat } = config;
  const source = await openData(splitRequest(config, 'train'));
  const shape = [source.channels, source.height, source.width] as const;
  const epochs = resolveEpochs(train);
  return {
    schema: 'selfgrad.plan/1',
    strategy: train.strategy.name,
    architecture: model.architecture,
    network: totalCost(networkCosts(config, shape, source.classes.length)),
    data: { name: source.name, count: source.count, shape },
    threat: { ...threat, epsText: formatEps(threat.eps) },
    epochs,
    passesPerExample: epochs * passesPerExample(train.strategy, train.weightPerturbation > 0),
    steps: Math.max(1, Math.round(epochs * stepsPerEpoch(train, source.count))),
    batchSize: train.batchSize,
    device,
    threads: resolveThreads(config.threads),
    out: directory,
  };
}

function printPlan(p: Awaited<ReturnType<typeof plan>>): void {
  print(
    [
      `train     ${p.strategy} · ${p.architecture} · ${p.threat.norm} ${p.threat.epsText}`,
      `network   ${grouped(p.network.parameters)} parameters · ${grouped(p.network.multiplyAdds)} multiply-adds an image`,
      `data      ${p.data.name} · ${grouped(p.data.count)} images of ${p.data.shape.join('×')}`,
      `length    ${Number(p.epochs.toFixed(3))} epochs · ${Number(p.passesPerExample.toFixed(3))} passes per example · ${grouped(p.steps)} steps of ${p.batchSize} images`,
      `device    ${p.device} · ${p.threads} threads`,
      `out       ${p.out}`,
      'Nothing was run: this is --dry-run.',
    ].join('\n'),
  );
}

/** The summary; with the epochs above it when progress has not left them to be read. */
function printResult(
  { history, seconds, imagesPerSecond }: TrainResult,
  directory: string,
  epochs: boolean,
): void {
  if (epochs) {
    const lines = eventLines(print, () => 0);
    for (const event of history) if (event.type === 'epoch' || event.type === 'eval') lines(event);
    lines(undefined);
  }
  const files = runFiles(directory);
  print(
    `trained in ${duration(seconds)}${imagesPerSecond > 0 ? `, ${grouped(imagesPerSecond)} images/s` : ''}`,
  );
  print(`model   ${files.model}`);
  print(`next    selfgrad eval ${directory}`);
}

function resultDocument({ history, config, model: _, ...rest }: TrainResult) {
  return {
    schema: 'selfgrad.train/1',
    ...rest,
    history: history.filter(({ type }) => type !== 'step'),
    config,
  };
}

/** The live page, with its address on stderr; null without --watch. */
async function openWatchPage(config: Config, directory: string, resume: boolean, flags: Flags) {
  if (!flags.watch && flags.watchPort === undefined) return null;
  const { openWatch } = await import('../watch/watch.ts');
  const watch = await openWatch({
    config,
    directory,
    history: resume ? readHistory(runFiles(directory)) : [],
    port: flags.watchPort ?? 0,
    // As Ctrl-C does, on every platform.
    onStop: () => process.emit('SIGINT', 'SIGINT'),
  });
  note(`watch  ${watch.url}`);
  return watch;
}

async function run(
  { config }: ResolvedConfig,
  directory: string,
  resume: boolean,
  flags: Flags,
): Promise<void> {
  const { train } = await import('../../train.ts');
  const progress = openProgress(flags);
  const hint = () => {
    // The run directory is rank 0's.
    if (!leadsRanks(flags)) return '';
    return existsSync(runFiles(directory).checkpoint)
      ? `To go on: selfgrad train --resume ${directory}`
      : 'There is no checkpoint to go on from.';
  };
  const job = async (signal: AbortSignal) => {
    const watch = await openWatchPage(config, directory, resume, flags);
    let curves: EventFile | undefined;
    try {
      const training = train(config, {
        signal,
        out: directory,
        resume,
        overwrite: flags.overwrite ?? false,
        distributed: flags.distributed ? 'env' : null,
        ...(flags.rankTimeout !== undefined && { rankTimeoutMs: 1000 * flags.rankTimeout }),
      });
      for await (const event of training) {
        progress.show(event);
        watch?.show(event);
        // With its first event the run has its directory.
        if (flags.tensorboard) curves ??= new EventFile({ directory, resume });
        curves?.show(event);
      }
      return await training.result;
    } finally {
      progress.close();
      curves?.close();
      await watch?.close();
    }
  };
  const result = await interruptible(job, hint).catch((error: unknown) => {
    const lost = error instanceof SelfgradError && error.code === 'ERR_RANK';
    throw lost
      ? new SelfgradError('ERR_RANK', error.message, { fix: hint() || undefined, cause: error })
      : error;
  });
  if (result.distributed !== null && result.distributed.rank > 0) return result.model.dispose();
  try {
    if (flags.json) printJson(resultDocument(result));
    else printResult(result, directory, !progress.leavesLines);
  } finally {
    result.model.dispose();
  }
}

/** The command `selfgrad train`. */
export function trainCommand(): Command {
  const command = new Command('train').description('train a robust network into a run directory');
  addPresetFlag(addConfigFlags(command, ['seed', 'threads', 'device', 'data', 'model', 'threat', 'train']))
    .option('--out <directory>', 'run directory (default: runs/<date>-<time>)')
    .option(
      '--resume [directory]',
      'continue the run in this directory (default: that of --out), with its configuration',
    )
    .option('--overwrite', 'replace the run that --out already holds')
    .option('--watch', 'a live page of the run on this machine, with a stop button; its address is printed')
    .option('--watch-port <port>', 'port of that page (default: any that is free)', parsePort)
    .option('--tensorboard', 'write the curves into the run directory for TensorBoard as well')
    .option(
      '--distributed',
      'be one of several processes that train together, started by torchrun, Slurm or Kubeflow',
    )
    .option(
      '--rank-timeout <s>',
      'seconds until a process that does not come or answer counts as lost (default: 300)',
      parseSeconds,
    )
    .option('--dry-run', 'check everything and say what would run')
    .option('--json', 'one JSON document on stdout');
  for (const option of progressOptions()) command.addOption(option);
  return command.action(async (overrides: string[], flags: Flags) => {
    const { directory, resume } = target(flags);
    const leads = leadsRanks(flags);
    // Before anything else, so that --dry-run answers as the command itself would.
    if (leads) checkRunDirectory(runFiles(directory), { ...flags, resume });
    const resolved = await readConfig(flags, overrides, resume ? runLayers(runFiles(directory)) : []);
    const device = announceDevice(resolved.config.device, flags.distributed ? rankFromEnvironment() : null);
    if (flags.dryRun) {
      const planned = await plan(resolved.config, device, directory);
      return flags.json ? printJson(planned) : printPlan(planned);
    }
    // Rank 0 speaks for all, but for errors.
    const { watch: _, watchPort: __, tensorboard: ___, ...silent } = flags;
    if (!leads) return run(resolved, directory, resume, { ...silent, quiet: true });
    if (!flags.quiet) note(`run    ${directory}`);
    await run(resolved, directory, resume, flags);
  });
}
