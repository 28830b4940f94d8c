/** What a run directory holds, by name. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { SelfgradError } from './errors.ts';

export interface RunFiles {
  directory: string;
  config: string;
  events: string;
  checkpoint: string;
  /** The checkpoint before it, of a run in progress: what is left when a disk damages the last one. */
  previousCheckpoint: string;
  model: string;
  evaluation: string;
  /** Finished parts of an evaluation in progress. */
  partial: string;
  /** What `selfgrad masking --out` wrote, for the report. */
  masking: string;
  /** What `selfgrad stability --out` wrote, for the report. */
  stability: string;
  report: string;
  csv: string;
  onnx: string;
  card: string;
  cardJson: string;
}

/** The paths of the files of a run; they need not exist. */
export function runFiles(directory: string): RunFiles {
  return {
    directory,
    config: join(directory, 'config.json'),
    events: join(directory, 'events.jsonl'),
    checkpoint: join(directory, 'checkpoint.safetensors'),
    previousCheckpoint: join(directory, 'checkpoint.previous.safetensors'),
    model: join(directory, 'model.safetensors'),
    evaluation: join(directory, 'evaluation.json'),
    partial: join(directory, 'evaluation.partial.jsonl'),
    masking: join(directory, 'masking.json'),
    stability: join(directory, 'stability.json'),
    report: join(directory, 'report.html'),
    csv: join(directory, 'evaluation.csv'),
    onnx: join(directory, 'model.onnx'),
    card: join(directory, 'card.md'),
    cardJson: join(directory, 'card.json'),
  };
}

/** The tensor file that `path` stands for: in a run directory the model, or the checkpoint of a run in progress. */
export function modelFile(path: string): string {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return path;
  const { model, checkpoint } = runFiles(path);
  return existsSync(model) || !existsSync(checkpoint) ? model : checkpoint;
}

/**
 * Refuses to resume a run that is not there, and to write over one that is.
 *
 * @throws SelfgradError `ERR_CHECKPOINT`, `ERR_OPTION`
 */
export function checkRunDirectory(
  { directory, model, checkpoint }: RunFiles,
  { resume, overwrite }: { resume?: boolean; overwrite?: boolean },
): void {
  if (resume && !existsSync(checkpoint)) {
    throw new SelfgradError(
      'ERR_CHECKPOINT',
      `Expected a run to resume in ${directory} but found no checkpoint.safetensors.`,
      { fix: 'Give the directory of a run that was interrupted, or leave --resume out to begin anew.' },
    );
  }
  if (!resume && !overwrite && (existsSync(model) || existsSync(checkpoint))) {
    throw new SelfgradError('ERR_OPTION', `Expected a new directory for out but ${directory} holds a run.`, {
      fix: 'Resume it (--resume), replace it (--overwrite), or name another directory.',
    });
  }
}
