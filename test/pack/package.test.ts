import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveLibtorch } from '../../src/native/libtorch/resolve.ts';
import { findAddon } from '../../src/native/load.ts';
import { packageRoot } from '../../src/native/packageRoot.ts';
import { makeProject, type Project } from './project.ts';

const { fileProblems, publishDry } = (await import(join(packageRoot, 'scripts/package.mjs'))) as {
  fileProblems(paths: string[]): string[];
  publishDry(tarball: string): Promise<{ files: string[]; warnings: string[] }>;
};

let folder: string;
let project: Project;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'selfgrad-pack-'));
  project = await makeProject(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function runInProject(code: string, env: NodeJS.ProcessEnv = {}) {
  return spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    cwd: folder,
    env: { ...process.env, SELFGRAD_ADDON_DIR: '', ...env },
    encoding: 'utf8',
  });
}

describe('the npm package', () => {
  it('ships what it needs to run and to build, and nothing else', async () => {
    const { files, warnings } = await publishDry(project.tarball);
    expect(warnings).toEqual([]);
    expect(fileProblems(files)).toEqual([]);
    expect(files.toSorted()).toEqual(project.packed.files.map(({ path }) => path).toSorted());
  });

  it('is refused with files that are missing or not meant for users', () => {
    const paths = project.packed.files.map(({ path }) => path);
    const foreign = [
      'dist/index.js.map',
      'scripts/lint.mjs',
      'native/test/main.cpp',
      'test/properties.ts',
      'src/index.ts',
    ];
    expect(fileProblems([...paths.filter((path) => path !== 'sbom.cdx.json'), ...foreign])).toEqual([
      'sbom.cdx.json is missing.',
      ...foreign.map((path) => `${path} is not meant to be published.`),
    ]);
  });

  it('brings every script that its scripts import', () => {
    const scripts = join(project.installed, 'scripts');
    const imported = readdirSync(scripts).flatMap((name) =>
      [...readFileSync(join(scripts, name), 'utf8').matchAll(/from '\.\/(.+)'/g)].map(([, file]) => file!),
    );
    expect(imported).toContain('command.mjs');
    expect(imported.filter((name) => !existsSync(join(scripts, name)))).toEqual([]);
  });

  it('mentions no source map, as there is none', () => {
    const dist = join(project.installed, 'dist');
    const code = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /\.c?js$/.test(name),
    );
    expect(code.length).toBeGreaterThan(200);
    expect(
      code.filter((name) => readFileSync(join(dist, name), 'utf8').includes('sourceMappingURL')),
    ).toEqual([]);
  });

  // 5.1 MB of it are the embedded images.
  it('is small: LibTorch is not in it', () => {
    expect(project.packed.size).toBeLessThan(5_900_000);
    expect(project.packed.unpackedSize).toBeLessThan(7_500_000);
  });

  it('can be imported, and says how to build when there is no addon', () => {
    const code = `
      import * as selfgrad from 'selfgrad';
      const { loadBinding } = await import('./node_modules/selfgrad/dist/native/load.js');
      console.log(typeof selfgrad.train);
      try { loadBinding(); } catch (error) { console.log(error.code); }`;
    const { stdout, stderr } = runInProject(code);
    expect(stderr).toBe('');
    expect(stdout).toBe('function\nERR_ADDON\n');
  });

  it('runs on its prebuilds without a build', () => {
    const prebuilds = join(project.installed, 'prebuilds', `${process.platform}-${process.arch}`);
    cpSync(dirname(findAddon().loader), prebuilds, { recursive: true });
    const code = `
      const { loadBinding } = await import('./node_modules/selfgrad/dist/native/load.js');
      console.log(loadBinding().info().libtorch);`;
    const { stdout, stderr } = runInProject(code, { LIBTORCH: resolveLibtorch().root });
    expect(stderr).toBe('');
    expect(stdout).toBe('2.11.0\n');
  });
});
