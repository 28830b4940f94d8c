/** What a run directory holds, by name. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';

export interface RunFiles {
  directory: string;
  config: string;
  events: string;
  checkpoint: string;
  model: string;
  evaluation: string;
  report: string;
  csv: string;
}

/** The paths of the files of a run; they need not exist. */
export function runFiles(directory: string): RunFiles {
  return {
    directory,
    config: join(directory, 'config.json'),
    events: join(directory, 'events.jsonl'),
    checkpoint: join(directory, 'checkpoint.safetensors'),
    model: join(directory, 'model.safetensors'),
    evaluation: join(directory, 'evaluation.json'),
    report: join(directory, 'report.html'),
    csv: join(directory, 'evaluation.csv'),
  };
}

/** The tensor file that `path` stands for: in a run directory the model, or the checkpoint of a run in progress. */
export function modelFile(path: string): string {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return path;
  const { model, checkpoint } = runFiles(path);
  return existsSync(model) || !existsSync(checkpoint) ? model : checkpoint;
}
