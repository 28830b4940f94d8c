/**
 * Compiles and links the CUDA plug-in (native/cuda) without a CUDA installation and without a GPU:
 *   node scripts/cuda.mjs     build-cuda/selfgrad_cuda.so, and a copy beside the addon, which opens it
 * The compiler and LibTorch's GPU part come from pinned wheels, fetched once by pip, which checks each hash, into
 * build-cuda/. What was compiled is noted in native/cuda/compiled.sha256, so that lint fetches nothing while
 * the sources are as they were. Linux x64 only.
 */
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { findLibtorch } from './build.mjs';
import { isMain, root, run } from './command.mjs';
import { runMain, SetupError, step } from './console.mjs';
import { hashOf, hasStamp, writeStamp } from './stamp.mjs';

const folder = join(root, 'build-cuda');
const toolkit = join(folder, 'toolkit');
const stamp = join(root, 'native/cuda/compiled.sha256');

const wheels = [
  ['nvidia-cuda-nvcc==13.0.88', '56fe502eb77625a12f25172caa3cdddb4e4c8ba2c8c17dba44b164761b380f03'],
  ['nvidia-cuda-crt==13.0.88', '2c8043c7c9e02492716426e9919fc78d2c5b3b2a7a768a88e952676b08aa55a4'],
  ['nvidia-nvvm==13.0.88', 'c5f41ffeb6466944a026dfa5317d7d85355c119bbec279205d22f1869d1054e0'],
  ['nvidia-cuda-cccl==13.0.85', 'e0da7ad981f3a8aff08241b5bfc1af868742a63e2762f53a5171c492ef242649'],
  ['nvidia-cuda-runtime==13.0.96', '7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548'],
  ['torch==2.11.0', '7aa2f9bbc6d4595ba72138026b2074be1233186150e9292865e04b7a63b8c67a'],
].map(([requirement, sha256]) => ({ requirement, sha256, bytes: 0 }));

/** Ampere and Hopper, and for what comes later the driver's own compiler. */
const architectures = ['compute_80,code=sm_80', 'compute_90,code=sm_90', 'compute_90,code=compute_90'];

function sourcesHash() {
  const native = readdirSync(join(root, 'native/cuda'))
    .filter((name) => /\.(?:cu|cpp|h)$/.test(name))
    .map((name) => `native/cuda/${name}`);
  const bodies = readdirSync(join(root, 'native/core/kernels'))
    .filter((name) => name.endsWith('.h'))
    .map((name) => `native/core/kernels/${name}`);
  const tables = ['native/cuda/declared', 'native/core/kernels/cuda', 'native/core/kernels/cpu/table.h'];
  return hashOf(root, [...native, ...bodies, ...tables, 'scripts/cuda.mjs']);
}

/** Whether these very sources have been compiled and checked before. */
export function isCudaCompiled() {
  return hasStamp(stamp, sourcesHash());
}

async function must(program, args, what) {
  const { status, output } = await run(program, args);
  if (status !== 0) throw new SetupError(`${output}\n${what} failed: see above.`);
  return output;
}

async function fetchToolkit(report) {
  if (existsSync(join(toolkit, 'torch/lib/libtorch_cuda.so'))) return;
  report('fetching the CUDA compiler (635 MB of wheels, once)');
  const { findPip, pipDownload } = await import(
    pathToFileURL(join(root, 'dist/native/libtorch/pip.js')).href
  );
  const { platformPins } = await import(pathToFileURL(join(root, 'dist/native/libtorch/pins.js')).href);
  const pip = findPip(process.env, process.platform);
  if (!pip)
    throw new SetupError('The CUDA plug-in needs pip to fetch its compiler. Install Python with pip.');
  const temporary = join(folder, 'tmp');
  rmSync(temporary, { recursive: true, force: true });
  const download = join(temporary, 'download');
  mkdirSync(download, { recursive: true });
  const { tags } = platformPins('linux', 'x64');
  const pins = { wheels, tags: [...tags, 'manylinux2010_x86_64'] };
  const options = { pip, pins, folder: download, env: process.env, onBytes: () => {} };
  const unpack = `import sys, zipfile
for wheel in sys.argv[2:]:
    archive = zipfile.ZipFile(wheel)
    archive.extractall(sys.argv[1], [name for name in archive.namelist()
        if name.startswith("nvidia/cu13/") or name in ("torch/lib/libc10_cuda.so", "torch/lib/libtorch_cuda.so")])`;
  await must(pip.executable, ['-c', unpack, temporary, ...(await pipDownload(options))], 'Unpacking');
  for (const programs of ['nvidia/cu13/bin', 'nvidia/cu13/nvvm/bin']) {
    for (const name of readdirSync(join(temporary, programs)))
      chmodSync(join(temporary, programs, name), 0o755);
  }
  rmSync(download, { recursive: true });
  rmSync(toolkit, { recursive: true, force: true });
  renameSync(temporary, toolkit);
}

