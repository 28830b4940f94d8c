/**
 * Does the source work with the newest LibTorch as well, not only with the pinned one? Fetches the newest wheels that
 * pip finds, builds addon and C++ tests against them in a folder of their own, and runs those tests.
 *   node scripts/newest-libtorch.mjs [VERSION]
 * Everything stays below runs/newest-libtorch; what is done is not done again. Exits 1 when anything fails.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isMain, root, run } from './command.mjs';
import { runMain, SetupError, step } from './console.mjs';
import { setup } from './setup.mjs';

const work = join(root, 'runs', 'newest-libtorch');
const wanted = new Set(['torch', 'nvidia-cuda-runtime', 'nvidia-cuda-cupti']);

const load = (name) => import(pathToFileURL(join(root, 'dist/native/libtorch', `${name}.js`)).href);

/** What pip would install, of which only the wheels that hold what the addon loads. */
async function resolveWheels(pip, version) {
  const report = join(work, 'pip.json');
  const args = ['-m', 'pip', 'install', '--dry-run', '--ignore-installed', '--quiet', '--report', report];
  const { status, output } = await run(
    pip.executable,
    [...args, version ? `torch==${version}` : 'torch'],
    {},
  );
  if (status !== 0) throw new SetupError(`pip found no LibTorch: ${output}`);
  const { install } = JSON.parse(readFileSync(report, 'utf8'));
  return install
    .filter(({ metadata }) => wanted.has(metadata.name))
    .map(({ metadata, download_info }) => ({
      requirement: `${metadata.name}==${metadata.version}`,
      sha256: download_info.archive_info.hashes.sha256,
      bytes: 0,
    }));
}

/** Runs a command; its output is shown only when it fails. */
async function must(command, args, options = {}) {
  const { status, output } = await run(command, args, options);
  if (status !== 0) throw new SetupError(`${output}\n${command} failed: see above.`);
  return output;
}

if (isMain(import.meta.url)) {
  await runMain(async () => {
    await setup();
    mkdirSync(work, { recursive: true });
    const [{ platformPins }, { findPip, pipDownload }, { unpack }] = await Promise.all(
      ['pins', 'pip', 'unpack'].map(load),
    );
    const { tags } = platformPins(process.platform, process.arch);
    const pip = findPip(process.env, process.platform);
    if (!pip) throw new SetupError('No Python with pip was found. Install python3-pip.');
    let wheels = [];
    await step('newest release', async () => {
      wheels = await resolveWheels(pip, process.argv[2]);
      return wheels.map(({ requirement }) => requirement).join(', ');
    });
    const version = wheels.find(({ requirement }) => requirement.startsWith('torch=='))?.requirement.slice(7);
    const libtorch = join(work, `libtorch-${version}`);
    await step('libraries', async (report) => {
      if (existsSync(libtorch)) return undefined;
      const folder = `${libtorch}.tmp`;
      rmSync(folder, { recursive: true, force: true });
      const download = join(folder, 'download');
      mkdirSync(download, { recursive: true });
      report('fetching the wheels');
      const pins = { wheels, tags };
      const archives = await pipDownload({
        pip,
        pins,
        folder: download,
        env: process.env,
        onBytes: () => {},
      });
      report('unpacking');
      for (const archive of archives) {
        await unpack({ archive, folder, platform: process.platform, onBytes: () => {} });
      }
      rmSync(download, { recursive: true });
      renameSync(folder, libtorch);
      return libtorch;
    });
    const build = join(work, `build-${version}`);
    await step('addon and tests', async (report) => {
      report('compiling');
      const options = [
        '-DSELFGRAD_TESTS=ON',
        '-DSELFGRAD_UNITY=ON',
        '-DCMAKE_BUILD_TYPE=Release',
        '-G',
        'Ninja',
      ];
      await must('cmake', [
        ...['-S', root, '-B', build, `-DLIBTORCH=${libtorch}`, `-DSELFGRAD_LIBTORCH=${version}`],
        ...options,
      ]);
      const parallel = String(availableParallelism());
      await must('cmake', ['--build', build, '--target', 'addon', 'selfgrad_tests', '--parallel', parallel]);
      return 'built';
    });
    await step('core tests', async () => {
      const output = await must(join(build, 'selfgrad_tests'), ['--gtest_brief=1'], {
        env: { ...process.env, OMP_WAIT_POLICY: 'PASSIVE' },
      });
      return output.trim().split('\n').at(-1);
    });
    await step('training in Node', async () => {
      // A package like this clone's that says the other version is the one it needs.
      const copy = join(work, `package-${version}`);
      rmSync(copy, { recursive: true, force: true });
      mkdirSync(join(copy, 'build'), { recursive: true });
      const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
      manifest.selfgrad.libtorch = version;
      writeFileSync(join(copy, 'package.json'), JSON.stringify(manifest));
      for (const folder of ['dist', 'assets'])
        cpSync(join(root, folder), join(copy, folder), { recursive: true });
      symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
      cpSync(join(build, 'addon'), join(copy, 'build', 'Release'), { recursive: true });
      const cli = (...args) =>
        must(process.execPath, [join(copy, 'dist/cli/main.js'), ...args], {
          cwd: copy,
          env: { ...process.env, LIBTORCH: libtorch },
        });
      await cli('train', '--preset', 'quickstart', '--out', 'run', 'train.epochs=1');
      const table = await cli('eval', 'run', 'data.testCount=200');
      return table.split('\n').find((line) => line.startsWith('robust'));
    });
  });
}
