/**
 * Fuzzes the parsers of untrusted bytes in the core (native/fuzz) with libFuzzer, address and undefined sanitizers:
 *   CXX=clang++-19 node scripts/fuzz.mjs [--seconds 60] [TARGET...]
 * Builds in build-cmake-fuzz; new inputs are collected there, findings too. Prints a line for each target and exits 1
 * when there is a finding. A finding goes into native/fuzz/corpus/TARGET, which the core's tests replay.
 */
import { mkdirSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { findLibtorch } from './build.mjs';
import { isMain, root, run } from './command.mjs';
import { runMain, SetupError, step } from './console.mjs';

const folder = join(root, 'build-cmake-fuzz');
const corpus = join(root, 'native/fuzz/corpus');

/** Memory that one input may take: far less than a file's claim, far more than its bytes. */
const limitMegabytes = 2048;

async function must(program, args) {
  const { status, output } = await run(program, args);
  if (status !== 0) throw new SetupError(`${output}\n${program} failed: see above.`);
}

if (isMain(import.meta.url)) {
  await runMain(async () => {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { seconds: { type: 'string', default: '60' } },
    });
    const known = readdirSync(corpus);
    const unknown = positionals.find((name) => !known.includes(name));
    if (unknown)
      throw new SetupError(`Expected one of ${known.join(', ')} but received ${JSON.stringify(unknown)}.`);
    if (!/^[1-9]\d*$/.test(values.seconds))
      throw new SetupError(
        `Expected a whole number of seconds for --seconds but received ${values.seconds}.`,
      );
    const targets = positionals.length > 0 ? positionals : known;
    await step('fuzzers', async (report) => {
      report('compiling');
      const { root: libtorch } = await findLibtorch();
      const compiler = process.env.CXX || 'clang++';
      await must('cmake', [
        ...['-S', root, '-B', folder, '-G', 'Ninja', '-DCMAKE_BUILD_TYPE=Release', `-DLIBTORCH=${libtorch}`],
        ...[`-DCMAKE_CXX_COMPILER=${compiler}`, `-DCMAKE_C_COMPILER=${compiler.replace('clang++', 'clang')}`],
        // LibTorch comes from GCC: clang 18 and later mangle some templates otherwise.
        '-DCMAKE_CXX_FLAGS=-fclang-abi-compat=17',
        ...[
          '-DSELFGRAD_FUZZ=ON',
          '-DSELFGRAD_UNITY=ON',
          '-DSELFGRAD_SANITIZE=fuzzer-no-link,address,undefined',
        ],
      ]);
      const built = targets.map((name) => `fuzz_${name}`);
      await must('cmake', [
        '--build',
        folder,
        '--parallel',
        `${availableParallelism()}`,
        '--target',
        ...built,
      ]);
      return 'built';
    });
    let findings = 0;
    for (const name of targets) {
      await step(name, async (report) => {
        report(`${values.seconds} s`);
        const [collected, artifacts] = ['inputs', 'findings'].map((kind) => join(folder, kind, name));
        mkdirSync(collected, { recursive: true });
        mkdirSync(artifacts, { recursive: true });
        const { status, output } = await run(
          join(folder, `fuzz_${name}`),
          [
            ...[collected, join(corpus, name), `-max_total_time=${values.seconds}`, '-print_final_stats=1'],
            ...[`-rss_limit_mb=${limitMegabytes}`, `-malloc_limit_mb=${limitMegabytes}`, '-timeout=20'],
            ...['-max_len=16384', '-seed=1', `-artifact_prefix=${artifacts}/`],
          ],
          // LibTorch is not instrumented: its own pools and start-up allocations are no leaks of ours.
          { env: { ...process.env, OMP_NUM_THREADS: '1', ASAN_OPTIONS: 'detect_leaks=0' } },
        );
        const executions = /number_of_executed_units: (\d+)/.exec(output)?.[1] ?? '?';
        const coverage = [...output.matchAll(/ cov: (\d+)/g)].at(-1)?.[1] ?? '?';
        const summary = `${executions} executions, ${coverage} edges`;
        if (status === 0) return `${summary}, nothing found`;
        findings++;
        console.error(output.split('\n').slice(-60).join('\n'));
        return `${summary}, FOUND something: see above and ${artifacts}`;
      });
    }
    return findings > 0 ? 1 : 0;
  });
}
