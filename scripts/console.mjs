/** What the scripts say: one line per step, and one sentence when something on this machine is missing. */

/** The exit code of "something on this machine is missing", as of the command line. */
export const environmentExitCode = 4;

/** A failure that the reader can mend: its message is the whole story, no stack trace. */
export class SetupError extends Error {}

const terminal = process.stderr.isTTY === true;

function line(name, text) {
  return `${name.padEnd(12)} ${text}`;
}

/**
 * Runs one step and prints its line. `work(report)` may report what it is at (redrawn on a terminal, a line of
 * its own elsewhere) and returns what it did; nothing done at all is "up to date".
 */
export async function step(name, work) {
  const start = performance.now();
  const report = (text) =>
    process.stderr.write(terminal ? `\r\x1b[K${line(name, text)}` : `${line(name, text)}\n`);
  try {
    const done = await work(report);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    process.stderr.write(
      `${terminal ? '\r\x1b[K' : ''}${line(name, `${done ?? 'up to date'} (${seconds} s)`)}\n`,
    );
  } catch (error) {
    if (terminal) process.stderr.write('\r\x1b[K');
    throw error;
  }
}

/** Prints an error as a user should see it and returns the exit code. */
export function reportError(error) {
  // SelfgradError comes from the compiled package, so it is known by what it has.
  const readable = error instanceof SetupError || error?.name === 'SelfgradError';
  process.stderr.write(`${readable ? error.message : error?.stack}\n`);
  if (!readable) return 1;
  return error.exitCode ?? environmentExitCode;
}

/** Runs a script's body and sets the exit code. */
export async function runMain(body) {
  try {
    process.exitCode = (await body()) ?? 0;
  } catch (error) {
    process.exitCode = reportError(error);
  }
}
