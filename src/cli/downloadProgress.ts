/** Prints what a download is doing on stderr: redrawn on a terminal, a line per tenth elsewhere. */
import { Option } from 'commander';
import { type InstallProgress, progressText } from '../download/progress.ts';

/** `--quiet` of commands that fetch. */
export function quietOption(): Option {
  return new Option('-q, --quiet', 'no progress: results and errors only');
}

/**
 * Runs `work` with a function that prints its progress, and erases the line at the end.
 * @param what is fetched: `LibTorch`
 */
export async function withDownloadProgress<T>(
  what: string,
  { quiet = false }: { quiet?: boolean },
  work: (onProgress: (progress: InstallProgress) => void) => Promise<T>,
): Promise<T> {
  if (quiet) return work(() => {});
  const terminal = process.stderr.isTTY === true;
  const text = progressText(what, terminal);
  try {
    return await work((progress) => {
      const line = text(progress);
      if (line !== null) process.stderr.write(terminal ? `\r\x1b[K${line}` : `${line}\n`);
    });
  } finally {
    if (terminal) process.stderr.write('\r\x1b[K');
  }
}
