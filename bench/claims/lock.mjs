/** One process a row: a lock file that its holder touches while it works, so that what a killed one left grows old. */
import { mkdirSync, rmSync, statSync, utimes, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

const beatMs = 10_000;
const staleMs = 6 * beatMs;

/**
 * Takes the lock and returns the function that gives it back, or null when another process has it. Two that find the
 * same stale lock in the same instant may both take it: then a row is computed twice, and is the same both times.
 */
export function takeLock(file, now = Date.now()) {
  mkdirSync(dirname(file), { recursive: true });
  const held = statSync(file, { throwIfNoEntry: false });
  if (held && now - held.mtimeMs > staleMs) rmSync(file, { force: true });
  try {
    writeFileSync(file, `${process.pid}\n`, { flag: 'wx' });
  } catch (error) {
    if (error.code === 'EEXIST') return null;
    throw error;
  }
  const beat = setInterval(() => utimes(file, new Date(), new Date(), () => {}), beatMs);
  beat.unref();
  return () => {
    clearInterval(beat);
    rmSync(file, { force: true });
  };
}
