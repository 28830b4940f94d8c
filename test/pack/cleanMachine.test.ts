/**
 * `npm install selfgrad` on a machine that has Node and nothing else: an empty home, a PATH without compiler, CMake
 * and Python, install scripts off, and a registry that has the packages as they would be published.
 */
import { spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { targetOf } from '../../src/native/libtorch/pins.ts';
import { resolveLibtorch } from '../../src/native/libtorch/resolve.ts';
import { findAddon } from '../../src/native/load.ts';
import { packageRoot } from '../../src/native/packageRoot.ts';
import { installedDependencies, type Registry, serveRegistry } from './registry.ts';

const script = (name: string) => import(join(packageRoot, 'scripts', name));
const { makePrebuilds } = (await script('prebuilds.mjs')) as {
  makePrebuilds(built: string, prebuilds: string): Promise<string[]>;
};
const { finishLibtorchPackage } = (await script('libtorch-package.mjs')) as {
  finishLibtorchPackage(folder: string): Promise<Record<string, number>>;
};
const { layOut, pack, checkTarball } = (await script('package.mjs')) as {
  layOut(folder: string, prebuilds: string): Promise<void>;
  pack(folder: string, destination: string): Promise<{ filename: string; files: { path: string }[] }>;
  checkTarball(tarball: string): Promise<string>;
};

let folder: string;
let registry: Registry;
const laidOut = () => join(folder, 'selfgrad');
const libtorchFolder = () => join(folder, 'libtorch');

/** LibTorch's libraries as its package holds them: from a flat tree, or from a Python's site-packages. */
function copyLibraries(): void {
  const { root } = resolveLibtorch();
  const nvidia = join(root, '../nvidia');
  const beside = existsSync(nvidia) ? readdirSync(nvidia).map((name) => join(nvidia, name, 'lib')) : [];
  for (const libraries of [join(root, 'lib'), ...beside.filter((path) => existsSync(path))]) {
    for (const name of readdirSync(libraries)) {
      const target = targetOf(`torch/lib/${name}`, process.platform);
      if (target) cpSync(realpathSync(join(libraries, name)), join(libtorchFolder(), target));
    }
  }
}

/** The programs of the machine: Node, and the shell that npm starts programs with. */
const bin = () => join(folder, 'bin');
const shell = spawnSync('sh', ['-c', 'command -v sh'], { encoding: 'utf8' }).stdout.trim();
const npmFolder = join(
  dirname(realpathSync(spawnSync('sh', ['-c', 'command -v npm'], { encoding: 'utf8' }).stdout.trim())),
  '..',
);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'selfgrad-clean-'));
  mkdirSync(bin());
  symlinkSync(process.execPath, join(bin(), 'node'));
  symlinkSync(shell, join(bin(), 'sh'));
  await makePrebuilds(dirname(findAddon().loader), join(folder, 'prebuilds'));
  await layOut(laidOut(), join(folder, 'prebuilds'));
  copyLibraries();
  await finishLibtorchPackage(libtorchFolder());
  registry = await serveRegistry([laidOut(), libtorchFolder(), ...installedDependencies()]);
}, 300_000);
afterAll(async () => {
  await registry.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs Node in a project on the clean machine. Asynchronous, as the registry lives in this process. */
async function onCleanMachine(project: string, args: string[]) {
  const home = join(folder, 'home');
  mkdirSync(home, { recursive: true });
  mkdirSync(project, { recursive: true });
  const child = spawn(join(bin(), 'node'), args, { cwd: project, env: { PATH: bin(), HOME: home } });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const status = await new Promise((resolve) => child.on('close', resolve));
  return { status, stdout, stderr };
}

const install = (project: string, ...options: string[]) =>
  onCleanMachine(project, [
    join(npmFolder, 'bin/npm-cli.js'),
    'install',
    'selfgrad',
    `--registry=${registry.url}`,
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    ...options,
  ]);

const selfgrad = (project: string, ...args: string[]) =>
  onCleanMachine(project, [join(npmFolder, 'bin/npx-cli.js'), '--offline', 'selfgrad', ...args]);

/** A user's first program, small: one epoch, and an attack of two steps. */
const program = `
import { Dataset, evaluate, openData, pgd, selfGradient, train } from 'selfgrad';
const source = 'fashion-mnist-mini';
const threat = { norm: 'linf', eps: 0.1 };
const run = train({
  threat,
  model: { architecture: 'small-cnn', width: 4 },
  data: { source, trainCount: 256, testCount: 64 },
  train: { strategy: selfGradient(), epochs: 1, batchSize: 32, validate: { every: 0 } },
});
const { model } = await run.result;
const test = await Dataset.from(await openData({ source, split: 'test', limit: 64 }));
const { clean, robust } = await evaluate(model, test, { threat, attacks: [pgd({ steps: 2 })] });
console.log(JSON.stringify({ clean: clean.count, robust: robust.rate <= clean.rate }));
`;

describe('a machine without compiler, CMake and Python', () => {
  it('has none of them', () => {
    const found = ['cc', 'gcc', 'g++', 'clang', 'cmake', 'make', 'ninja', 'python', 'python3'].filter(
      (name) => spawnSync(shell, ['-c', `command -v ${name}`], { env: { PATH: bin() } }).status === 0,
    );
    expect(found).toEqual([]);
  });

  it('trains and evaluates after one npm install, without install scripts', {
    timeout: 300_000,
  }, async () => {
    const project = join(folder, 'project');
    const installed = await install(project);
    expect(installed.stderr).toBe('');
    expect(installed.status).toBe(0);
    expect(existsSync(join(project, 'node_modules/selfgrad/build'))).toBe(false);

    writeFileSync(join(project, 'first.mjs'), program);
    const ran = await onCleanMachine(project, ['first.mjs']);
    expect(ran).toEqual({ status: 0, stdout: '{"clean":64,"robust":true}\n', stderr: '' });

    const { version } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'));
    expect(await selfgrad(project, '--version')).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
    const where = await selfgrad(project, 'libtorch', 'where');
    expect(where.stdout).toContain(join('node_modules/@selfgrad', `libtorch-${process.platform}`));
  });

  it('says the one command that gets LibTorch where its package is left out', async () => {
    const project = join(folder, 'without');
    expect(await install(project, '--omit=optional')).toMatchObject({ status: 0, stderr: '' });
    writeFileSync(join(project, 'first.mjs'), program);
    const { status, stderr } = await onCleanMachine(project, ['first.mjs']);
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /LibTorch 2\.11\.0 not found\. Tried: .*@selfgrad\/libtorch-\S+ \(not installed\).* Run: npx selfgrad libtorch install/,
    );
  });
});

describe('the package as it is published', () => {
  it('has right entry points and types, and a bill of materials with LibTorch in it', async () => {
    const { filename, files } = await pack(laidOut(), folder);
    expect(await checkTarball(join(folder, filename))).toBe('');
    expect(files.map(({ path }) => path)).toContain('sbom.cdx.json');
    const bom = JSON.parse(readFileSync(join(laidOut(), 'sbom.cdx.json'), 'utf8'));
    const names = bom.components.map(({ name }: { name: string }) => name);
    expect(bom).toMatchObject({ bomFormat: 'CycloneDX', metadata: { component: { name: 'selfgrad' } } });
    expect(names).toEqual(expect.arrayContaining(['zod', 'torch', 'nvidia-cuda-cupti']));
    expect(names).not.toContain('vitest');
  });
});
