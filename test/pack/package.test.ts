import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveLibtorch } from '../../src/native/libtorch/resolve.ts';
import { findAddon } from '../../src/native/load.ts';
import { packageRoot } from '../../src/native/packageRoot.ts';

interface Packed {
  filename: string;
  size: number;
  files: { path: string }[];
}

let folder: string;
let packed: Packed;

/** The package as a user gets it, in a project of its own; dependencies are those of this clone. */
const installed = () => join(folder, 'node_modules/selfgrad');

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'selfgrad-pack-'));
  const result = spawnSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
    cwd: packageRoot,
    encoding: 'utf8',
  });
  packed = (JSON.parse(result.stdout) as Packed[])[0]!;
  mkdirSync(installed(), { recursive: true });
  const archive = join(folder, basename(packed.filename));
  const extracted = spawnSync('tar', ['-xzf', archive, '-C', installed(), '--strip-components=1']);
  expect(extracted.status).toBe(0);
  symlinkSync(join(packageRoot, 'node_modules'), join(installed(), 'node_modules'));
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
  it('ships what it needs to run and to build, and no tests', () => {
    const paths = packed.files.map(({ path }) => path);
    expect(paths).toEqual(
      expect.arrayContaining([
        'dist/index.js',
        'dist/index.d.ts',
        'dist/cli/main.js',
        'dist/cli/selfgrad.cjs',
        'binding.gyp',
        'CMakeLists.txt',
        'docs/errors.md',
        'docs/masking.md',
        'cmake/FindLibTorch.cmake',
        'native/loader/loader.c',
        'scripts/build.mjs',
      ]),
    );
    expect(paths.filter((path) => /^(?:test|native\/test|src|bench|build)/.test(path))).toEqual([]);
  });

  it('is small: LibTorch is not in it', () => {
    expect(packed.size).toBeLessThan(10_000_000);
  });

  it('can be imported, and says how to build when there is no addon', () => {
    const code = `
      import * as selfgrad from 'selfgrad';
      const { loadBinding } = await import('./node_modules/selfgrad/dist/native/load.js');
      console.log(typeof selfgrad.train);
      try { loadBinding(); } catch (error) { console.log(error.code); }`;
    // Prebuilds may be there when this clone made some.
    rmSync(join(installed(), 'prebuilds'), { recursive: true, force: true });
    const { stdout, stderr } = runInProject(code);
    expect(stderr).toBe('');
    expect(stdout).toBe('function\nERR_ADDON\n');
  });

  it('runs on its prebuilds without a build', () => {
    const prebuilds = join(installed(), 'prebuilds', `${process.platform}-${process.arch}`);
    cpSync(dirname(findAddon().loader), prebuilds, { recursive: true });
    const code = `
      const { loadBinding } = await import('./node_modules/selfgrad/dist/native/load.js');
      console.log(loadBinding().info().libtorch);`;
    const { stdout, stderr } = runInProject(code, { LIBTORCH: resolveLibtorch().root });
    expect(stderr).toBe('');
    expect(stdout).toBe('2.11.0\n');
  });
});
