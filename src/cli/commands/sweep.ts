/** `selfgrad sweep`: many runs from one file, on one machine or many. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { parseShard, type Shard } from '../../evaluate/ranges.ts';
import type { Evaluation } from '../../evaluation.ts';
import { readEvaluation } from '../../report/json.ts';
import { writeAtomic } from '../../report/writeAtomic.ts';
import { readManifest, statusOf, sweepFiles, writeManifest } from '../../sweep/manifest.ts';
import { nameOf, readSweep, runsOfShard, type Sweep, type SweepRun } from '../../sweep/plan.ts';
import { renderSweep, summarize, sweepCsv } from '../../sweep/summary.ts';
import { note, print, printJson } from '../output.ts';
import { type ProgressFlags, progressOptions } from '../progress/progress.ts';
import { completeRuns } from '../sweep/run.ts';
import { type Scheduler, schedulers, templates } from '../sweep/templates.ts';

const example = `
The file:
  base: { preset: cifar10-small, train: { epochs: 10 } }
  grid:
    train.lr: [0.05, 0.1, 0.2]
    train.strategy: [self-gradient, { name: pgd, steps: 10 }]
  seeds: 3

Run again, it skips what is done and goes on with what was begun.`;

function parseShardFlag(text: string): Shard {
  const match = /^([1-9]\d*)\/([1-9]\d*)$/.exec(text);
  if (!match || Number(match[1]) > Number(match[2]))
    throw new InvalidArgumentError('Expected i/n with 1 <= i <= n, e.g. 2/8.');
  return parseShard(text);
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('Expected an integer >= 1.');
  return Number(text);
}

interface RunFlags extends ProgressFlags {
  out: string;
  shard?: Shard;
  dryRun?: boolean;
  json?: boolean;
}

function showPlan(runs: readonly SweepRun[], { evaluate }: Sweep, { out, json }: RunFlags): void {
  const planned = runs.map((run) => {
    const files = sweepFiles(out, run);
    const { id, point, seed } = run;
    return { id, point, seed, status: statusOf(files, evaluate), directory: files.directory };
  });
  if (json) {
    printJson({ schema: 'selfgrad.sweep-plan/1', runs: planned });
  } else {
    const lines = planned.map(({ id, status, ...run }) => `${id}  ${status.padEnd(7)}  ${nameOf(run)}`);
    print([...lines, 'Nothing was run: this is --dry-run.'].join('\n'));
  }
}

function runCommand(): Command {
  const command = new Command('run')
    .description('train and evaluate every run of a sweep (the default command)')
    .argument('<file>', 'YAML or JSON with base, grid, seeds and evaluate')
    .requiredOption('--out <directory>', 'folder of the sweep: its manifest, and a directory for each run')
    .addOption(new Option('--shard <i/n>', 'only every n-th run, from the i-th on').argParser(parseShardFlag))
    .option('--dry-run', 'check everything and list the runs')
    .option('--json', 'with --dry-run: the list as one JSON document on stdout')
    .addHelpText('after', example);
  for (const option of progressOptions()) command.addOption(option);
  return command.action(async (file: string, flags: RunFlags) => {
    const sweep = await readSweep(file);
    const runs = runsOfShard(sweep.runs, flags.shard ?? null);
    if (flags.dryRun) return showPlan(runs, sweep, flags);
    await writeManifest(flags.out, sweep);
    await completeRuns(runs, flags.out, sweep, flags);
    print(
      `done    ${runs.length} of ${sweep.runs.length} runs${flags.shard ? ` (shard ${flags.shard.index}/${flags.shard.of})` : ''}`,
    );
    print(`next    selfgrad sweep merge ${flags.out}`);
  });
}

function mergeCommand(): Command {
  return new Command('merge')
    .description('the results of a sweep as a table: means over seeds with 95 % intervals')
    .argument('<directory>', 'folder of the sweep; summary.json and summary.csv are written there')
    .option('--json', 'the summary as one JSON document on stdout')
    .action(async (folder: string, { json }: { json?: boolean }) => {
      const manifest = await readManifest(folder);
      const evaluations = new Map<string, Evaluation>();
      for (const run of manifest.runs) {
        const { evaluation } = sweepFiles(folder, run);
        if (existsSync(evaluation)) evaluations.set(run.id, await readEvaluation(evaluation));
      }
      const summary = summarize(manifest, evaluations);
      await writeAtomic(join(folder, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
      await writeAtomic(join(folder, 'summary.csv'), sweepCsv(summary));
      if (json) printJson(summary);
      else print(renderSweep(summary));
      if (summary.done < summary.count) note(`${summary.count - summary.done} runs are missing.`);
    });
}

function templateCommand(): Command {
  return new Command('template')
    .description('a job file that runs a sweep on many machines')
    .addArgument(
      new Argument('<scheduler>', 'Slurm array job, or Kubernetes Indexed Job').choices(schedulers),
    )
    .argument('<file>', 'the file of the sweep')
    .requiredOption('--out <directory>', 'folder of the sweep, as the jobs see it')
    .requiredOption('--shards <n>', 'how many jobs share the runs', parseCount)
    .action(async (scheduler: Scheduler, file: string, { out, shards }: { out: string; shards: number }) => {
      await readSweep(file);
      print(templates[scheduler]({ file, out, shards }));
    });
}

/** The command `selfgrad sweep`. */
export function sweepCommand(): Command {
  return new Command('sweep')
    .description('many runs from one file: a grid of options, with several seeds')
    .addCommand(runCommand(), { isDefault: true })
    .addCommand(mergeCommand())
    .addCommand(templateCommand());
}
