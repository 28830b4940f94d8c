/** Writes what an evaluation found into a run directory. */
import { mkdir } from 'node:fs/promises';
import { SelfgradError } from '../errors.ts';
import type { Evaluation } from '../evaluation.ts';
import { renderCsv } from '../report/csv.ts';
import { renderReport } from '../report/html.ts';
import { writeEvaluation } from '../report/json.ts';
import { readMasking } from '../report/masking.ts';
import { readStability } from '../report/stability.ts';
import { writeAtomic } from '../report/writeAtomic.ts';
import type { RunFiles } from '../runFiles.ts';
import { readHistory, runLayers } from './runFiles.ts';

/**
 * Creates a directory for results.
 *
 * @throws SelfgradError `ERR_WRITE` when it cannot be created
 */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (cause) {
    throw new SelfgradError(
      'ERR_WRITE',
      `Cannot create the directory ${path}: ${(cause as Error).message}.`,
      {
        fix: 'Choose another with --out.',
        cause,
      },
    );
  }
}

/**
 * Writes report.html and evaluation.csv to `written`; the training curve, configuration, checks for masking and stability
 * analysis come from `run`.
 */
export async function writeReport(evaluation: Evaluation, run: RunFiles, written: RunFiles): Promise<void> {
  await makeDirectory(written.directory);
  const [layer] = runLayers(run);
  await writeAtomic(
    written.report,
    renderReport({
      evaluation,
      history: readHistory(run),
      config: layer?.values ?? null,
      masking: await readMasking(run.masking),
      stability: await readStability(run.stability),
    }),
  );
  await writeAtomic(written.csv, renderCsv(evaluation));
}

/** Writes evaluation.json, report.html and evaluation.csv to `written`. */
export async function writeResults(evaluation: Evaluation, run: RunFiles, written: RunFiles): Promise<void> {
  await makeDirectory(written.directory);
  await writeReport(await writeEvaluation(written.evaluation, evaluation), run, written);
}
