/** Runs of a sweep, one after another: what is done is skipped, what was begun goes on. */
import { SelfgradError } from '../../errors.ts';
import type { RunFiles } from '../../runFiles.ts';
import { statusOf, sweepFiles } from '../../sweep/manifest.ts';
import { nameOf, type Sweep, type SweepRun } from '../../sweep/plan.ts';
import { commandLine } from '../configFlags.ts';
import { interruptible } from '../interrupt.ts';
import { measureModel } from '../measure.ts';
import { note } from '../output.ts';
import { openProgress, type ProgressFlags } from '../progress/progress.ts';
import { writeResults } from '../results.ts';

async function trainRun(
  { config }: SweepRun,
  files: RunFiles,
  resume: boolean,
  flags: ProgressFlags,
  signal: AbortSignal,
): Promise<void> {
  const { train } = await import('../../train.ts');
  const progress = openProgress(flags);
  try {
    const job = train(config, { signal, out: files.directory, resume });
    for await (const event of job) progress.show(event);
    (await job.result).model.dispose();
  } finally {
    progress.close();
  }
}

async function evaluateRun(
  { config }: SweepRun,
  files: RunFiles,
  flags: ProgressFlags,
  signal: AbortSignal,
): Promise<void> {
  const { evaluate } = await import('../../evaluate.ts');
  const evaluation = await measureModel(files.model, config, flags, signal, (model, data, shared) =>
    evaluate(model, data, { ...config.evaluate, ...shared, partial: files.partial }),
  );
  await writeResults({ ...evaluation, command: commandLine(['eval', files.directory]) }, files, files);
}

async function completeRun(
  run: SweepRun,
  folder: string,
  evaluate: boolean,
  flags: ProgressFlags,
  signal: AbortSignal,
): Promise<void> {
  const files = sweepFiles(folder, run);
  const status = statusOf(files, evaluate);
  if (status === 'new' || status === 'begun') await trainRun(run, files, status === 'begun', flags, signal);
  if (evaluate) await evaluateRun(run, files, flags, signal);
}

/**
 * Completes `runs`. One that fails by its own fault, such as one that diverges, does not keep the others waiting.
 *
 * @throws SelfgradError with the code of the first run that failed, when all have been tried; Interrupted
 */
export async function completeRuns(
  runs: readonly SweepRun[],
  folder: string,
  { evaluate }: Sweep,
  flags: ProgressFlags,
): Promise<void> {
  const failed: { run: SweepRun; error: SelfgradError }[] = [];
  await interruptible(
    async (signal) => {
      for (const [i, run] of runs.entries()) {
        if (statusOf(sweepFiles(folder, run), evaluate) === 'done') continue;
        if (!flags.quiet) note(`run    ${i + 1} of ${runs.length}  ${run.id}  ${nameOf(run)}`);
        try {
          await completeRun(run, folder, evaluate, flags, signal);
        } catch (error) {
          // What the machine lacks, every other run would lack, too.
          if (!(error instanceof SelfgradError) || error.exitCode === 4) throw error;
          note(`${error.code}  ${error.message}`);
          failed.push({ run, error });
        }
      }
    },
    () => 'Repeat the command to go on.',
  );
  const [first] = failed;
  if (first === undefined) return;
  throw new SelfgradError(
    first.error.code,
    `${failed.length} of ${runs.length} runs failed, first ${first.run.id} (${nameOf(first.run)}): ${first.error.message}`,
    { cause: first.error },
  );
}
