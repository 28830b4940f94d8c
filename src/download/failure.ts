/** One shape for the ways in which a disk refuses what was fetched. */
import { SelfgradError } from '../errors.ts';

const errnoSentences: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EACCES: 'permission is denied',
  EPERM: 'permission is denied',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is not a folder',
};

/** An error of the file system on `folder`, as a sentence; any other error is passed on as it is. */
export function fileSystemFailure(error: unknown, folder: string, what: string): unknown {
  const code = (error as NodeJS.ErrnoException | null)?.code ?? '';
  const reason = errnoSentences[code];
  if (reason === undefined) return error;
  return new SelfgradError('ERR_ENVIRONMENT', `${what} cannot be written to ${folder}: ${reason}.`, {
    fix: 'Free some space there, or set SELFGRAD_CACHE to another folder.',
    cause: error,
  });
}
