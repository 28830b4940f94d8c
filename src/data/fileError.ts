/** The sentence for a data file or folder that the operating system does not hand over. */
import { SelfgradError } from '../errors.ts';

const reasons: Record<string, string> = {
  ENOENT: 'nothing there',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EISDIR: 'a directory',
  ENOTDIR: 'not a directory',
  EMFILE: 'too many open files',
  EIO: 'an input/output error',
};

/**
 * Turns an error of `node:fs` into `ERR_DATA` that names the path.
 * @param what what was expected at the path, with its article: `a readable file`
 */
export function fileError(what: string, path: string, cause: unknown): SelfgradError {
  if (cause instanceof SelfgradError) return cause;
  const code = (cause as NodeJS.ErrnoException | null)?.code ?? 'unknown';
  const reason = reasons[code] ?? (cause instanceof Error ? cause.message : String(cause));
  return new SelfgradError('ERR_DATA', `Expected ${what} at ${path} but received ${reason} (${code}).`, {
    fix: 'Check the path and its permissions.',
    cause,
  });
}
