/**
 * Builds the package: TypeScript to dist/, the addon to build/Release (where node-gyp-build finds it).
 *   node scripts/build.mjs            both
 *   node scripts/build.mjs --native   the addon only, with the dist/ that is there
 * Each part is skipped while its stamp says that nothing has changed. SELFGRAD_BUILD_DIR moves CMake's folder.
 */
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, freemem } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isMain, root, runPackageScript } from './command.mjs';
import { runMain, SetupError, step } from './console.mjs';
import { hashOf, hasStamp, writeStamp } from './stamp.mjs';
import { findGenerator } from './tools.mjs';

const dist = join(root, 'dist');
const release = join(root, 'build', 'Release');

/** CMake's own folder: outside build/, which node-gyp deletes. */
export const buildFolder = resolve(root, process.env.SELFGRAD_BUILD_DIR || 'build-cmake');

/** One compile of LibTorch's headers takes up to this much memory. */
const bytesPerCompile = 1.5 * 2 ** 30;

/** Compiles src/ into dist/; the old dist/ stays until the new one is whole. */
export async function buildTypeScript(report) {
  const stamp = join(dist, '.stamp');
  const hash = hashOf(root, ['src', 'tsconfig.json', 'package-lock.json']);
  if (hasStamp(stamp, hash)) return undefined;
  report('compiling');
  const temporary = `${dist}.tmp-${process.pid}`;
  const { status, output } = await runPackageScript('typescript/bin/tsc', [
    '-p',
    'tsconfig.json',
    '--noEmitOnError',
    '--outDir',
    temporary,
  ]);
  if (status !== 0) {
    rmSync(temporary, { recursive: true, force: true });
    throw new SetupError(`${output}\nTypeScript did not compile: see above.`);
  }
  writeStamp(join(temporary, '.stamp'), hash);
  rmSync(dist, { recursive: true, force: true });
  renameSync(temporary, dist);
  return 'compiled';
}

/** LibTorch's folder with its headers, from the compiled resolver. */
export async function findLibtorch() {
  const { resolveLibtorch } = await import(pathToFileURL(join(dist, 'native/libtorch/resolve.js')).href);
  return resolveLibtorch({ headers: true });
}

/** CMake refuses another generator in the same folder: then begin anew. */
function dropOtherGenerator(folder, generator) {
  const cache = join(folder, 'CMakeCache.txt');
  if (!generator || !existsSync(cache)) return;
  const used = /^CMAKE_GENERATOR:INTERNAL=(.*)$/m.exec(readFileSync(cache, 'utf8'))?.[1];
  if (used !== generator) rmSync(folder, { recursive: true, force: true });
}

async function cmakeJs(command, folder, args, log, report) {
  const { status, output } = await runPackageScript(
    'cmake-js/bin/cmake-js',
    [command, '--out', folder, ...args],
    {
      onLine: (line) => {
        appendFileSync(log, `${line}\n`);
        const progress = /^\[ *(\d+)(?:\/(\d+)|%)\]/.exec(line);
        if (progress && process.stderr.isTTY) report(`compiling ${progress[0]}`);
      },
    },
  );
  if (status === 0) return;
  if (command === 'configure' && output.includes('GoogleTest: fetching')) {
    throw new SetupError(
      'GoogleTest is not installed and could not be fetched. Install it (Debian: apt-get install libgtest-dev), or check the network.',
    );
  }
  const lines = output.split('\n');
  const first = lines.findIndex((line) => /error|not found/i.test(line));
  const shown = first < 0 ? lines.slice(-20) : lines.slice(first, first + 20);
  throw new SetupError(
    `${shown.join('\n')}\nThe native code did not build: see above; the whole output is in ${log}.`,
  );
}

/** Configures and builds a CMake target; 'all' builds everything that is configured. */
export async function cmakeBuild({ target, tests, folder = buildFolder, options = [], report }) {
  const libtorch = await findLibtorch();
  const generator = await findGenerator();
  dropOtherGenerator(folder, generator);
  mkdirSync(folder, { recursive: true });
  const log = join(folder, 'build.log');
  writeFileSync(log, '');
  const compiler = process.env.CXX ? ['--cxx', process.env.CXX, '--cc', process.env.CC || 'cc'] : [];
  const all = [
    `--CDLIBTORCH=${libtorch.root}`,
    `--CDSELFGRAD_TESTS=${tests ? 'ON' : 'OFF'}`,
    '--CDSELFGRAD_UNITY=ON',
    ...(generator ? ['-G', generator] : []),
    ...compiler,
    ...options,
  ];
  const parallel = Math.max(1, Math.min(availableParallelism(), Math.floor(freemem() / bytesPerCompile)));
  await cmakeJs('configure', folder, all, log, report);
  await cmakeJs('build', folder, [...all, '--target', target, '--parallel', String(parallel)], log, report);
}

function install(name) {
  const target = join(release, name);
  mkdirSync(dirname(target), { recursive: true });
  // A rename, so that a process that has the old file open keeps it.
  const temporary = `${target}.${process.pid}`;
  copyFileSync(join(buildFolder, 'addon', name), temporary);
  renameSync(temporary, target);
}

/** Builds loader and addon when their sources, LibTorch's version or this platform has changed. */
export async function buildNative(report) {
  const { selfgrad } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const stamp = join(release, '.stamp');
  const hash = hashOf(
    root,
    ['CMakeLists.txt', 'cmake', 'native/core', 'native/addon', 'native/loader'],
    [selfgrad.libtorch, process.platform, process.arch],
  );
  if (hasStamp(stamp, hash)) return undefined;
  report('compiling, about a minute');
  rmSync(stamp, { force: true });
  await cmakeBuild({ target: 'addon', tests: false, report });
  install('selfgrad.node');
  install('core/core.node');
  writeStamp(stamp, hash);
  return 'built';
}

if (isMain(import.meta.url)) {
  await runMain(async () => {
    const nativeOnly = process.argv.includes('--native') && existsSync(dist);
    if (!nativeOnly) await step('typescript', buildTypeScript);
    await step('addon', buildNative);
  });
}
