/** What a call that must fail fails with. */
import { SelfgradError } from '../../../src/errors.ts';

/** Code and message of the SelfgradError that `call` throws, as the command line prints them. */
export function refusal(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof SelfgradError) return `${error.code}  ${error.message}`;
    throw error;
  }
  throw new Error('Expected a SelfgradError, but nothing was thrown.');
}
