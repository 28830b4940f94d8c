/**
 * Makes packages/selfgrad-<version>.tgz as it is published, with the prebuilt addons that are in prebuilds/, and
 * checks it: entry points (publint), types (arethetypeswrong), and what npm would say on publishing.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { extract } from 'tar';
import { buildTypeScript } from './build.mjs';
import { isMain, root, runNpm, runPackageScript } from './command.mjs';
import { runMain, SetupError, step } from './console.mjs';
import { libtorchPackageName, megabytes, packages, repositoryFields } from './libtorch-package.mjs';
import { makeSbom } from './sbom.mjs';

/** Platforms whose LibTorch comes as a package of its own; the others take `selfgrad libtorch install`. */
const libtorchPlatforms = ['linux-x64'];

async function npm(args, options) {
  const { status, output } = await runNpm([...args, '--loglevel=error'], options);
  if (status !== 0) throw new SetupError(`npm ${args[0]} failed: ${output}`);
  return output;
}

/** What `npm pack` says of a folder's tarball: { filename, size, unpackedSize, files }. */
export async function pack(folder, destination) {
  const output = await npm(['pack', '--json', '--ignore-scripts', '--pack-destination', destination], {
    cwd: folder,
  });
  return JSON.parse(output)[0];
}

/**
 * package.json as it is published. LibTorch's packages stand only here: in the repository `npm ci` would ask for
 * them before they are published.
 */
function publishedManifest({ scripts: _, devDependencies: __, ...manifest }) {
  const name = (place) => libtorchPackageName.replace(/libtorch-.*/, `libtorch-${place}`);
  return {
    ...manifest,
    ...repositoryFields(process.env),
    optionalDependencies: Object.fromEntries(
      libtorchPlatforms.map((place) => [name(place), manifest.selfgrad.libtorch]),
    ),
  };
}

/** The sources that the maps of dist/ lead to are not in the package, nor are the maps: nor is their mention. */
async function forgetSourceMaps(folder) {
  for (const name of readdirSync(folder, { recursive: true })) {
    if (!/\.c?js$/.test(name)) continue;
    const file = join(folder, name);
    const code = readFileSync(file, 'utf8');
    await writeFile(file, code.replace(/\/\/# sourceMappingURL=.*\s*$/, ''));
  }
}

/** Lays the package out in `folder`, an absent one, with the addons of `prebuilds`. */
export async function layOut(folder, prebuilds) {
  const temporary = await mkdtemp(join(tmpdir(), 'selfgrad-package-'));
  try {
    const { filename } = await pack(root, temporary);
    await mkdir(folder, { recursive: true });
    await extract({ file: join(temporary, filename), cwd: folder, strip: 1 });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  await forgetSourceMaps(join(folder, 'dist'));
  await rm(join(folder, 'prebuilds'), { recursive: true, force: true });
  await cp(prebuilds, join(folder, 'prebuilds'), { recursive: true });
  const file = join(folder, 'package.json');
  const manifest = publishedManifest(JSON.parse(readFileSync(file, 'utf8')));
  await writeFile(file, `${JSON.stringify(manifest, null, 2)}\n`);
  await writeFile(join(folder, 'sbom.cdx.json'), `${JSON.stringify(await makeSbom(), null, 1)}\n`);
}

/** Sentences about the tarball from publint and arethetypeswrong; '' when both are content. */
export async function checkTarball(tarball) {
  const checks = [
    ['publint/src/cli.js', 'run', '--strict', tarball],
    // Node's ESM and bundlers; the package has nothing for CommonJS.
    ['@arethetypeswrong/cli/dist/index.js', '--profile', 'esm-only', '--no-emoji', tarball],
  ];
  const problems = [];
  for (const [script, ...args] of checks) {
    const { status, output } = await runPackageScript(script, args);
    if (status !== 0) problems.push(output);
  }
  return problems.join('\n');
}

/** Sentences about what a published package must hold, and must not; none for these files. */
export function fileProblems(paths) {
  const needed = [
    ...['dist/index.js', 'dist/index.d.ts', 'dist/cli/main.js', 'dist/cli/selfgrad.cjs'],
    ...['LICENSE', 'README.md', 'CHANGELOG.md', 'docs/errors.md', 'docs/masking.md', 'sbom.cdx.json'],
    ...['CMakeLists.txt', 'binding.gyp', 'cmake/FindLibTorch.cmake', 'scripts/build.mjs', 'scripts/cuda.mjs'],
    ...['native/loader/loader.c', 'native/cuda/kernels.cu', 'assets/fashion-mnist/LICENSE'],
  ];
  const own =
    /^(?:(?:dist|cmake|assets|prebuilds)\/|native\/(?:core|addon|loader|cuda)\/|scripts\/(?:build|command|console|cuda|stamp|tools)\.mjs$|package\.json$)/;
  const foreign = /\.map$|\.stamp$|\.tmp|\.test\./;
  const missing = needed.filter((path) => !paths.includes(path));
  const surplus = paths.filter((path) => !needed.includes(path) && (!own.test(path) || foreign.test(path)));
  return [
    ...missing.map((path) => `${path} is missing.`),
    ...surplus.map((path) => `${path} is not meant to be published.`),
  ];
}

/**
 * What `npm publish` would do with a tarball, by npm's own dry run, which asks nobody: { files, warnings }, paths and
 * what npm says of the package, but that nobody is logged in.
 */
export async function publishDry(tarball) {
  const { status, output } = await runNpm([
    ...['publish', '--dry-run', '--json', '--access', 'public', '--loglevel=warn', tarball],
  ]);
  if (status !== 0) throw new SetupError(`npm publish --dry-run failed: ${output}`);
  const lines = output.split('\n');
  const said = (line) => /^npm (?:warn|WARN) /.test(line);
  const answer = JSON.parse(lines.filter((line) => !line.startsWith('npm ')).join('\n'));
  const { files } = answer.files ? answer : Object.values(answer)[0];
  return {
    files: files.map(({ path }) => path),
    warnings: lines.filter((line) => said(line) && !line.includes('requires you to be logged in')),
  };
}

if (isMain(import.meta.url)) {
  await runMain(async () => {
    const prebuilds = join(root, 'prebuilds');
    if (!existsSync(prebuilds)) throw new SetupError('There are no prebuilds. Run: npm run prebuilds');
    await step('typescript', buildTypeScript);
    const folder = join(packages, 'selfgrad');
    await rm(folder, { recursive: true, force: true });
    let tarball;
    await step('tarball', async () => {
      await layOut(folder, prebuilds);
      const { filename, size, unpackedSize, files } = await pack(folder, packages);
      tarball = join(packages, filename);
      const platforms = readdirSync(prebuilds).join(', ');
      return `${filename} ${megabytes(size)}, unpacked ${megabytes(unpackedSize)}, ${files.length} files, for ${platforms}`;
    });
    await step('checks', async () => {
      const problems = await checkTarball(tarball);
      if (problems !== '') throw new SetupError(problems);
      return 'publint and arethetypeswrong are content';
    });
    await step('dry run', async () => {
      const { files, warnings } = await publishDry(tarball);
      const problems = [...warnings, ...fileProblems(files)];
      if (problems.length > 0) throw new SetupError(problems.join('\n'));
      return `npm would publish ${files.length} files`;
    });
  });
}
