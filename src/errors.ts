/**
 * Every error that selfgrad raises on purpose: a stable code, one sentence that says what was expected
 * and what was found, the fix, and the cause.
 */

/** What each code means to a shell: 1 run-time failure, 2 usage/config/data, 3 gate, 4 environment, 75 try again. */
const exitCodes = {
  /** An option, flag or configuration value is unknown, of the wrong type or out of range. */
  ERR_OPTION: 2,
  /** A configuration file cannot be read or parsed. */
  ERR_CONFIG: 2,
  /** A data file is missing, truncated, corrupt or of another format. */
  ERR_DATA: 2,
  /** A label lies outside 0 … classes - 1. */
  ERR_LABEL: 2,
  /** Pixels lie outside [0, 1]. */
  ERR_PIXELS: 2,
  /** A checkpoint or model file is unreadable, foreign, or of another run. */
  ERR_CHECKPOINT: 2,
  /** A gate such as `--fail-under` was not met. */
  ERR_GATE: 3,
  /** LibTorch is missing or of another version than the addon was built with. */
  ERR_LIBTORCH: 4,
  /** The native addon is missing or cannot be loaded. */
  ERR_ADDON: 4,
  /** The device that was asked for is not there. */
  ERR_DEVICE: 4,
  /** A tool, the network or disk space that the set-up needs is missing. */
  ERR_ENVIRONMENT: 4,
  /** An optional package that this source needs is not installed. */
  ERR_PEER: 4,
  /** The ranks of a run that several processes share did not find each other. */
  ERR_RENDEZVOUS: 4,
  /** Another rank ended, does not answer or was asked to stop: this one stopped as well. */
  ERR_RANK: 75,
  /** A file cannot be written (disk full, read-only directory). */
  ERR_WRITE: 1,
  /** Training or an attack met numbers that are not finite. */
  ERR_NUMERIC: 1,
  /** The native core failed in a way that is a defect of selfgrad. */
  ERR_NATIVE: 1,
} as const;

export type ErrorCode = keyof typeof exitCodes;

export interface SelfgradErrorOptions {
  /** What the user should do, one sentence. */
  fix?: string;
  cause?: unknown;
}

/** The one error class of the package; `code` is stable, the sentence may improve. */
export class SelfgradError extends Error {
  override readonly name = 'SelfgradError';
  readonly code: ErrorCode;
  /** What the user should do, when there is one thing to do; already part of `message`. */
  readonly fix: string | undefined;

  constructor(code: ErrorCode, sentence: string, options: SelfgradErrorOptions = {}) {
    super(
      options.fix ? `${sentence} ${options.fix}` : sentence,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = code;
    this.fix = options.fix;
  }

  /** The exit code of the command line for this error. */
  get exitCode(): number {
    return exitCodes[this.code];
  }
}
