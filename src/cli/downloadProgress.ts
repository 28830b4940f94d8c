/** Prints what a download is doing on stderr: redrawn on a terminal, a line per tenth elsewhere, or JSON lines. */
import { type InstallProgress, progressText } from '../download/progress.ts';
import { type ProgressFlags, progressKind } from './progress/progress.ts';

/**
 * Runs `work` with a function that prints its progress as the flags ask for, and erases a redrawn line at the end.
 * @param what is fetched: `LibTorch`
 */
export async function withDownloadProgress<T>(
  what: string,
  flags: ProgressFlags,
  work: (onProgress: (progress: InstallProgress) => void) => Promise<T>,
): Promise<T> {
  const kind = progressKind(flags);
  if (kind === 'none') return work(() => {});
  const text = progressText(what, kind === 'bar');
  const written = {
    bar: (line: string) => `\r\x1b[K${line}`,
    line: (line: string) => `${line}\n`,
    json: (_: string, { phase: type, ...bytes }: InstallProgress) =>
      `${JSON.stringify({ type, what, ...bytes })}\n`,
  }[kind];
  try {
    return await work((progress) => {
      const line = text(progress);
      if (line !== null) process.stderr.write(written(line, progress));
    });
  } finally {
    if (kind === 'bar') process.stderr.write('\r\x1b[K');
  }
}
