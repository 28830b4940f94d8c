/** What a killed process leaves behind: paths that carry the number of a process that is no more. */
import { readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The paths `<prefix><pid>` and `<prefix><pid>-…` whose process has ended. */
export function leftovers(prefix: string): string[] {
  let names: string[];
  try {
    names = readdirSync(dirname(prefix));
  } catch {
    return [];
  }
  return names
    .filter((name) => name.startsWith(basename(prefix)))
    .filter((name) => {
      const pid = Number(name.slice(basename(prefix).length).split('-')[0]);
      return Number.isInteger(pid) && pid > 0 && !isRunning(pid);
    })
    .map((name) => join(dirname(prefix), name));
}
