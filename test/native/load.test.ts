import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findAddon, loadBinding } from '../../src/native/load.ts';
import { packageRoot, pinnedLibtorch } from '../../src/native/packageRoot.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'selfgrad-load-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A LibTorch without headers, whose library says that it is this version. */
function compileLibtorch(source: string): string {
  const lib = join(folder, 'libtorch/lib');
  mkdirSync(lib, { recursive: true });
  writeFileSync(join(folder, 'libtorch.c'), source);
  writeFileSync(join(lib, 'libc10.so'), '');
  const output = join(lib, 'libtorch_cpu.so');
  const compiler = spawnSync('cc', ['-shared', '-fPIC', '-o', output, join(folder, 'libtorch.c')]);
  expect(compiler.status).toBe(0);
  return join(folder, 'libtorch');
}

/** The error that a call throws. */
function errorOf(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describe('loadBinding', () => {
  it('refuses a LibTorch of another version than the addon was built with, naming both', () => {
    const root = compileLibtorch(
      'unsigned long long aoti_torch_abi_version(void) { return 2ULL << 56 | 15ULL << 48; }',
    );
    vi.stubEnv('LIBTORCH', root);
    expect(errorOf(loadBinding)).toMatchObject({
      code: 'ERR_LIBTORCH',
      exitCode: 4,
      message:
        `selfgrad's addon was built with LibTorch ${pinnedLibtorch}, but ${root} holds LibTorch 2.15.0. ` +
        `Point LIBTORCH at ${pinnedLibtorch}, or run: npx selfgrad libtorch install`,
    });
  });

  it('refuses a library that is no LibTorch', () => {
    const root = compileLibtorch('int unrelated;');
    vi.stubEnv('LIBTORCH', root);
    expect(errorOf(loadBinding)).toMatchObject({
      code: 'ERR_LIBTORCH',
      message:
        `LibTorch in ${root} cannot be opened: the library exports no aoti_torch_abi_version. ` +
        'Install it anew with: npx selfgrad libtorch install --force',
    });
  });

  it('says why a library cannot be opened', () => {
    const root = compileLibtorch('int unrelated;');
    const library = join(root, 'lib/libtorch_cpu.so');
    writeFileSync(library, 'not a library');
    vi.stubEnv('LIBTORCH', root);
    expect(errorOf(loadBinding)).toMatchObject({
      code: 'ERR_LIBTORCH',
      message: expect.stringMatching(
        /libtorch_cpu\.so: .*(?:too short|invalid ELF).*libtorch install --force$/,
      ),
    });
  });

  it('says how to build an addon that is not there, or not whole', () => {
    expect(errorOf(() => findAddon(folder, {}))).toMatchObject({
      code: 'ERR_ADDON',
      exitCode: 4,
      message:
        `selfgrad's native addon for ${process.platform}-${process.arch} was not found in ${folder}. ` +
        `Build it: node ${join(packageRoot, 'scripts', 'build.mjs')} --native (it needs a C++ compiler and CMake).`,
    });
    writeFileSync(join(folder, 'selfgrad.node'), '');
    expect(errorOf(() => findAddon(folder, { SELFGRAD_ADDON_DIR: folder }))).toMatchObject({
      code: 'ERR_ADDON',
      message: expect.stringContaining(`is incomplete: ${join(folder, 'core/core.node')} is absent.`),
    });
  });

  it('finds prebuilds where nothing was built', () => {
    const prebuilds = join(folder, 'prebuilds', `${process.platform}-${process.arch}`);
    mkdirSync(join(prebuilds, 'core'), { recursive: true });
    writeFileSync(join(prebuilds, 'selfgrad.node'), '');
    writeFileSync(join(prebuilds, 'core/core.node'), '');
    expect(findAddon(folder, {})).toEqual({
      loader: join(prebuilds, 'selfgrad.node'),
      core: join(prebuilds, 'core/core.node'),
      cudaPlugin: join(prebuilds, 'core/selfgrad_cuda.so'),
    });
  });

  it('loads once, and tells the version that it was built for and runs on', () => {
    const binding = loadBinding();
    expect(loadBinding()).toBe(binding);
    expect(binding.info()).toMatchObject({ libtorch: pinnedLibtorch, builtFor: pinnedLibtorch });
    expect(process.env.OMP_WAIT_POLICY).toBe('PASSIVE');
  });
});
