/** What a download or an installation is doing, and how that reads. */

export interface InstallProgress {
  phase: 'download' | 'unpack';
  doneBytes: number;
  /** 0 when unknown. */
  totalBytes: number;
}

const megabyte = 1_000_000;

/**
 * Turns progress into text: every change where a line is redrawn, else one text per tenth. Null means that
 * there is nothing new to say.
 */
export function progressText(what: string, redrawn: boolean): (progress: InstallProgress) => string | null {
  let last = '';
  return ({ phase, doneBytes, totalBytes }) => {
    const done = Math.round(doneBytes / megabyte);
    const total = Math.round(totalBytes / megabyte);
    const verb = phase === 'download' ? 'downloading' : 'unpacking';
    const part = totalBytes > 0 ? Math.min(1, doneBytes / totalBytes) : 0;
    const key = redrawn ? `${verb} ${done}` : `${verb} ${Math.floor(part * 10)}`;
    if (key === last) return null;
    last = key;
    return totalBytes > 0 ? `${verb} ${what}: ${done} of ${total} MB` : `${verb} ${what}: ${done} MB`;
  };
}
