/**
 * The core's tests, all of them, under sanitizers of GCC:
 *   node scripts/sanitize.mjs address|undefined|thread [--filter GOOGLETEST_FILTER]
 *   node scripts/sanitize.mjs address|undefined --addon [VITEST_FILTER …]
 * `address undefined` takes both in one build. Builds in build-cmake-SANITIZERS and exits 1 when a test fails or a
 * sanitizer reports. LibTorch is not instrumented: what is ignored of it stands in native/test/sanitize, with reasons.
 * `--addon` runs TypeScript's tests with an instrumented addon in a Node that is not, so without the search for leaks, and
 * without the tests that limit memory: it says which.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { cmakeBuild } from './build.mjs';
import { isMain, root, run, runPackageScript } from './command.mjs';
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

/** Where the compiler keeps the run-time of a sanitizer: a Node that has none opens it first. */
function runtime(name) {
  return execFileSync(process.env.CXX ?? 'g++', [`-print-file-name=${name}`], { encoding: 'utf8' }).trim();
}

async function testCore(folder, env, filter) {
  for (const { filter: chosen, env: own } of filter ? [{ filter, env: {} }] : runs) {
    const args = [`--gtest_filter=${chosen}`, '--gtest_brief=1'];
    const { status } = await run(join(folder, 'selfgrad_tests'), args, {
      show: true,
      env: { ...env, ...own },
    });
    if (status !== 0) return 1;
  }
  return 0;
}

/**
 * They give a process less memory than it asks for, by `ulimit`, and look at what it says. The address sanitizer takes
 * memory of its own and ends a process that gets none.
 */
const limitMemory = ['test/native/largerThanMemory.test.ts'];

/** What is left of a process that ends is not a leak to Node. What a sanitizer reports ends the process it is in. */
async function testAddon(folder, env, files) {
  console.log(`Left out, as they limit a process's memory: ${limitMemory.join(', ')}`);
  const excluded = limitMemory.flatMap((file) => ['--exclude', file]);
  const { status } = await runPackageScript('vitest/vitest.mjs', ['run', ...excluded, ...files], {
    show: true,
    env: {
      ...env,
      ASAN_OPTIONS: `${env.ASAN_OPTIONS ?? ''}:detect_leaks=0`,
      LD_PRELOAD: [runtime('libasan.so'), runtime('libubsan.so')].join(' '),
      SELFGRAD_ADDON_DIR: join(folder, 'addon'),
      SELFGRAD_PLAIN: 'block-cache',
    },
  });
  return status === 0 ? 0 : 1;
}

if (isMain(import.meta.url)) {
  await runMain(async () => {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { filter: { type: 'string' }, addon: { type: 'boolean', default: false } },
    });
    const isSanitizer = (name) => Object.hasOwn(sanitizers, name);
    const names = positionals.filter(isSanitizer);
    const files = positionals.filter((name) => !isSanitizer(name));
    if (names.length === 0 || (files.length > 0 && !values.addon))
      throw new SetupError(
        `Expected some of ${Object.keys(sanitizers).join(', ')} but received ${JSON.stringify(positionals)}.`,
      );
    if (values.addon && names.includes('thread'))
      throw new SetupError(
        'Expected --addon with address or undefined: the thread sanitizer would report Node.',
      );
    const folder = join(root, `build-cmake-${names.join('-')}`);
    const chosen = names.map((name) => sanitizers[name]);
    await step(names.join(', '), async (report) => {
      report('compiling');
      const options = [`--CDSELFGRAD_SANITIZE=${chosen.map(({ flags }) => flags).join(',')}`];
      const target = values.addon ? 'addon' : 'selfgrad_tests';
      await cmakeBuild({ target, tests: !values.addon, folder, options, report });
      return 'built';
    });
    const env = Object.assign(
      { ...process.env, OMP_WAIT_POLICY: 'PASSIVE' },
      ...chosen.map((one) => one.env),
    );
    return values.addon ? testAddon(folder, env, files) : testCore(folder, env, values.filter);
  });
}
