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
      await npm(['publish', '--dry-run', '--access', 'public', tarball]);
      return 'npm would publish it';
    });
  });
}
