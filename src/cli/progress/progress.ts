/** Progress of a long job on stderr: a redrawn bar on a terminal, whole lines elsewhere, or JSON lines. */
import { Option } from 'commander';
import type { EvaluateEvent } from '../../evaluation.ts';
import type { TrainEvent } from '../../events.ts';
import type { NativeStabilityEvent } from '../../native/measureBinding.ts';
import { barProgress } from './bar.ts';
import { lineProgress } from './line.ts';

export type ProgressEvent = TrainEvent | EvaluateEvent | NativeStabilityEvent;

export interface Progress {
  /** Finished epochs stay to be read, one a line. */
  readonly leavesLines: boolean;
  show(event: ProgressEvent): void;
  /** Leaves the cursor at the start of a line. */
  close(): void;
}

export interface ProgressFlags {
  progress?: 'none' | 'bar' | 'line' | 'json';
  quiet?: boolean;
}

/** `--progress` and `--quiet`, the same for every long command. */
export function progressOptions(): Option[] {
  return [
    new Option('--progress <how>', 'progress on stderr (default: bar on a terminal, line elsewhere)').choices(
      ['none', 'bar', 'line', 'json'],
    ),
    new Option('-q, --quiet', 'no progress and no notes: results and errors only'),
  ];
}

/** How the flags and the terminal ask for progress to be shown. */
export function progressKind({ progress, quiet }: ProgressFlags): NonNullable<ProgressFlags['progress']> {
  if (quiet) return 'none';
  return progress ?? (process.stderr.isTTY && process.env.TERM !== 'dumb' ? 'bar' : 'line');
}

/** The progress that the flags and the terminal ask for. */
export function openProgress(flags: ProgressFlags): Progress {
  const { stderr } = process;
  const write = (text: string) => stderr.write(text);
  switch (progressKind(flags)) {
    case 'none':
      return { leavesLines: false, show: () => {}, close: () => {} };
    case 'json':
      return { leavesLines: false, show: (event) => write(`${JSON.stringify(event)}\n`), close: () => {} };
    case 'line':
      return lineProgress(write, () => performance.now());
    case 'bar':
      return barProgress(
        write,
        () => stderr.columns ?? 80,
        () => performance.now(),
      );
  }
}