/** The plug-in exports what the loader asks for, and needs nothing that the libraries it names do not have. */
async function checkSymbols(plugin, libraries) {
  const names = (text) => text.split('\n').map((line) => line.trim().split(/\s+/).at(-1)?.split('@')[0]);
  const defined = names(await must('nm', ['-D', '--defined-only', plugin], 'nm'));
  const functions = defined.filter((name) => name && !name.startsWith('_Z'));
  if (functions.join() !== 'selfgrad_cuda_kernels') {
    throw new SetupError(
      `Expected the plug-in to export selfgrad_cuda_kernels alone but it has ${functions}.`,
    );
  }
  const offered = new Set();
  for (const library of libraries) {
    for (const name of names(await must('nm', ['-D', '--defined-only', library], 'nm'))) offered.add(name);
  }
  const needed = await must('nm', ['-D', '--undefined-only', plugin], 'nm');
  // Versioned names without a library here are those of glibc and libstdc++; weak ones may be absent.
  const missing = needed
    .split('\n')
    .filter((line) => / U /.test(line) && !/@(?:GLIBC|GLIBCXX|CXXABI|GCC)_/.test(line))
    .map((line) => line.trim().split(/\s+/).at(-1)?.split('@')[0])
    .filter((name) => !offered.has(name));
  if (missing.length > 0)
    throw new SetupError(`The CUDA plug-in needs what no library has: ${missing.join(', ')}`);
}

/** Compiles, links and checks the plug-in; resolves to its path. */
export async function buildCuda(report) {
  mkdirSync(folder, { recursive: true });
  const libtorch = await findLibtorch();
  await fetchToolkit(report);
  const cuda = join(toolkit, 'nvidia/cu13');
  const includes = ['-Inative/cuda', '-Inative/core'];
  const object = (name) => join(folder, `${name}.o`);
  const output = join(folder, 'selfgrad_cuda.so');
  report('compiling');
  // --fmad=false: sums and products round as on the CPU; where one rounding is meant, the bodies say so.
  const nvcc = ['-std=c++20', '-O3', '--fmad=false', '-Xcompiler', '-fPIC,-fvisibility=hidden', ...includes];
  nvcc.push(...architectures.flatMap((name) => ['-gencode', `arch=${name}`]));
  await must(
    join(cuda, 'bin/nvcc'),
    [...nvcc, '-c', 'native/cuda/kernels.cu', '-o', object('kernels')],
    'nvcc',
  );
  const gcc = [
    '-std=c++20',
    '-O2',
    '-fPIC',
    '-fvisibility=hidden',
    '-fvisibility-inlines-hidden',
    ...includes,
  ];
  const torchHeaders = join(libtorch.root, 'include');
  for (const headers of [torchHeaders, join(torchHeaders, 'torch/csrc/api/include'), join(cuda, 'include')])
    gcc.push('-isystem', headers);
  const compiler = process.env.CXX || 'g++';
  for (const name of ['plugin', 'graph', 'exchange']) {
    const source = `native/cuda/${name}.cpp`;
    // NCCL's headers, and those of further libraries, are declarations of our own.
    const declared = name === 'exchange' ? ['-isystem', 'native/cuda/declared'] : [];
    await must(compiler, [...gcc, ...declared, '-c', source, '-o', object(name)], 'The C++ compiler');
  }
  const libraries = [
    ...['libtorch_cuda.so', 'libc10_cuda.so'].map((name) => join(toolkit, 'torch/lib', name)),
    ...['libtorch_cpu.so', 'libc10.so'].map((name) => join(libtorch.root, 'lib', name)),
    join(cuda, 'lib/libcudart.so.13'),
  ];
  const objects = ['kernels', 'plugin', 'graph', 'exchange'].map(object);
  const link = ['-shared', '-o', output, ...objects, '-Wl,--no-as-needed', ...libraries];
  await must(compiler, [...link, '-Wl,--allow-shlib-undefined'], 'Linking');
  await checkSymbols(output, libraries);
  writeStamp(stamp, sourcesHash());
  return output;
}

/** As `buildCuda`, and puts the plug-in beside the addon, which opens it from there. */
export async function installCuda(report) {
  const { findAddon } = await import(pathToFileURL(join(root, 'dist/native/load.js')).href);
  const { cudaPlugin } = findAddon();
  copyFileSync(await buildCuda(report), cudaPlugin);
  return `built ${cudaPlugin}`;
}

if (isMain(import.meta.url)) {
  await runMain(async () => {
    await step('cuda', installCuda);
  });
}
