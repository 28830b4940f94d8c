/** SIGINT and SIGTERM: the run stops between two attack steps, saves, and the shell learns why. */

/** The reason of an abort by signal. Exit codes: 130 for SIGINT, 75 (try again later) for SIGTERM. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly exitCode: number;

  constructor(signal: NodeJS.Signals, hint = '') {
    super(`Interrupted by ${signal}.${hint && ` ${hint}`}`);
    this.exitCode = signal === 'SIGTERM' ? 75 : 130;
  }
}

/**
 * Runs `job` with a signal that SIGINT and SIGTERM abort; a second one ends the process at once.
 *
 * @param hint how to go on after an interruption, asked when the job has stopped
 * @throws Interrupted when a signal came, whether the job rejected or returned
 */
export async function interruptible<T>(
  job: (signal: AbortSignal) => Promise<T>,
  hint = () => '',
): Promise<T> {
  const controller = new AbortController();
  let received: NodeJS.Signals | undefined;
  const stop = (signal: NodeJS.Signals) => {
    if (received !== undefined) process.exit(new Interrupted(signal).exitCode);
    received = signal;
    controller.abort(new Interrupted(signal));
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  try {
    const result = await job(controller.signal);
    if (received === undefined) return result;
  } catch (error) {
    if (received === undefined || error !== controller.signal.reason) throw error;
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
  }
  throw new Interrupted(received, hint());
}
