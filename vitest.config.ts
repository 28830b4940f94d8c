/** Tests run in forked processes: a native addon may not live in several worker threads of the runner. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/{unit,native,cli,pack}/**/*.test.ts'],
    setupFiles: ['test/properties.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // They end what hangs. On a machine shared with others a test takes several times its usual seconds.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    unstubEnvs: true,
    restoreMocks: true,
  },
});
