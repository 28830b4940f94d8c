/** Results go to stdout, whole and nothing else; everything for people in between goes to stderr. */
import { writeSync } from 'node:fs';

/** One line or block of results. */
export function print(text: string): void {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
}

/** The one document of `--json`; `schema` names its version. */
export function printJson<T extends { schema: string }>(document: T): void {
  print(JSON.stringify(document, null, 2));
}

/** A line for people. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/**
 * A reader that closes the pipe (`| head`) has seen enough: no error, no stack. Results that cannot be written
 * for another reason, such as a full disk, fail the command. Progress may lose its reader without ending the run.
 */
export function watchOutput(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
    noteNow(`ERR_WRITE  Cannot write to the standard output: ${error.message}.`);
    process.exit(1);
  });
  process.stderr.on('error', () => {});
}

/** A last line that must be out before the process ends, whatever the stream's buffer holds. */
export function noteNow(text: string): void {
  try {
    writeSync(process.stderr.fd, `${text}\n`);
  } catch {
    // The reader is gone, and there is no other place to say so.
  }
}
