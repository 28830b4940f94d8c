/**
 * The core's tests, all of them, under sanitizers of GCC:
 *   node scripts/sanitize.mjs address|undefined|thread [--filter GOOGLETEST_FILTER]
 * `address undefined` takes both in one build. Builds in build-cmake-SANITIZERS and exits 1 when a test fails or a
 * sanitizer reports. LibTorch is not instrumented: what is ignored of it stands in native/test/sanitize, with reasons.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cmakeBuild } from './build.mjs';
import { isMain, root, run } from './command.mjs';
import { runMain, SetupError, step } from './console.mjs';

/** What the compiler is told, and what the run-time is. Loops are parallel where that is what is looked at. */
const sanitizers = {
  address: {
    flags: 'address',
    env: {
      ASAN_OPTIONS: 'detect_stack_use_after_return=1:strict_string_checks=1:detect_leaks=1',
      OMP_NUM_THREADS: '1',
    },
  },
  undefined: {
    flags: 'undefined,float-cast-overflow',
    env: { UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1', OMP_NUM_THREADS: '1' },
  },
  thread: {
    flags: 'thread',
    env: {
      TSAN_OPTIONS: `suppressions=${join(root, 'native/test/sanitize/races.txt')}`,
      OMP_NUM_THREADS: '2',
    },
  },
};

/**
 * Blocks that are kept, or larger than asked for, would hide what lies beyond a tensor's end: only its tests use the cache.
 * Nothing is as fast as it should be.
 */
const runs = [
  { filter: '-BlockCache.*:KernelSpeed.*', env: { SELFGRAD_PLAIN: 'block-cache' } },
  { filter: 'BlockCache.*:Threads.*', env: {} },
];

if (isMain(import.meta.url)) {
  await runMain(async () => {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { filter: { type: 'string' } },
    });
    const chosen = positionals.map((name) => sanitizers[name]);
    if (chosen.length === 0 || chosen.includes(undefined))
      throw new SetupError(
        `Expected some of ${Object.keys(sanitizers).join(', ')} but received ${JSON.stringify(positionals)}.`,
      );
    const folder = join(root, `build-cmake-${positionals.join('-')}`);
    await step(positionals.join(', '), async (report) => {
      report('compiling');
      const options = [`--CDSELFGRAD_SANITIZE=${chosen.map(({ flags }) => flags).join(',')}`];
      await cmakeBuild({ target: 'selfgrad_tests', tests: true, folder, options, report });
      return 'built';
    });
    const told = Object.assign({}, ...chosen.map(({ env }) => env));
    for (const { filter, env } of values.filter ? [{ filter: values.filter, env: {} }] : runs) {
      const { status } = await run(
        join(folder, 'selfgrad_tests'),
        [`--gtest_filter=${filter}`, '--gtest_brief=1'],
        {
          show: true,
          env: { ...process.env, OMP_WAIT_POLICY: 'PASSIVE', ...told, ...env },
        },
      );
      if (status !== 0) return 1;
    }
    return 0;
  });
}
