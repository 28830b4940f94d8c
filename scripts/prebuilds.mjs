/**
 * Puts the built addon, stripped and checked, into prebuilds/<platform>-<arch>/, where node-gyp-build looks in an
 * installed package: the loader under a name with its tags, the addon that needs LibTorch in core/.
 */
import { copyFileSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { addonProblems, readBinary } from './binary.mjs';
import { buildNative, buildTypeScript } from './build.mjs';
import { isMain, root, run } from './command.mjs';
import { runMain, SetupError, step } from './console.mjs';

/** On Linux the name says that it is for glibc: LibTorch has no wheels for musl. */
const loaderName = process.platform === 'linux' ? 'selfgrad.glibc.node' : 'selfgrad.node';

/** Which file of build/Release becomes which of prebuilds. */
const files = { 'selfgrad.node': loaderName, 'core/core.node': 'core/core.node' };

/** Drops what only linkers and debuggers read. Windows keeps such things in files of their own. */
export async function strip(file) {
  if (process.platform === 'win32') return;
  const option = process.platform === 'darwin' ? '-x' : '--strip-unneeded';
  const { status, output } = await run('strip', [option, file]);
  if (status !== 0) throw new SetupError(`strip failed on ${file}: ${output}`);
}

/** The newest run-times that this binary needs, as in `GLIBC 2.34`; throws when it must not ship. */
async function check(file) {
  const binary = await readBinary(file);
  const problems = addonProblems(binary);
  if (problems.length > 0) throw new SetupError(`${file} must not ship: ${problems.join('; ')}.`);
  return Object.entries(binary.versions)
    .map(([family, version]) => `${family} ${version}`)
    .join(', ');
}

/** Fills the folder `<platform>-<arch>` below `prebuilds` from the addon in `built`; returns lines for the eye. */
export async function makePrebuilds(built, prebuilds) {
  const folder = join(prebuilds, `${process.platform}-${process.arch}`);
  const temporary = `${folder}.tmp-${process.pid}`;
  const lines = [];
  try {
    for (const [from, to] of Object.entries(files)) {
      const file = join(temporary, to);
      mkdirSync(dirname(file), { recursive: true });
      copyFileSync(join(built, from), file);
      await strip(file);
      const needs = process.platform === 'linux' ? ` needs ${await check(file)}` : '';
      lines.push(`${to} ${Math.round(statSync(file).size / 1000)} kB${needs}`);
    }
    rmSync(folder, { recursive: true, force: true });
    renameSync(temporary, folder);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  return lines;
}

if (isMain(import.meta.url)) {
  await runMain(async () => {
    await step('typescript', buildTypeScript);
    await step('addon', buildNative);
    await step('prebuilds', async () =>
      (await makePrebuilds(join(root, 'build/Release'), join(root, 'prebuilds'))).join('; '),
    );
  });
}
