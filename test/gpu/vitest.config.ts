/** The suite that needs a GPU: not part of `npm test`; `node test/gpu/run.mjs` runs it. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/gpu/**/*.test.ts'],
    pool: 'forks',
    // One process: the GPU is one.
    maxWorkers: 1,
    testTimeout: 300_000,
  },
});
