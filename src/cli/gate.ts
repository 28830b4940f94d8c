/** `--fail-under robust=0.45`: a bar that an evaluation must reach, for use in CI. */
import { InvalidArgumentError } from 'commander';
import { SelfgradError } from '../errors.ts';
import type { Evaluation } from '../evaluation.ts';

export interface Gate {
  what: 'clean' | 'robust';
  /** Least accuracy, 0 … 1. */
  least: number;
}

/** Reads one `--fail-under` value and adds it to those before it. */
export function parseGate(text: string, before: Gate[]): Gate[] {
  const match = /^(clean|robust)=(0?\.\d+|[01](?:\.\d*)?)$/.exec(text);
  const least = Number(match?.[2]);
  if (!match || least > 1) {
    throw new InvalidArgumentError(
      'Expected robust=SHARE or clean=SHARE with a share in [0, 1], e.g. robust=0.45.',
    );
  }
  return [...before, { what: match[1] as Gate['what'], least }];
}

/** @throws SelfgradError `ERR_GATE` when the evaluation misses one of the gates */
export function checkGates(gates: readonly Gate[], evaluation: Evaluation): void {
  const missed = gates
    .filter(({ what, least }) => evaluation[what].rate < least)
    .map(({ what, least }) => `${what} accuracy is ${evaluation[what].rate.toFixed(4)}, below ${least}`);
  if (missed.length > 0) throw new SelfgradError('ERR_GATE', `The gate was not met: ${missed.join('; ')}.`);
}
