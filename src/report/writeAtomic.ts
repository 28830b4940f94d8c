/** Files that are whole or absent: a full disk or a crash leaves what was there before. */
import { open, rename, rm } from 'node:fs/promises';
import { SelfgradError } from '../errors.ts';

/**
 * Writes `content` (text as UTF-8) beside `path`, then renames it into place.
 *
 * @throws SelfgradError `ERR_WRITE` when the directory is missing or read-only, or the disk is full.
 */
export async function writeAtomic(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    const file = await open(temporary, 'w');
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new SelfgradError('ERR_WRITE', `Cannot write ${path}: ${(cause as Error).message}.`, {
      fix: 'Check that the directory exists, is writable and has space.',
      cause,
    });
  }
}
