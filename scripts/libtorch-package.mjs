/**
 * Makes packages/libtorch-<platform>-<arch>, the npm package that brings LibTorch to a machine like this one, and
 * its tarball: the pinned wheels by pip, of which only what the addon loads is kept, stripped, with all licences.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildTypeScript } from './build.mjs';
import { isMain, root, runNpm } from './command.mjs';
import { runMain, SetupError, step } from './console.mjs';
import { strip } from './prebuilds.mjs';

const place = `${process.platform}-${process.arch}`;
const {
  selfgrad,
  version: packageVersion,
  repository,
} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Tarballs and the folders that they are made from. */
export const packages = join(root, 'packages');

/** The name of this platform's package, as the resolver looks for it. */
export const libtorchPackageName = `@selfgrad/libtorch-${place}`;

export const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

/**
 * Where the sources are, which npm compares with who publishes (provenance): what package.json says, else the
 * repository that GitHub's workflow runs in. Empty elsewhere.
 */
export function repositoryFields({ GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: path }) {
  if (repository) return { repository };
  return server && path ? { repository: { type: 'git', url: `git+${server}/${path}.git` } } : {};
}

const manifest = {
  name: libtorchPackageName,
  version: selfgrad.libtorch,
  description: `The libraries of LibTorch ${selfgrad.libtorch} that selfgrad loads on ${place}`,
  license: 'SEE LICENSE IN README.md',
  ...repositoryFields(process.env),
  os: [process.platform],
  cpu: [process.arch],
  ...(process.platform === 'linux' && { libc: ['glibc'] }),
  preferUnplugged: true,
  files: ['lib', 'licenses'],
};

function readme(licences) {
  return `# ${manifest.name}

${manifest.description}: taken out of PyTorch's own wheels, stripped of what only linkers and debuggers read, and
otherwise as they were. Made for selfgrad ${packageVersion}; of no use by itself, and without headers.

Licences: ${licences.map((folder) => `[${folder}](licenses/${folder})`).join(', ')}.
`;
}

/**
 * Turns a folder with LibTorch's lib/ and licenses/ into the package: strips the libraries, drops everything else,
 * writes package.json and README. Returns the libraries' bytes by name.
 */
export async function finishLibtorchPackage(folder) {
  rmSync(join(folder, 'include'), { recursive: true, force: true });
  const sizes = {};
  for (const name of readdirSync(join(folder, 'lib'))) {
    const file = join(folder, 'lib', name);
    await strip(file);
    sizes[name] = statSync(file).size;
  }
  const licences = join(folder, 'licenses');
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  writeFileSync(join(folder, 'README.md'), readme(existsSync(licences) ? readdirSync(licences) : []));
  return sizes;
}

/** Fetches the pinned wheels and takes libraries and licences out of them. */
async function unpackWheels(folder, report) {
  const load = (name) => import(pathToFileURL(join(root, 'dist/native/libtorch', `${name}.js`)).href);
  const [{ platformPins }, { findPip, pipDownload }, { unpack }] = await Promise.all(
    ['pins', 'pip', 'unpack'].map(load),
  );
  const pins = platformPins(process.platform, process.arch);
  const pip = findPip(process.env, process.platform);
  if (!pins || !pip) {
    throw new SetupError(`LibTorch's wheels cannot be had: ${pins ? 'no pip' : `none for ${place}`}.`);
  }
  report('fetching the wheels');
  const download = join(folder, 'download');
  mkdirSync(download, { recursive: true });
  const archives = await pipDownload({ pip, pins, folder: download, env: process.env, onBytes: () => {} });
  report('unpacking');
  for (const archive of archives) {
    await unpack({ archive, folder, platform: process.platform, onBytes: () => {} });
  }
  rmSync(download, { recursive: true });
  if (readdirSync(join(folder, 'licenses')).length < pins.wheels.length) {
    throw new SetupError('A wheel came without its licence: nothing may be shipped.');
  }
}

if (isMain(import.meta.url)) {
  await runMain(async () => {
    await step('typescript', buildTypeScript);
    const folder = join(packages, `libtorch-${place}`);
    rmSync(folder, { recursive: true, force: true });
    await step('wheels', async (report) => {
      await unpackWheels(folder, report);
      return folder;
    });
    await step('libraries', async () =>
      Object.entries(await finishLibtorchPackage(folder))
        .map(([name, bytes]) => `${name} ${megabytes(bytes)}`)
        .join(', '),
    );
    await step('tarball', async (report) => {
      report('compressing');
      const { status, output } = await runNpm(
        ['pack', '--json', '--loglevel=error', '--pack-destination', packages],
        { cwd: folder },
      );
      if (status !== 0) throw new SetupError(`npm pack failed: ${output}`);
      const [{ filename, size, unpackedSize }] = JSON.parse(output);
      return `${filename} ${megabytes(size)}, unpacked ${megabytes(unpackedSize)}`;
    });
  });
}
