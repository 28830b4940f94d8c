/**
 * Set-up, then every test: the core's in C++ by ctest, then the rest by vitest. Arguments go to vitest.
 * Ends in one line that counts both: `N passed, N failed`.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildFolder, cmakeBuild } from './build.mjs';
import { root, run, runPackageScript } from './command.mjs';
import { runMain, step } from './console.mjs';
import { setup } from './setup.mjs';

/** The core's, and those that need LibTorch's CUDA device to be an emulated one. */
const corePrograms = ['selfgrad_tests', 'selfgrad_cuda_tests'];

/** A runner that died before it wrote its result counts as one failure. */
const died = { passed: 0, failed: 1, skipped: 0 };

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
}

function countGoogleTest(report) {
  if (report === null) return died;
  const cases = report.testsuites.flatMap((suite) => suite.testsuite);
  const skipped = cases.filter(({ result }) => result !== 'COMPLETED').length;
  const failed = cases.filter(({ failures }) => failures !== undefined).length;
  return { passed: cases.length - skipped - failed, failed, skipped };
}

function total(counts) {
  const sum = (key) => counts.reduce((all, count) => all + count[key], 0);
  return { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') };
}

function countVitest(report) {
  if (report === null) return died;
  // A file that could not be loaded has no test that could fail.
  const brokenFiles = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  ).length;
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + brokenFiles,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

async function testCore(folder) {
  const { status } = await run(
    'ctest',
    ['--test-dir', buildFolder, '--output-on-failure', '--no-tests=error'],
    { show: true, env: { ...process.env, GTEST_OUTPUT: `json:${folder}/` } },
  );
  const count = total(corePrograms.map((name) => countGoogleTest(readReport(join(folder, `${name}.json`)))));
  return status !== 0 && count.failed === 0 ? { ...count, failed: 1 } : count;
}

async function testPackage(folder, args) {
  const file = join(folder, 'package.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
  const { status } = await runPackageScript('vitest/vitest.mjs', ['run', ...reporters, ...args], {
    show: true,
  });
  const count = countVitest(readReport(file));
  return status !== 0 && count.failed === 0 ? { ...count, failed: 1 } : count;
}

/** What the tests above leave out, and why: never in silence. */
async function gpuLine() {
  const { chooseDevice } = await import(pathToFileURL(join(root, 'dist/native/device.js')).href);
  try {
    chooseDevice('cuda:0');
    return 'test/gpu was not run: node test/gpu/run.mjs runs it on the GPU of this machine';
  } catch (error) {
    return `test/gpu was not run, no GPU: ${error.message}`;
  }
}

await runMain(async () => {
  await setup();
  await step('core tests', async (report) => {
    report('compiling');
    for (const target of corePrograms) await cmakeBuild({ target, tests: true, report });
    return 'built';
  });
  const folder = mkdtempSync(join(tmpdir(), 'selfgrad-test-'));
  try {
    const count = total([await testCore(folder), await testPackage(folder, process.argv.slice(2))]);
    console.log(`\n${await gpuLine()}`);
    if (count.skipped > 0) console.log(`\n${count.skipped} skipped`);
    console.log(`\n${count.passed} passed, ${count.failed} failed`);
    return count.failed > 0 ? 1 : 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
