/** Reads what a run directory holds beside its tensors. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { readDataFile } from '../config/files.ts';
import type { Layer } from '../config/layers.ts';
import type { TrainEvent } from '../events.ts';
import { type RunFiles, runFiles } from '../runFiles.ts';

/** The run to which a path belongs: itself when it is a directory, else the directory around it. */
export function runOf(path: string): RunFiles {
  const directory = statSync(path, { throwIfNoEntry: false })?.isDirectory() ? path : dirname(path);
  return runFiles(directory);
}

/** The configuration of a run as the lowest layer; none when the run has none. */
export function runLayers(files: RunFiles): Layer[] {
  return existsSync(files.config) ? [readDataFile(files.config)] : [];
}

/**
 * The events of a run; empty when it has none. A last line that a crash cut short is left out.
 */
export function readHistory(files: RunFiles): TrainEvent[] {
  if (!existsSync(files.events)) return [];
  return readFileSync(files.events, 'utf8')
    .split('\n')
    .flatMap((line): TrainEvent[] => {
      try {
        return line === '' ? [] : [JSON.parse(line) as TrainEvent];
      } catch {
        return [];
      }
    });
}
