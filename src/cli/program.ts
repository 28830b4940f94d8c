/** The command line as a tree of commands; `main` runs it. */
import { Command } from 'commander';
import { packageVersion } from '../native/packageRoot.ts';
import { attackCommand } from './commands/attack.ts';
import { cardCommand } from './commands/card.ts';
import { compareCommand } from './commands/compare.ts';
import { completionCommand } from './commands/completion.ts';
import { configCommand } from './commands/config.ts';
import { dataCommand } from './commands/data.ts';
import { doctorCommand } from './commands/doctor.ts';
import { evalCommand } from './commands/eval.ts';
import { exportCommand } from './commands/export.ts';
import { inspectCommand } from './commands/inspect.ts';
import { libtorchCommand } from './commands/libtorch.ts';
import { maskingCommand } from './commands/masking.ts';
import { mergeCommand } from './commands/merge.ts';
import { reportCommand } from './commands/report.ts';
import { stabilityCommand } from './commands/stability.ts';
import { sweepCommand } from './commands/sweep.ts';
import { trainCommand } from './commands/train.ts';
import { addExamples } from './examples.ts';

const exitCodes = `
Exit codes: 0 done, 1 failed, 2 usage, configuration or data, 3 gate not met, 4 environment (LibTorch, device,
disk, network), 75 stopped by SIGTERM or with another rank, and resumable, 130 interrupted and resumable.
SELFGRAD_DEBUG=1 adds stack traces to errors.`;

/** Makes every command throw instead of exiting, and print nothing about errors: `main` does both. */
function prepare(command: Command): void {
  command.exitOverride().configureOutput({ outputError: () => {} });
  for (const child of command.commands) prepare(child);
}

/** A new program; commander keeps parsed values in it, so each run takes its own. */
export function createProgram(): Command {
  const program = new Command('selfgrad')
    .description(
      'Adversarially robust image classification: train with self-gradient taps, evaluate under attack.',
    )
    .version(packageVersion)
    .addHelpText('after', exitCodes)
    .showSuggestionAfterError();
  for (const command of [
    trainCommand(),
    evalCommand(),
    mergeCommand(),
    sweepCommand(),
    compareCommand(),
    stabilityCommand(),
    maskingCommand(),
    attackCommand(),
    reportCommand(),
    cardCommand(),
    exportCommand(),
    dataCommand(),
    configCommand(),
    inspectCommand(),
    doctorCommand(),
    libtorchCommand(),
    completionCommand(),
  ]) {
    program.addCommand(command);
  }
  addExamples(program);
  prepare(program);
  return program;
}
