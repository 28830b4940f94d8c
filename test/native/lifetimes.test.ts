/** What is made, disposed of and made again, thousands of times, each kind in a process of its own: memory stays flat. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const script = fileURLToPath(new URL('lifetimes.mjs', import.meta.url));

it.concurrent.each([
  ['models', 10_000],
  ['sets', 10_000],
  // Started, and stopped in mid-run.
  ['runs', 500],
  ['evaluations', 500],
] as const)(
  '%s: %d lives leave less than 32 MB behind, and a timer keeps ticking',
  async (kind, count) => {
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--expose-gc',
      script,
      kind,
      String(count),
    ]);
    const { grown, longest } = JSON.parse(stdout);
    // 9 000 sets or models that are kept take 80 and 265 MB.
    expect(grown / 1e6).toBeLessThan(32);
    // Between two ticks of 10 ms, on a machine that does other things as well.
    expect(longest).toBeGreaterThan(0);
    expect(longest).toBeLessThan(1000);
  },
  120_000,
);
